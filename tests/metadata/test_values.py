"""Stored values, and new values, under a metadata definition."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.metadata.conftest import MetadataShop

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.usefixtures("delete_definitions"),
]


@pytest.mark.parametrize(
    ("type_", "sent", "stored", "returned"),
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
        # The clock skips the first hour, and repeats the second.
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
    shop: MetadataShop, key: str, type_: str, sent: Any, stored: Any, returned: Any, is_array: bool
) -> None:
    if is_array:
        sent, stored, returned = [sent, sent], [stored, stored], [returned, returned]
    before = await shop.create_customer(**{key: sent})

    await shop.set_definition(key, type_, isArray=is_array)
    meanwhile = await shop.create_customer(**{key: sent})
    assert (await shop.fetch_metadata(meanwhile), await shop.fetch_metadata(before)) == (
        {key: sent},
        {key: sent},
    )
    assert (await shop.convert(key))["state"] == "READY"
    after = await shop.create_customer(**{key: sent})

    for customer in (before, meanwhile, after):
        assert shop.read_stored_metadata(customer) == {key: stored}
        assert await shop.fetch_metadata(customer) == {key: returned}


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("STRING", {"a": 1}),
        ("STRING", ["a"]),
        ("NUMBER", "1 "),
        ("NUMBER", "0x1"),
        ("NUMBER", "9223372036854775808"),
        ("NUMBER", True),
        ("BOOLEAN", "y"),
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
    shop: MetadataShop, key: str, type_: str, value: Any
) -> None:
    before = await shop.create_customer(**{key: value})
    version = shop.api.read_customer_document(before)["version"]

    await shop.set_definition(key, type_)
    refusal = await shop.api.list_errors(
        _UPSERT, input={"sourceId": "new", "metadata": {key: value}}
    )
    assert refusal == [f"METADATA_INVALID input metadata {key}"]
    refused = await shop.convert(key)

    assert refused["state"] == "REFUSED"
    assert refused["problem"].startswith("1 value does not fit, ")
    assert f"of customer {before}: it must be " in refused["problem"] or value == "2026-02-30"
    assert shop.read_stored_metadata(before) == {key: value}
    assert shop.api.read_customer_document(before)["version"] == version
    # The key is still undefined.
    await shop.create_customer(**{key: value})


async def test_the_refusal_counts_the_values_and_shows_one(shop: MetadataShop, key: str) -> None:
    values: tuple[Any, ...] = ("abc", 2, "2026-03-29", None, [], "def")
    for value in values:
        await shop.create_customer(**{key: value})
    refused = await shop.define_and_convert(key, "DATE")
    assert refused["problem"].startswith('3 values do not fit, for one "abc" of customer ')


async def test_after_a_fix_the_same_definition_may_be_set_again(
    shop: MetadataShop, key: str
) -> None:
    customer = await shop.create_customer(**{key: "abc"})
    assert (await shop.define_and_convert(key, "DATE"))["state"] == "REFUSED"
    await shop.api.upsert(customer, metadata={key: "2026-03-29"})
    ready = await shop.define_and_convert(key, "DATE")
    assert (ready["state"], ready["problem"]) == ("READY", None)


async def test_a_directly_stored_instant_fits(shop: MetadataShop, key: str) -> None:
    customer = await shop.create_customer()
    store_in_mongodb(shop, customer, key, datetime(2026, 3, 29, 12, tzinfo=UTC))
    assert (await shop.define_and_convert(key, "DATE"))["state"] == "REFUSED"
    version = shop.api.read_customer_document(customer)["version"]
    assert (await shop.define_and_convert(key, "DATETIME"))["state"] == "READY"
    assert await shop.fetch_metadata(customer) == {key: "2026-03-29T12:00:00Z"}
    assert shop.api.read_customer_document(customer)["version"] == version


async def test_each_conversion_makes_one_new_version(shop: MetadataShop, key: str) -> None:
    changed = await shop.create_customer(**{key: "2026-03-29"})
    empty = await shop.create_customer(**{key: []})
    versions = [
        shop.api.read_customer_document(customer)["version"] for customer in (changed, empty)
    ]
    await shop.define_and_convert(key, "DATE")
    assert shop.api.read_customer_document(changed)["version"] == versions[0] + 1
    assert shop.api.read_customer_document(empty)["version"] == versions[1]


@pytest.mark.parametrize(
    ("type_", "value", "stored"),
    [
        ("STRING", 12, "12"),
        ("STRING", -0.5, "-0.5"),
        ("STRING", 12.0, "12.0"),
        ("STRING", 2**63 - 1, "9223372036854775807"),
        ("STRING", True, "true"),
        ("STRING", [1, "a", False], ["1", "a", "false"]),
        ("NUMBER", "12", 12),
        ("NUMBER", "-12.50", -12.5),
        ("NUMBER", "1e3", 1000.0),
        ("NUMBER", "-9223372036854775808", -(2**63)),
        ("NUMBER", ["1", 2], [1, 2]),
        ("BOOLEAN", "Yes", True),
        ("BOOLEAN", "TRUE", True),
        ("BOOLEAN", "no", False),
        ("BOOLEAN", ["false", True], [False, True]),
    ],
)
async def test_a_value_of_another_type_is_converted_once_and_refused_later(
    shop: MetadataShop, key: str, type_: str, value: Any, stored: Any
) -> None:
    before = await shop.create_customer(**{key: value})
    version = shop.api.read_customer_document(before)["version"]

    await shop.set_definition(key, type_, isArray=isinstance(value, list))
    assert await shop.fetch_metadata(before) == {key: value}
    assert (await shop.convert(key))["state"] == "READY"

    found = shop.read_stored_metadata(before)[key]
    assert (found, repr(found)) == (stored, repr(stored))
    assert await shop.fetch_metadata(before) == {key: stored}
    assert shop.api.read_customer_document(before)["version"] == version + 1
    refusals = await shop.api.list_errors(
        _UPSERT, input={"sourceId": "n", "metadata": {key: value}}
    )
    assert refusals == [f"METADATA_INVALID input metadata {key}"]


async def test_a_converted_value_must_be_allowed(shop: MetadataShop, key: str) -> None:
    customer = await shop.create_customer(**{key: 3})
    refused = await shop.define_and_convert(key, "STRING", allowedValues=["1", "2"])
    assert refused["problem"].endswith("it must be one of the allowed values.")
    assert shop.read_stored_metadata(customer) == {key: 3}


async def test_a_number_becomes_text_and_a_number_again(shop: MetadataShop, key: str) -> None:
    await shop.define_and_convert(key, "NUMBER")
    customer = await shop.create_customer(**{key: 7})
    for type_, stored in (("STRING", "7"), ("NUMBER", 7)):
        assert (await shop.define_and_convert(key, type_))["state"] == "READY"
        assert shop.read_stored_metadata(customer) == {key: stored}


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


@pytest.mark.parametrize(("old", "new", "sent", "stored", "returned"), _READY_TYPES)
async def test_another_type_converts_the_visible_values(
    shop: MetadataShop, key: str, old: str, new: str, sent: str, stored: Any, returned: str
) -> None:
    await shop.define_and_convert(key, old)
    before = await shop.create_customer(**{key: sent})
    await shop.set_definition(key, new)
    meanwhile = await shop.create_customer(**{key: sent})
    assert (await shop.convert(key))["state"] == "READY"
    for customer in (before, meanwhile):
        assert shop.read_stored_metadata(customer) == {key: stored}
        assert await shop.fetch_metadata(customer) == {key: returned}


async def test_a_refused_change_leaves_the_key_as_it_was(shop: MetadataShop, key: str) -> None:
    await shop.define_and_convert(key, "DATE", required=True, label="Born")
    moment = datetime(2026, 3, 29, tzinfo=UTC)
    customer = await shop.create_customer(**{key: "2026-03-29"})

    refused = await shop.define_and_convert(key, "NUMBER")

    assert (refused["state"], refused["type"]) == ("REFUSED", "NUMBER")
    assert refused["problem"].startswith('1 value does not fit, "2026-03-29" of customer ')
    assert shop.read_stored_metadata(customer) == {key: moment}
    assert await shop.fetch_metadata(customer) == {key: "2026-03-29"}
    refusals = await shop.api.list_errors(_UPSERT, input={"sourceId": "n", "metadata": {key: 1}})
    assert refusals == [f"METADATA_INVALID input metadata {key}"]
    refusals = await shop.api.list_errors(_UPSERT, input={"sourceId": "n"})
    assert refusals == [f"METADATA_INVALID input metadata {key}"]
    assert shop.read_stored_metadata(await shop.create_customer(**{key: "2026-03-29"})) == {
        key: moment
    }

    # Setting the definition in force again takes effect at once.
    payload = await shop.set_definition(key, "DATE", label="Born")
    assert payload["definition"]["state"] == "READY"


async def test_writes_during_a_failing_check_obey_the_old_definition(
    shop: MetadataShop, key: str
) -> None:
    await shop.define_and_convert(key, "DATE")
    store_in_mongodb(shop, await shop.create_customer(), key, "no date")
    await shop.set_definition(key, "DATETIME")
    fits_both = await shop.create_customer(**{key: "2026-03-29"})
    fits_new = await shop.create_customer(**{key: "2026-03-29T12:00Z"})
    assert (await shop.convert(key))["state"] == "REFUSED"
    assert shop.read_stored_metadata(fits_both) == {key: datetime(2026, 3, 29, tzinfo=UTC)}
    assert await shop.fetch_metadata(fits_new) == {key: "2026-03-29T12:00Z"}


async def test_fewer_allowed_values_are_checked_and_more_are_not(
    shop: MetadataShop, key: str
) -> None:
    await shop.define_and_convert(key, "NUMBER", allowedValues=[1, 2, 3])
    await shop.create_customer(**{key: 3.0})

    payload = await shop.set_definition(key, "NUMBER", allowedValues=[3, 2, 1, 4], label="Stars")
    assert payload["definition"]["state"] == "READY"
    refused = await shop.define_and_convert(key, "NUMBER", allowedValues=[1, 2])
    assert refused["problem"].endswith("it must be one of the allowed values.")
    await shop.create_customer(**{key: 4})
    assert (await shop.define_and_convert(key, "NUMBER", allowedValues=[3, 4]))["state"] == "READY"
    refusals = await shop.api.list_errors(_UPSERT, input={"sourceId": "n", "metadata": {key: 2}})
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
    shop: MetadataShop, key: str, type_: str, allowed: list[Any], good: Any, bad: Any
) -> None:
    await shop.define_and_convert(key, type_, allowedValues=allowed, isArray=True)
    await shop.create_customer(**{key: [good, good]})
    refusals = await shop.api.list_errors(
        _UPSERT, input={"sourceId": "n", "metadata": {key: [good, bad]}}
    )
    assert refusals == [f"METADATA_INVALID input metadata {key}"]


async def test_a_message_names_the_type_of_a_list(shop: MetadataShop, key: str) -> None:
    await shop.set_definition(key, "STRING", isArray=True, allowedValues=["a"])
    messages = {}
    for number, value in enumerate(("a", ["b"])):
        sent = {"sourceId": "new", "metadata": {key: value}}
        (error,) = (await shop.api.fetch(_UPSERT, input=sent))["userErrors"]
        messages[number] = error["message"]
    assert messages == {
        0: f"{key} must be a list of STRING.",
        1: f"{key} must be one of the allowed values; it is defined as a list of STRING.",
    }


async def test_rows_are_refused_one_by_one(shop: MetadataShop, key: str) -> None:
    await shop.define_and_convert(key, "DATE")
    rows = [
        {"sourceId": f"{key} {day}", "metadata": {key: f"2026-02-{day}"}} for day in (27, 28, 29)
    ]
    assert await shop.api.bulk_upsert("customersUpsert", rows) == {
        "accepted": 2,
        "refused": [f"METADATA_INVALID inputs 2 metadata {key}"],
    }
    assert await shop.fetch_metadata(f"{key} 27") == {key: "2026-02-27"}


_UPSERT = """mutation($input: CustomerInput!) { customerUpsert(input: $input)
    { customer { id } userErrors { code message path } } }"""


def store_in_mongodb(shop: MetadataShop, source_id: str, key: str, value: Any) -> None:
    """Writes directly to MongoDB."""
    shop.api.database.customers.update_one(
        {"sourceId": source_id}, {"$set": {f"metadata.{key}": value}}
    )
