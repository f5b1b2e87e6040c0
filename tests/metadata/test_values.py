"""The values that were there, and those that come in, under a definition."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.metadata.conftest import Shop

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(autouse=True)
def _no_key_is_left_required(shop: Shop) -> Iterator[None]:
    yield
    shop.api.database.metadataDefinitions.delete_many({})
    shop.api.database.fences.update_one({"_id": "definitions"}, {"$inc": {"revision": 1}})


@pytest.mark.parametrize(
    ("type_", "sent", "stored", "given"),
    [
        ("STRING", "a", "a", "a"),
        ("NUMBER", 1.5, 1.5, 1.5),
        ("BOOLEAN", False, False, False),
        ("GEOPOINT", {"lat": 52.2, "lon": 21}, {"lat": 52.2, "lon": 21}, {"lat": 52.2, "lon": 21}),
        ("OBJECT", {"a": {"b": [1]}}, {"a": {"b": [1]}}, {"a": {"b": [1]}}),
        ("DATE", "2026-03-29", datetime(2026, 3, 29, tzinfo=UTC), "2026-03-29"),
        (
            "DATETIME",
            "2026-07-01T12:00:00.5+09:00",
            datetime(2026, 7, 1, 3, 0, 0, 500_000, tzinfo=UTC),
            "2026-07-01T03:00:00.500Z",
        ),
        # Local time and a local midnight, in summer and in winter.
        (
            "DATETIME",
            "2026-07-01T12:00",
            datetime(2026, 7, 1, 10, tzinfo=UTC),
            "2026-07-01T10:00:00Z",
        ),
        ("DATETIME", "2026-01-02", datetime(2026, 1, 1, 23, tzinfo=UTC), "2026-01-01T23:00:00Z"),
        # The clock skips this hour, and shows that one twice.
        (
            "DATETIME",
            "2026-03-29T02:30",
            datetime(2026, 3, 29, 1, tzinfo=UTC),
            "2026-03-29T01:00:00Z",
        ),
        (
            "DATETIME",
            "2026-10-25T02:30",
            datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
            "2026-10-25T00:30:00Z",
        ),
    ],
)
@pytest.mark.parametrize("is_array", [False, True])
async def test_a_value_is_the_same_whether_it_came_before_or_after(
    shop: Shop, key: str, type_: str, sent: Any, stored: Any, given: Any, is_array: bool
) -> None:
    if is_array:
        sent, stored, given = [sent, sent], [stored, stored], [given, given]
    before = await shop.customer(**{key: sent})

    await shop.set(key, type_, isArray=is_array)
    meanwhile = await shop.customer(**{key: sent})
    assert (await shop.read(meanwhile), await shop.read(before)) == ({key: sent}, {key: sent})
    assert (await shop.settle(key))["state"] == "READY"
    after = await shop.customer(**{key: sent})

    for customer in (before, meanwhile, after):
        assert shop.stored(customer) == {key: stored}
        assert await shop.read(customer) == {key: given}


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("STRING", 1),
        ("STRING", ["a"]),
        ("NUMBER", "1"),
        ("NUMBER", True),
        ("BOOLEAN", 1),
        ("DATE", "2026-02-30"),
        ("DATE", "2026-02-01T00:00:00Z"),
        ("DATE", 20260201),
        ("DATETIME", "yesterday"),
        ("DATETIME", 1767225600),
        ("GEOPOINT", {"lat": 91, "lon": 0}),
        ("GEOPOINT", {"lat": 1, "lon": 0, "alt": 2}),
        ("OBJECT", [{}]),
    ],
)
async def test_a_value_that_does_not_fit_refuses_the_definition_or_is_refused_by_it(
    shop: Shop, key: str, type_: str, value: Any
) -> None:
    before = await shop.customer(**{key: value})
    version = shop.api.stored(before)["version"]

    await shop.set(key, type_)
    refusal = await shop.api.refusals(_UPSERT, input={"sourceId": "new", "metadata": {key: value}})
    assert refusal == [f"METADATA_INVALID input metadata {key}"]
    refused = await shop.settle(key)

    assert refused["state"] == "REFUSED"
    assert refused["problem"].startswith("1 value does not fit, ")
    assert f"of customer {before}: it must be " in refused["problem"] or value == "2026-02-30"
    assert shop.stored(before) == {key: value}
    assert shop.api.stored(before)["version"] == version
    # The key is as it was: undefined.
    await shop.customer(**{key: value})


async def test_the_refusal_tells_how_many_and_shows_one(shop: Shop, key: str) -> None:
    values: tuple[Any, ...] = ("abc", 2, "2026-03-29", None, [], "def")
    for value in values:
        await shop.customer(**{key: value})
    refused = await shop.define(key, "DATE")
    assert refused["problem"].startswith('3 values do not fit, for one "abc" of customer ')


async def test_once_mended_the_same_may_be_set_again(shop: Shop, key: str) -> None:
    customer = await shop.customer(**{key: "abc"})
    assert (await shop.define(key, "DATE"))["state"] == "REFUSED"
    await shop.api.upsert(customer, metadata={key: "2026-03-29"})
    ready = await shop.define(key, "DATE")
    assert (ready["state"], ready["problem"]) == ("READY", None)


async def test_what_the_shop_itself_stored_as_a_moment_fits(shop: Shop, key: str) -> None:
    customer = await shop.customer()
    _store(shop, customer, key, datetime(2026, 3, 29, 12, tzinfo=UTC))
    assert (await shop.define(key, "DATE"))["state"] == "REFUSED"
    version = shop.api.stored(customer)["version"]
    assert (await shop.define(key, "DATETIME"))["state"] == "READY"
    assert await shop.read(customer) == {key: "2026-03-29T12:00:00Z"}
    assert shop.api.stored(customer)["version"] == version


async def test_each_conversion_makes_one_new_version(shop: Shop, key: str) -> None:
    changed = await shop.customer(**{key: "2026-03-29"})
    empty = await shop.customer(**{key: []})
    versions = [shop.api.stored(customer)["version"] for customer in (changed, empty)]
    await shop.define(key, "DATE")
    assert shop.api.stored(changed)["version"] == versions[0] + 1
    assert shop.api.stored(empty)["version"] == versions[1]


_READY_TYPES = [
    ("DATE", "STRING", "2026-03-29", "2026-03-29", "2026-03-29"),
    (
        "DATE",
        "DATETIME",
        "2026-03-29",
        datetime(2026, 3, 28, 23, tzinfo=UTC),
        "2026-03-28T23:00:00Z",
    ),
    (
        "DATETIME",
        "STRING",
        "2026-03-29T02:00+02:00",
        "2026-03-29T00:00:00Z",
        "2026-03-29T00:00:00Z",
    ),
    ("STRING", "DATE", "2026-03-29", datetime(2026, 3, 29, tzinfo=UTC), "2026-03-29"),
]


@pytest.mark.parametrize(("old", "new", "sent", "stored", "given"), _READY_TYPES)
async def test_another_type_takes_what_readers_saw(
    shop: Shop, key: str, old: str, new: str, sent: str, stored: Any, given: str
) -> None:
    await shop.define(key, old)
    before = await shop.customer(**{key: sent})
    await shop.set(key, new)
    meanwhile = await shop.customer(**{key: sent})
    assert (await shop.settle(key))["state"] == "READY"
    for customer in (before, meanwhile):
        assert shop.stored(customer) == {key: stored}
        assert await shop.read(customer) == {key: given}


async def test_a_refused_change_leaves_the_key_as_it_was(shop: Shop, key: str) -> None:
    await shop.define(key, "DATE", required=True, label="Born")
    moment = datetime(2026, 3, 29, tzinfo=UTC)
    customer = await shop.customer(**{key: "2026-03-29"})

    refused = await shop.define(key, "NUMBER")

    assert (refused["state"], refused["type"]) == ("REFUSED", "NUMBER")
    assert refused["problem"].startswith('1 value does not fit, "2026-03-29" of customer ')
    assert shop.stored(customer) == {key: moment}
    assert await shop.read(customer) == {key: "2026-03-29"}
    refusals = await shop.api.refusals(_UPSERT, input={"sourceId": "n", "metadata": {key: 1}})
    assert refusals == [f"METADATA_INVALID input metadata {key}"]
    refusals = await shop.api.refusals(_UPSERT, input={"sourceId": "n"})
    assert refusals == [f"METADATA_INVALID input metadata {key}"]
    assert shop.stored(await shop.customer(**{key: "2026-03-29"})) == {key: moment}

    # Set to what it is in force as, it is that again, and at once.
    payload = await shop.set(key, "DATE", label="Born")
    assert payload["definition"]["state"] == "READY"


async def test_what_is_written_during_a_check_that_fails_is_as_under_the_old_definition(
    shop: Shop, key: str
) -> None:
    await shop.define(key, "DATE")
    _store(shop, await shop.customer(), key, "no date")
    await shop.set(key, "DATETIME")
    fits_both = await shop.customer(**{key: "2026-03-29"})
    fits_new = await shop.customer(**{key: "2026-03-29T12:00Z"})
    assert (await shop.settle(key))["state"] == "REFUSED"
    assert shop.stored(fits_both) == {key: datetime(2026, 3, 29, tzinfo=UTC)}
    assert await shop.read(fits_new) == {key: "2026-03-29T12:00Z"}


async def test_fewer_allowed_values_are_checked_and_more_are_not(shop: Shop, key: str) -> None:
    await shop.define(key, "NUMBER", allowedValues=[1, 2, 3])
    await shop.customer(**{key: 3.0})

    payload = await shop.set(key, "NUMBER", allowedValues=[3, 2, 1, 4], label="Stars")
    assert payload["definition"]["state"] == "READY"
    refused = await shop.define(key, "NUMBER", allowedValues=[1, 2])
    assert refused["problem"].endswith("it must be one of the allowed values.")
    await shop.customer(**{key: 4})
    assert (await shop.define(key, "NUMBER", allowedValues=[3, 4]))["state"] == "READY"
    refusals = await shop.api.refusals(_UPSERT, input={"sourceId": "n", "metadata": {key: 2}})
    assert refusals == [f"METADATA_INVALID input metadata {key}"]


@pytest.mark.parametrize(
    ("type_", "allowed", "good", "bad"),
    [
        ("DATE", ["2026-03-29"], "2026-03-29", "2026-03-30"),
        ("DATETIME", ["2026-03-29T12:00"], "2026-03-29T10:00:00Z", "2026-03-29T12:00:00Z"),
        ("NUMBER", [1], 1.0, True),
        ("OBJECT", [{"a": 1, "b": 2}], {"b": 2, "a": 1}, {"a": True, "b": 2}),
    ],
)
async def test_allowed_values_are_compared_by_their_type(
    shop: Shop, key: str, type_: str, allowed: list[Any], good: Any, bad: Any
) -> None:
    await shop.define(key, type_, allowedValues=allowed, isArray=True)
    await shop.customer(**{key: [good, good]})
    refusals = await shop.api.refusals(
        _UPSERT, input={"sourceId": "n", "metadata": {key: [good, bad]}}
    )
    assert refusals == [f"METADATA_INVALID input metadata {key}"]


async def test_a_required_key_can_neither_be_left_out_nor_removed(shop: Shop, key: str) -> None:
    there = await shop.customer(**{key: 1})
    await shop.set(key, "NUMBER", required=True)
    for sent in (
        {"sourceId": "new"},
        {"sourceId": there, "metadata": {key: None}},
    ):
        refusals = await shop.api.refusals(_UPSERT, input=sent)
        assert refusals == [f"METADATA_INVALID input metadata {key}"]
    rows = [{"sourceId": f"{key} {i}", "metadata": {key: i} if i else {}} for i in range(3)]
    assert await shop.api.many("customersUpsert", rows) == {
        "accepted": 2,
        "refused": [f"METADATA_INVALID inputs 0 metadata {key}"],
    }


async def test_an_empty_list_is_no_value_for_a_required_key(shop: Shop, key: str) -> None:
    await shop.set(key, "STRING", isArray=True, required=True)
    sent = {"sourceId": "new", "metadata": {key: []}}
    refusals = await shop.api.refusals(_UPSERT, input=sent)
    assert refusals == [f"METADATA_INVALID input metadata {key}"]


async def test_rows_are_refused_one_by_one(shop: Shop, key: str) -> None:
    await shop.define(key, "DATE")
    rows = [
        {"sourceId": f"{key} {day}", "metadata": {key: f"2026-02-{day}"}} for day in (27, 28, 29)
    ]
    assert await shop.api.many("customersUpsert", rows) == {
        "accepted": 2,
        "refused": [f"METADATA_INVALID inputs 2 metadata {key}"],
    }
    assert await shop.read(f"{key} 27") == {key: "2026-02-27"}


_UPSERT = """mutation($input: CustomerInput!) { customerUpsert(input: $input)
    { customer { id } userErrors { code message path } } }"""


def _store(shop: Shop, source_id: str, key: str, value: Any) -> None:
    """Past the program."""
    shop.api.database.customers.update_one(
        {"sourceId": source_id}, {"$set": {f"metadata.{key}": value}}
    )
