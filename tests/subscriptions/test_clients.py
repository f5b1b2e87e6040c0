"""The GraphQL clients of front ends against the API: graphql-ws, graphql-sse, urql."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from app.schema.http import event_stream
from app.services import transition_feed
from tests.engine.conftest import ShopWithEngine, wait_until
from tests.loyalty_client import LoyaltyClient
from tests.npm import CLIENTS_FOLDER, RECIPE_FOLDER
from tests.subscriptions.front_end_client import FrontEndClient, Json, running_front_end
from tests.subscriptions.tcp_proxy import running_proxy
from tests.subscriptions.test_subscriptions import SUBSCRIBE, VIP_FILTER

pytestmark = pytest.mark.asyncio(loop_scope="module")

TRANSPORTS = (
    "graphql-ws",
    "graphql-sse",
    "urql over graphql-ws",
    "urql over graphql-sse",
    "urql alone",
)
PARAMETRIZE_STREAMS = pytest.mark.parametrize(
    "transport", ["graphql-sse", "urql over graphql-sse", "urql alone"]
)
CURSOR = "{ transitionsCursor }"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def vip_segment_id(shop: ShopWithEngine) -> str:
    """The id of an active segment."""
    return await shop.create_active_segment("VIPs", VIP_FILTER)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=TRANSPORTS)
async def front_end_client(
    request: pytest.FixtureRequest, clients: Path, address: str
) -> AsyncIterator[FrontEndClient]:
    """A front end with each of the clients."""
    async with running_front_end(clients, request.param, address) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def socket_client(clients: Path, address: str) -> AsyncIterator[FrontEndClient]:
    async with running_front_end(clients, "graphql-ws", address) as client:
        yield client


async def enter_and_leave(shop: ShopWithEngine, *names: str) -> None:
    """Makes the customers enter the segment, and then leave it."""
    for vip in (True, False):
        rows = [{"sourceId": name, "metadata": {"vip": vip}} for name in names]
        assert (await shop.api.bulk_upsert("customersUpsert", rows))["accepted"] == len(names)


async def wait_for_subscribers(shop: ShopWithEngine, number: int) -> None:
    """Returns once the API has this many subscribers."""

    async def has_subscribers() -> bool:
        metrics = (await shop.api.http_client.get("/metrics")).text
        return f"\nsegments_subscribers {number}.0\n" in metrics

    await wait_until(has_subscribers)


def customers_and_types(transitions: list[Json]) -> list[tuple[str, str]]:
    return [(transition["customerSourceId"], transition["type"]) for transition in transitions]


def entered_and_left(names: list[str]) -> list[tuple[str, str]]:
    return sorted((name, type_) for name in names for type_ in ("ENTERED", "LEFT"))


def list_transitions(front_end: FrontEndClient, id_: str) -> list[Json]:
    """Returns the transitions that a subscription has received."""
    answers = [answer["data"] for answer in front_end.list_results(id_) if answer.get("data")]
    return [data["segmentTransitions"] for data in answers]


def graphql_error(messages: list[Json]) -> Json:
    """Returns the GraphQL error in the messages: in a response, or in place of one."""
    error_lists = [
        line.get("error") or line.get("next", {}).get("errors") or () for line in messages
    ]
    # urql alone repeats it at the end.
    (error,) = next(filter(None, error_lists))
    assert isinstance(error, dict)
    return error


async def test_a_query_gets_one_response(
    front_end_client: FrontEndClient, shop: ShopWithEngine
) -> None:
    await front_end_client.subscribe("query", CURSOR)

    messages = await front_end_client.wait_for_messages("query", 2)

    end = await shop.api.fetch(CURSOR)
    result, completion = messages
    assert result["next"]["data"] == {"transitionsCursor": end}
    assert completion == {"complete": True}


async def test_an_invalid_query_is_rejected(front_end_client: FrontEndClient) -> None:
    await front_end_client.subscribe("refused", "subscription { nothing }")

    assert (
        "nothing" in graphql_error(await front_end_client.wait_for_messages("refused"))["message"]
    )


async def test_subscribing_to_an_unknown_segment_is_an_error(
    front_end_client: FrontEndClient,
) -> None:
    await front_end_client.follow_segment("nowhere", "seg_000000000000000000000000")

    begun, refused = await front_end_client.wait_for_messages("nowhere", 2)

    assert begun == {"begun": True}
    assert graphql_error([refused])["extensions"]["code"] == "NOT_FOUND"


async def test_a_transition_that_failed_is_sent_again(
    front_end_client: FrontEndClient, shop: ShopWithEngine, vip_segment_id: str
) -> None:
    start = await shop.api.fetch(CURSOR)
    names = [f"c{number}" for number in range(20)]
    await enter_and_leave(shop, *names)
    await shop.wait_until_processed()

    await front_end_client.fail_next_transition()
    await front_end_client.follow_segment("all", vip_segment_id, start)

    await front_end_client.wait_for_messages("all", 40)
    sequences = [told["sequence"] for told in front_end_client.list_results("all")]
    assert sequences == sorted(sequences)
    assert sorted(customers_and_types(front_end_client.list_results("all"))) == entered_and_left(
        names
    )
    await front_end_client.stop_operation("all")
    await wait_for_subscribers(shop, 0)


async def test_a_stopped_subscription_receives_nothing_more(
    front_end_client: FrontEndClient, shop: ShopWithEngine, vip_segment_id: str
) -> None:
    await front_end_client.subscribe(
        "stopped", SUBSCRIBE, segmentIds=[vip_segment_id], after=await shop.api.fetch(CURSOR)
    )
    await front_end_client.follow_segment("left", vip_segment_id)
    await wait_for_subscribers(shop, 2)
    await enter_and_leave(shop, "anna")
    await front_end_client.wait_for_messages("stopped", 2)
    await front_end_client.wait_for_messages("left", 3)

    await front_end_client.stop_operation("stopped")
    await front_end_client.stop_operation("left")
    await wait_for_subscribers(shop, 0)

    await enter_and_leave(shop, "bert")
    await shop.wait_until_processed()
    await front_end_client.subscribe("afterwards", CURSOR)
    await front_end_client.wait_for_messages("afterwards")
    assert customers_and_types(list_transitions(front_end_client, "stopped")) == [
        ("anna", "ENTERED"),
        ("anna", "LEFT"),
    ]
    assert customers_and_types(front_end_client.list_results("left")) == [
        ("anna", "ENTERED"),
        ("anna", "LEFT"),
    ]


async def test_a_slow_consumer_gets_its_last_cursor(
    front_end_client: FrontEndClient,
    shop: ShopWithEngine,
    vip_segment_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transition_feed, "MAX_PENDING_TRANSITIONS", 1)
    start = await shop.api.fetch(CURSOR)
    await front_end_client.follow_segment("slow", vip_segment_id, start)
    await front_end_client.subscribe("cut off", SUBSCRIBE, segmentIds=[vip_segment_id], after=start)
    await wait_for_subscribers(shop, 2)

    names = [f"c{number}" for number in range(20)]
    await enter_and_leave(shop, *names)

    async def is_cut_off() -> bool:
        return any(
            "error" in line or "errors" in line["next"]
            for line in front_end_client.messages["cut off"]
        )

    await wait_until(is_cut_off)
    refusal = graphql_error(front_end_client.messages["cut off"])["extensions"]
    assert refusal["code"] == "SLOW_CONSUMER"
    cursors = [start, *(event["cursor"] for event in list_transitions(front_end_client, "cut off"))]
    assert refusal["lastCursor"] == cursors[-1]
    await front_end_client.wait_for_messages("slow", 40)
    assert sorted(customers_and_types(front_end_client.list_results("slow"))) == entered_and_left(
        names
    )
    await front_end_client.stop_operation("slow")
    await wait_for_subscribers(shop, 0)


async def test_a_client_with_an_expired_cursor_starts_over(
    front_end_client: FrontEndClient, shop: ShopWithEngine, vip_segment_id: str
) -> None:
    start = await shop.api.fetch(CURSOR)
    await enter_and_leave(shop, "anna")
    await shop.wait_until_processed()
    await LoyaltyClient(shop.api).run_consumers()
    soon = datetime.now(UTC) + timedelta(hours=1)
    assert await shop.api.services.transitions.trim_log(timedelta(0), soon)

    await front_end_client.subscribe("expired", SUBSCRIBE, segmentIds=[vip_segment_id], after=start)
    await front_end_client.follow_segment("anew", vip_segment_id, start)
    await front_end_client.wait_for_messages("anew")
    await enter_and_leave(shop, "bert")

    refusal = graphql_error(await front_end_client.wait_for_messages("expired"))["extensions"]
    assert refusal["code"] == "CURSOR_EXPIRED"
    assert refusal["oldestCursor"]
    assert (await front_end_client.wait_for_messages("anew", 3))[0] == {"begun": True}
    assert customers_and_types(front_end_client.list_results("anew")) == [
        ("bert", "ENTERED"),
        ("bert", "LEFT"),
    ]
    await front_end_client.stop_operation("anew")
    await wait_for_subscribers(shop, 0)


async def test_an_invalid_operation_does_not_affect_others_on_its_socket(
    socket_client: FrontEndClient, shop: ShopWithEngine, vip_segment_id: str
) -> None:
    after = await shop.api.fetch(CURSOR)
    await socket_client.subscribe("good", SUBSCRIBE, segmentIds=[vip_segment_id], after=after)
    await socket_client.subscribe("bad", "subscription {")
    await socket_client.wait_for_messages("bad")

    await enter_and_leave(shop, "anna")

    await socket_client.wait_for_messages("good", 2)
    assert customers_and_types(list_transitions(socket_client, "good")) == [
        ("anna", "ENTERED"),
        ("anna", "LEFT"),
    ]
    assert "Syntax Error" in graphql_error(socket_client.messages["bad"])["message"]


async def test_a_silent_connection_is_closed(
    clients: Path, address: str, shop: ShopWithEngine, vip_segment_id: str
) -> None:
    async with (
        running_proxy(address) as relay,
        running_front_end(clients, "graphql-ws, short keep-alive", relay.address) as impatient,
    ):
        await impatient.follow_segment("all", vip_segment_id)
        await wait_for_subscribers(shop, 1)
        relay.silence_connections()

        await enter_and_leave(shop, "anna")

        await impatient.wait_for_messages("all", 3)
        assert customers_and_types(impatient.list_results("all")) == [
            ("anna", "ENTERED"),
            ("anna", "LEFT"),
        ]


@PARAMETRIZE_STREAMS
async def test_a_response_that_a_proxy_ends_does_not_end_the_subscription(
    transport: str, clients: Path, address: str, shop: ShopWithEngine, vip_segment_id: str
) -> None:
    async with (
        running_proxy(address) as relay,
        running_front_end(clients, transport, relay.address) as ended,
    ):
        await ended.follow_segment("all", vip_segment_id)
        await wait_for_subscribers(shop, 1)
        await enter_and_leave(shop, "anna")
        await ended.wait_for_messages("all", 3)

        relay.end_responses()
        await enter_and_leave(shop, "bert")

        await ended.wait_for_messages("all", 5)
        assert customers_and_types(ended.list_results("all")) == [
            ("anna", "ENTERED"),
            ("anna", "LEFT"),
            ("bert", "ENTERED"),
            ("bert", "LEFT"),
        ]


@PARAMETRIZE_STREAMS
async def test_keepalive_comments_are_not_events(
    transport: str,
    clients: Path,
    address: str,
    shop: ShopWithEngine,
    vip_segment_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_stream, "KEEPALIVE_INTERVAL_SECONDS", 0.001)
    async with running_front_end(clients, transport, address) as pinged:
        await pinged.follow_segment("all", vip_segment_id)
        await wait_for_subscribers(shop, 1)

        await enter_and_leave(shop, "anna")

        await pinged.wait_for_messages("all", 3)
        assert customers_and_types(pinged.list_results("all")) == [
            ("anna", "ENTERED"),
            ("anna", "LEFT"),
        ]


# urql uses GET, and POST if the URL would become too long.
@pytest.mark.parametrize("alias", ["short", "long" * 1_000], ids=["GET", "POST"])
async def test_urql_with_its_usual_exchanges_may_query(
    alias: str, clients: Path, address: str, shop: ShopWithEngine
) -> None:
    async with running_front_end(clients, "urql alone", address) as urql:
        await urql.subscribe("end", f"{{ {alias}: transitionsCursor }}")

        messages = await urql.wait_for_messages("end", 2)

        end = await shop.api.fetch(CURSOR)
        assert messages == [{"next": {"data": {alias: end}}}, {"complete": True}]


@pytest.mark.parametrize("name", ["follow.mjs", "clients.mjs"])
async def test_the_readme_links_what_is_tested(name: str) -> None:
    readme = (RECIPE_FOLDER.parent / "README.md").read_text()

    assert f"(clients/{name})" in readme
    assert (RECIPE_FOLDER / name).is_file()
    assert not (CLIENTS_FOLDER / name).exists()


async def test_the_lock_names_no_registry() -> None:
    packages = json.loads((CLIENTS_FOLDER / "package-lock.json").read_text())["packages"]

    assert packages
    assert not any("resolved" in package for package in packages.values())
