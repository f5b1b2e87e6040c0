"""What the clients of front ends make of what they are told: graphql-ws, graphql-sse, urql."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from app.schema.http import stream
from app.services import feed
from tests.club import Club
from tests.engine.conftest import Shop, until
from tests.subscriptions.conftest import CLIENTS
from tests.subscriptions.front_end import FrontEnd, Json, front_end
from tests.subscriptions.relay import relayed
from tests.subscriptions.test_subscriptions import SUBSCRIBE, VIP

pytestmark = pytest.mark.asyncio(loop_scope="module")

WAYS = (
    "graphql-ws",
    "graphql-sse",
    "urql over graphql-ws",
    "urql over graphql-sse",
    "urql alone",
)
STREAMS = pytest.mark.parametrize("way", ["graphql-sse", "urql over graphql-sse", "urql alone"])
CURSOR = "{ transitionsCursor }"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def vips(shop: Shop) -> str:
    """The id of an active segment."""
    return await shop.active("VIPs", VIP)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=WAYS)
async def each(
    request: pytest.FixtureRequest, clients: Path, address: str
) -> AsyncIterator[FrontEnd]:
    """A front end of each kind."""
    async with front_end(clients, request.param, address) as each:
        yield each


@pytest_asyncio.fixture(loop_scope="module")
async def over_the_socket(clients: Path, address: str) -> AsyncIterator[FrontEnd]:
    async with front_end(clients, "graphql-ws", address) as over_the_socket:
        yield over_the_socket


async def cross(shop: Shop, *names: str) -> None:
    """They enter, and then they leave."""
    for vip in (True, False):
        rows = [{"sourceId": name, "metadata": {"vip": vip}} for name in names]
        assert (await shop.api.many("customersUpsert", rows))["accepted"] == len(names)


async def follow_the_log(shop: Shop, number: int) -> None:
    """Returns once so many subscribers wait for what is new."""

    async def do() -> bool:
        metrics = (await shop.api.http.get("/metrics")).text
        return f"\nsegments_subscribers {number}.0\n" in metrics

    await until(do)


def crossings(told: list[Json]) -> list[tuple[str, str]]:
    return [(each["customerSourceId"], each["type"]) for each in told]


def both_ways(names: list[str]) -> list[tuple[str, str]]:
    return sorted((name, type_) for name in names for type_ in ("ENTERED", "LEFT"))


def events(front_end: FrontEnd, id_: str) -> list[Json]:
    """The transitions in the answers to a subscription."""
    answers = [answer["data"] for answer in front_end.told(id_) if answer.get("data")]
    return [data["segmentTransitions"] for data in answers]


def error(heard: list[Json]) -> Json:
    """The error of GraphQL in what was heard, which comes in an answer or in place of one."""
    lines = [line.get("error") or line.get("next", {}).get("errors") or () for line in heard]
    # urql by itself says it once more when it is over.
    (error,) = next(filter(None, lines))
    assert isinstance(error, dict)
    return error


async def test_a_query_is_answered_once(each: FrontEnd, shop: Shop) -> None:
    await each.ask("query", CURSOR)

    heard = await each.hears("query", 2)

    end = await shop.api.ask(CURSOR)
    assert heard == [{"next": {"data": {"transitionsCursor": end}}}, {"complete": True}]


async def test_what_does_not_fit_the_schema_is_refused(each: FrontEnd) -> None:
    await each.ask("refused", "subscription { nothing }")

    assert "nothing" in error(await each.hears("refused"))["message"]


async def test_who_follows_what_is_not_there_is_told(each: FrontEnd) -> None:
    await each.follow("nowhere", "seg_000000000000000000000000")

    begun, refused = await each.hears("nowhere", 2)

    assert begun == {"begun": True}
    assert error([refused])["extensions"]["code"] == "NOT_FOUND"


async def test_who_stumbles_over_one_is_told_it_again(
    each: FrontEnd, shop: Shop, vips: str
) -> None:
    start = await shop.api.ask(CURSOR)
    names = [f"c{number}" for number in range(20)]
    await cross(shop, *names)
    await shop.settled()

    await each.stumble()
    await each.follow("all", vips, start)

    await each.hears("all", 40)
    sequences = [told["sequence"] for told in each.told("all")]
    assert sequences == sorted(sequences)
    assert sorted(crossings(each.told("all"))) == both_ways(names)
    await each.stop("all")
    await follow_the_log(shop, 0)


async def test_who_stops_is_told_no_more(each: FrontEnd, shop: Shop, vips: str) -> None:
    await each.ask("stopped", SUBSCRIBE, segmentIds=[vips], after=await shop.api.ask(CURSOR))
    await each.follow("left", vips)
    await follow_the_log(shop, 2)
    await cross(shop, "anna")
    await each.hears("stopped", 2)
    await each.hears("left", 3)

    await each.stop("stopped")
    await each.stop("left")
    await follow_the_log(shop, 0)

    await cross(shop, "bert")
    await shop.settled()
    await each.ask("afterwards", CURSOR)
    await each.hears("afterwards")
    assert crossings(events(each, "stopped")) == [("anna", "ENTERED"), ("anna", "LEFT")]
    assert crossings(each.told("left")) == [("anna", "ENTERED"), ("anna", "LEFT")]


async def test_who_is_too_slow_is_told_where_to_go_on(
    each: FrontEnd, shop: Shop, vips: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "MOST_WAITING", 1)
    start = await shop.api.ask(CURSOR)
    await each.follow("slow", vips, start)
    await each.ask("cut off", SUBSCRIBE, segmentIds=[vips], after=start)
    await follow_the_log(shop, 2)

    names = [f"c{number}" for number in range(20)]
    await cross(shop, *names)

    async def is_cut_off() -> bool:
        return any("error" in line or "errors" in line["next"] for line in each.heard["cut off"])

    await until(is_cut_off)
    refusal = error(each.heard["cut off"])["extensions"]
    assert refusal["code"] == "SLOW_CONSUMER"
    cursors = [start, *(event["cursor"] for event in events(each, "cut off"))]
    assert refusal["lastCursor"] == cursors[-1]
    await each.hears("slow", 40)
    assert sorted(crossings(each.told("slow"))) == both_ways(names)
    await each.stop("slow")
    await follow_the_log(shop, 0)


async def test_who_comes_back_too_late_begins_anew(each: FrontEnd, shop: Shop, vips: str) -> None:
    start = await shop.api.ask(CURSOR)
    await cross(shop, "anna")
    await shop.settled()
    await Club(shop.api).earn()
    soon = datetime.now(UTC) + timedelta(hours=1)
    assert await shop.api.services.transitions.trim(timedelta(0), soon)

    await each.ask("expired", SUBSCRIBE, segmentIds=[vips], after=start)
    await each.follow("anew", vips, start)
    await each.hears("anew")
    await cross(shop, "bert")

    refusal = error(await each.hears("expired"))["extensions"]
    assert refusal["code"] == "CURSOR_EXPIRED"
    assert refusal["oldestCursor"]
    assert (await each.hears("anew", 3))[0] == {"begun": True}
    assert crossings(each.told("anew")) == [("bert", "ENTERED"), ("bert", "LEFT")]
    await each.stop("anew")
    await follow_the_log(shop, 0)


async def test_one_operation_without_sense_leaves_the_others_on_its_socket(
    over_the_socket: FrontEnd, shop: Shop, vips: str
) -> None:
    after = await shop.api.ask(CURSOR)
    await over_the_socket.ask("good", SUBSCRIBE, segmentIds=[vips], after=after)
    await over_the_socket.ask("bad", "subscription {")
    await over_the_socket.hears("bad")

    await cross(shop, "anna")

    await over_the_socket.hears("good", 2)
    assert crossings(events(over_the_socket, "good")) == [("anna", "ENTERED"), ("anna", "LEFT")]
    assert "Syntax Error" in error(over_the_socket.heard["bad"])["message"]


async def test_a_line_that_went_dead_without_a_word_is_given_up(
    clients: Path, address: str, shop: Shop, vips: str
) -> None:
    async with (
        relayed(address) as relay,
        front_end(clients, "graphql-ws, soon impatient", relay.address) as impatient,
    ):
        await impatient.follow("all", vips)
        await follow_the_log(shop, 1)
        relay.deaden()

        await cross(shop, "anna")

        await impatient.hears("all", 3)
        assert crossings(impatient.told("all")) == [("anna", "ENTERED"), ("anna", "LEFT")]


@STREAMS
async def test_an_answer_that_a_proxy_ends_is_no_end(
    way: str, clients: Path, address: str, shop: Shop, vips: str
) -> None:
    async with relayed(address) as relay, front_end(clients, way, relay.address) as ended:
        await ended.follow("all", vips)
        await follow_the_log(shop, 1)
        await cross(shop, "anna")
        await ended.hears("all", 3)

        relay.end()
        await cross(shop, "bert")

        await ended.hears("all", 5)
        assert crossings(ended.told("all")) == [
            ("anna", "ENTERED"),
            ("anna", "LEFT"),
            ("bert", "ENTERED"),
            ("bert", "LEFT"),
        ]


@STREAMS
async def test_pings_between_events_are_no_events(
    way: str,
    clients: Path,
    address: str,
    shop: Shop,
    vips: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream, "SECONDS_OF_SILENCE", 0.001)
    async with front_end(clients, way, address) as pinged:
        await pinged.follow("all", vips)
        await follow_the_log(shop, 1)

        await cross(shop, "anna")

        await pinged.hears("all", 3)
        assert crossings(pinged.told("all")) == [("anna", "ENTERED"), ("anna", "LEFT")]


# By GET, and where the address would become too long, by POST.
@pytest.mark.parametrize("alias", ["short", "long" * 1_000], ids=["GET", "POST"])
async def test_urql_with_its_usual_exchanges_may_query(
    alias: str, clients: Path, address: str, shop: Shop
) -> None:
    async with front_end(clients, "urql alone", address) as urql:
        await urql.ask("end", f"{{ {alias}: transitionsCursor }}")

        heard = await urql.hears("end", 2)

        end = await shop.api.ask(CURSOR)
        assert heard == [{"next": {"data": {alias: end}}}, {"complete": True}]


@pytest.mark.parametrize("name", ["follow.mjs", "clients.mjs"])
async def test_the_readme_shows_what_is_tested(name: str) -> None:
    readme = (CLIENTS.parents[1] / "README.md").read_text()

    assert f"```js\n// {name}\n{(CLIENTS / name).read_text()}```\n" in readme


async def test_the_lock_names_no_registry() -> None:
    packages = json.loads((CLIENTS / "package-lock.json").read_text())["packages"]

    assert packages
    assert not any("resolved" in package for package in packages.values())
