"""From a transition to a webhook that arrives, signed and complete."""

import asyncio

from standardwebhooks.webhooks import Webhook

from tests.deliveries.distribution_client import (
    CREATE,
    DELETE,
    DELIVERIES,
    RETRY,
    ROTATE,
    SET_STATE,
    TEST,
    UPDATE,
    DistributionClient,
)
from tests.deliveries.receiver import Receiver, answer_status


async def test_a_transition_becomes_a_webhook(
    client: DistributionClient, receiver: Receiver
) -> None:
    await client.api.upsert(
        "ann",
        name="Ann",
        email="ann@example.com",
        birthdate="1990-02-03",
        address={"city": "Oslo"},
        metadata={"vip": True},
    )
    segment = await client.create_segment("Everybody")
    channel = {"webhook": {"url": receiver.url(), "headers": {"X-Token": "secret"}}}
    distribution = await client.create(segment, "", channel=channel)
    await client.append_entered(segment, "ann")
    await client.append_left(segment, "ann")

    await client.make_deliveries()
    async with client.sending():
        await client.wait_for_counts(distribution, DELIVERED=1)

    (request,) = receiver.requests
    (delivery,) = await client.deliveries(distribution)
    assert request.headers["x-token"] == "secret"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"] == delivery["id"]
    verified = Webhook(client.secrets[distribution]).verify(request.body, request.headers)
    assert verified == request.json
    customer = request.json["customer"]
    assert request.json == {
        "id": delivery["id"],
        "type": "customer.segment.entered",
        "createdAt": delivery["createdAt"],
        "distribution": {"id": distribution, "name": "hello"},
        "segment": {"id": segment, "name": "Everybody"},
        "customer": customer,
        "code": None,
        "transition": {
            "id": request.json["transition"]["id"],
            "sequence": 1,
            "at": "2026-03-29T12:00:00Z",
            "cause": "LIVE",
        },
    }
    assert customer["sourceId"] == "ann"
    assert customer["name"] == "Ann"
    assert customer["birthdate"] == "1990-02-03"
    assert customer["address"]["city"] == "Oslo"
    assert customer["metadata"] == {"vip": True}
    assert customer["orders"] == {"totalCount": 0, "totalAmount": 0}
    assert customer["loyalty"] == {"points": 0}
    assert delivery["attempts"] == 1
    assert delivery["deliveredAt"] is not None
    assert delivery["nextAttemptAt"] is None
    assert delivery["transition"] == {"sequence": 1, "type": "ENTERED"}
    assert delivery["customer"] == {"sourceId": "ann"}


async def test_a_deleted_customer_is_sent_with_id_and_source_id(
    client: DistributionClient, receiver: Receiver
) -> None:
    id_ = await client.api.upsert("ann", name="Ann")
    segment = await client.create_segment("Everybody")
    distribution = await client.create(segment, receiver.url(), on="LEFT")
    pending_transition = client.pending_transition(segment, "ann", "LEFT")
    await client.api.fetch('mutation { customerDelete(customer: {sourceId: "ann"}) { deletedId } }')
    await client.append_transitions([pending_transition])

    await client.make_deliveries()
    async with client.sending():
        await client.wait_for_counts(distribution, DELIVERED=1)

    (body,) = receiver.bodies
    assert body["type"] == "customer.segment.left"
    assert body["customer"] == {"id": id_, "sourceId": "ann"}
    (delivery,) = await client.deliveries(distribution)
    assert delivery["customer"] is None


async def test_live_and_paused_are_intervals_of_the_log(
    client: DistributionClient, receiver: Receiver
) -> None:
    names = ["before", "live", "paused", "resumed", "deleted"]
    await client.api.bulk_upsert("customersUpsert", [{"sourceId": name} for name in names])
    segment = await client.create_segment("Everybody")
    await client.create_rule(await client.create_program("points"), segment)
    await client.append_entered(segment, "before")
    distribution = await client.create(segment, receiver.url())
    await client.append_entered(segment, "live")
    await client.change(SET_STATE, id=distribution, state="PAUSED")
    await client.append_entered(segment, "paused")
    await client.change(SET_STATE, id=distribution, state="LIVE")
    await client.append_entered(segment, "resumed")

    # The consumer sees all of it only now.
    await client.make_deliveries()
    rows = await client.deliveries(distribution)
    assert {row["customer"]["sourceId"] for row in rows} == {"live", "resumed"}

    await client.change(DELETE, id=distribution)
    await client.append_entered(segment, "deleted")
    await client.make_deliveries()
    (live, resumed) = [
        await client.api.fetch(
            "query($id: ID!) { node(id: $id) { ... on Delivery { status lastError } } }",
            id=row["id"],
        )
        for row in rows
    ]
    assert live == resumed
    assert live["status"] == "SKIPPED"
    assert await client.api.fetch("{ distributions { id } }") == []
    assert client.api.database.deliveries.count_documents({}) == 2


async def test_a_paused_distribution_sends_nothing_until_it_is_live(
    client: DistributionClient, receiver: Receiver
) -> None:
    await client.api.upsert("ann")
    segment = await client.create_segment("Everybody")
    paused = await client.create(segment, receiver.url("/paused"))
    live = await client.create(segment, receiver.url("/live"))
    await client.append_entered(segment, "ann")
    await client.make_deliveries()
    await client.change(SET_STATE, id=paused, state="PAUSED")

    async with client.sending():
        await client.wait_for_counts(live, DELIVERED=1)
        assert await client.counts(paused) == {"PENDING": 1}
        await client.change(SET_STATE, id=paused, state="LIVE")
        await client.wait_for_counts(paused, DELIVERED=1)


async def test_a_customer_gets_at_most_the_maximum(
    client: DistributionClient, receiver: Receiver
) -> None:
    await client.api.upsert("ann")
    await client.api.upsert("bob")
    segment = await client.create_segment("Everybody")
    distribution = await client.create(segment, receiver.url(), maxPerCustomer=2)
    for _ in range(2):
        await client.append_entered(segment, "ann", "ann", "bob")
        await client.make_deliveries()

    names = [row["customer"]["sourceId"] for row in await client.deliveries(distribution)]
    assert sorted(names) == ["ann", "ann", "bob", "bob"]


async def test_deliveries_are_paged_newest_first(
    client: DistributionClient, receiver: Receiver
) -> None:
    names = [f"c{index}" for index in range(5)]
    await client.api.bulk_upsert("customersUpsert", [{"sourceId": name} for name in names])
    segment = await client.create_segment("Everybody")
    distribution = await client.create(segment, receiver.url())
    for name in names:
        await client.append_entered(segment, name)
        await client.make_deliveries()

    seen, after = [], None
    while True:
        node = await client.api.fetch(DELIVERIES, id=distribution, first=2, after=after)
        page = node["deliveries"]
        assert page["totalCount"] == 5
        seen += [row["customer"]["sourceId"] for row in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert seen == names[::-1]
    assert await client.deliveries(distribution, statuses=["DELIVERED", "FAILED"]) == []
    assert len(await client.deliveries(distribution, statuses=["PENDING"])) == 5
    timeline = await client.api.fetch_customer(
        "c3", "timeline { nodes { __typename ... on Delivery { id } } }"
    )
    assert "Delivery" in {node["__typename"] for node in timeline["timeline"]["nodes"]}


async def test_a_rotated_secret_overlaps_with_the_previous_one(
    client: DistributionClient, receiver: Receiver
) -> None:
    await client.api.upsert("ann")
    segment = await client.create_segment("Everybody")
    distribution = await client.create(segment, receiver.url())
    old = client.secrets[distribution]
    new = (await client.change(ROTATE, id=distribution))["secret"]
    await client.append_entered(segment, "ann")
    await client.make_deliveries()
    async with client.sending():
        await client.wait_for_counts(distribution, DELIVERED=1)

    (request,) = receiver.requests
    assert old != new
    for secret in (old, new):
        Webhook(secret).verify(request.body, request.headers)


async def test_a_test_is_sent_at_once_and_counts_nowhere(
    client: DistributionClient, receiver: Receiver
) -> None:
    await client.api.upsert("ann", name="Ann")
    segment = await client.create_segment("Everybody")
    distribution = await client.create(segment, receiver.url(), maxPerCustomer=1)

    payload = await client.change(TEST, id=distribution, customer={"sourceId": "ann"})

    (request,) = receiver.requests
    assert payload["delivery"]["status"] == "DELIVERED"
    assert payload["delivery"]["transition"] is None
    assert request.json["test"] is True
    assert request.json["customer"]["name"] == "Ann"
    assert request.json["id"] == payload["delivery"]["id"] == request.headers["webhook-id"]
    Webhook(client.secrets[distribution]).verify(request.body, request.headers)
    assert await client.counts(distribution) == {}
    receiver.answer = answer_status(503, "come back later")
    payload = await client.change(TEST, id=distribution, customer={"sourceId": "ann"})
    assert payload["delivery"]["status"] == "FAILED"
    assert payload["delivery"]["lastError"] == "The receiver answered 503: come back later"


async def test_an_update_applies_to_new_deliveries(
    client: DistributionClient, receiver: Receiver
) -> None:
    await client.api.upsert("ann")
    segment = await client.create_segment("Everybody")
    distribution = await client.create(segment, receiver.url("/old"), maxPerCustomer=5)
    await client.append_entered(segment, "ann")
    await client.make_deliveries()
    channel = {"webhook": {"url": receiver.url("/new"), "headers": {"X-New": "1"}}}
    payload = await client.change(
        UPDATE, id=distribution, input={"channel": channel, "maxPerCustomer": None, "name": "new"}
    )
    await client.append_entered(segment, "ann")
    await client.make_deliveries()
    async with client.sending():
        await client.wait_for_counts(distribution, DELIVERED=2)

    assert sorted(request.path for request in receiver.requests) == ["/new", "/old"]
    assert payload["distribution"]["name"] == "new"
    assert payload["distribution"]["maxPerCustomer"] is None
    assert payload["distribution"]["channel"]["webhook"]["headerNames"] == ["X-New"]
    (first, _) = await client.deliveries(distribution)
    errors = await client.api.list_errors(RETRY, id=first["id"])
    assert errors == ["INVALID id"]


async def test_a_segment_in_use_names_the_distribution(
    client: DistributionClient, receiver: Receiver
) -> None:
    segment = await client.create_segment("Everybody")
    distribution = await client.create(segment, receiver.url())
    used = await client.api.fetch(
        "query($id: ID!) { segment(id: $id) { kind usedBy { kind id name } } }", id=segment
    )
    assert used == {
        "kind": "ACTIVE",
        "usedBy": [{"kind": "DISTRIBUTION", "id": distribution, "name": "hello"}],
    }
    delete_segment = (
        "mutation($id: ID!) { segmentDelete(id: $id) { userErrors { code path message } } }"
    )
    payload = await client.api.fetch(delete_segment, id=segment)
    (error,) = payload["userErrors"]
    assert error["code"] == "SEGMENT_IN_USE"
    assert "the distribution 'hello'" in error["message"]
    await client.change(DELETE, id=distribution)
    assert not (await client.api.fetch(delete_segment, id=segment))["userErrors"]


async def test_of_two_calls_at_once_only_what_fits_together_happens(
    client: DistributionClient, receiver: Receiver
) -> None:
    delete_segment = (
        "mutation($id: ID!) { segmentDelete(id: $id) { userErrors { code path message } } }"
    )
    for index in range(5):
        segment = await client.create_segment(f"Segment {index}")
        channel = {"webhook": {"url": receiver.url()}}
        created, deleted = await asyncio.gather(
            client.api.list_errors(
                CREATE, input={"name": "x", "segmentId": segment, "channel": channel}
            ),
            client.api.list_errors(delete_segment, id=segment),
        )
        assert (created, deleted) in (
            ([], ["SEGMENT_IN_USE id"]),
            (["NOT_FOUND input segmentId"], []),
        )
    distribution = await client.create(await client.create_segment("Everybody"), receiver.url())
    results = await asyncio.gather(
        *(client.api.list_errors(DELETE, id=distribution) for _ in range(3)),
        *(client.api.list_errors(SET_STATE, id=distribution, state="PAUSED") for _ in range(3)),
    )
    assert results[:3].count([]) == 1
    assert results[:3].count(["NOT_FOUND id"]) == 2
    assert all(errors in ([], ["NOT_FOUND id"]) for errors in results[3:])
