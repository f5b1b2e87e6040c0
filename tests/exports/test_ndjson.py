"""NDJSON: the shape of the import, and files that stay the same through import and export."""

import json
import math
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Decimal128
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.domain.exports import ExportFormat, RowOptions
from app.services.exports.row_format import row_format
from app.store.connection import CODEC_OPTIONS
from tests.exports.row_cases import DATE_KEYS, HOSTILE_TEXTS, Document, write_ndjson
from tests.imports.conftest import ImportShop

AT = datetime(2026, 1, 31, 23, 59, 59, 123000, tzinfo=UTC)
DAY = datetime(1815, 12, 10, tzinfo=UTC)
IMPORTABLE_FIELDS = (
    *("sourceId", "name", "email", "phone", "description", "birthdate", "source"),
    *("address.line1", "address.line2", "address.city", "address.state"),
    *("address.postalCode", "address.country", "metadata"),
)


def read_rows(content: bytes) -> list[Any]:
    assert content.endswith(b"\n")
    return [json.loads(line) for line in content[:-1].split(b"\n")]


def test_a_row() -> None:
    document: Document = {
        "sourceId": "ada",
        "name": "=1+1",
        "birthdate": DAY,
        "createdAt": AT,
        "address": {"city": "London"},
        "events": {"signed%2Eup": {"count": 1, "lastAt": AT}},
        "metadata": {"renewal": DAY, "seen": AT, "a": {"b": None}, "x": None, "nan": math.nan},
    }
    fields = ["address.city", "name", "birthdate", "createdAt", "phone", "metadata"]
    fields += ["metadata.seen", "metadata.a.b", "events.signed.up.count", "orders.totalCount"]
    (row,) = read_rows(write_ndjson(fields, document))
    assert row == {
        "address": {"city": "London"},
        "name": "=1+1",
        "birthdate": "1815-12-10",
        "createdAt": "2026-01-31T23:59:59.123Z",
        "metadata": {
            "renewal": "1815-12-10",
            "seen": "2026-01-31T23:59:59.123Z",
            "a": {"b": None},
        },
        "events": {"signed.up": {"count": 1}},
        "orders": {"totalCount": 0},
    }
    assert list(row) == [
        "address",
        "name",
        "birthdate",
        "createdAt",
        "metadata",
        "events",
        "orders",
    ]


def test_single_metadata_keys() -> None:
    document = {"metadata": {"a": {"b": 1.0, "c": 2}, "renewal": DAY, "n": None}}
    content = write_ndjson(["metadata.a.b", "metadata.renewal", "metadata.n"], document, {})
    assert content == b'{"metadata":{"a":{"b":1.0},"renewal":"1815-12-10"}}\n{}\n'


def test_values_that_only_other_programs_write() -> None:
    metadata = {
        "price": Decimal128("1.50"),
        "missing": Decimal128("NaN"),
        "raw": b"\xff",
        "list": [math.inf, Decimal128("Infinity"), b"\xff"],
    }
    (row,) = read_rows(write_ndjson(["metadata"], {"metadata": metadata}))
    assert row == {"metadata": {"price": "1.50", "raw": "/w==", "list": [None, None, "/w=="]}}
    assert write_ndjson(["metadata"], {"metadata": {}}, {"metadata": {"x": None}}) == b"{}\n{}\n"


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
JSON_VALUES = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: (
        st.lists(st.none() | inner, max_size=3)
        | st.dictionaries(TEXTS.filter(bool), st.none() | inner, max_size=3)
    ),
    max_leaves=8,
)


@hypothesis_settings(derandomize=True, max_examples=300, deadline=None)
@given(st.dictionaries(TEXTS.filter(bool), JSON_VALUES, min_size=1, max_size=3), TEXTS)
def test_any_json_keeps_its_value_and_type(metadata: Document, name: str) -> None:
    (row,) = read_rows(write_ndjson(["name", "metadata"], {"name": name, "metadata": metadata}))
    assert json.dumps(row) == json.dumps({"name": name, "metadata": metadata})


def random_row(number: int, source: random.Random) -> Document:
    def text() -> str:
        # A sourceId has at most 255 characters.
        return source.choice(HOSTILE_TEXTS)[:200] + str(number)

    def value(depth: int = 0) -> Any:
        leaves = [text(), number, -number / 7, float(number), True, False, "2026-01-31", []]
        if depth < 3 and source.random() < 0.4:
            return [value(depth + 1), None, {"k": value(depth + 1), "n": None, "e": {}}]
        return source.choice(leaves)

    row: Document = {"sourceId": text()}
    for key in ("name", "email", "phone", "description", "source"):
        if source.random() < 0.7:
            row[key] = source.choice(HOSTILE_TEXTS)
    if source.random() < 0.5:
        row["birthdate"] = f"{source.randint(1850, 2020)}-02-{source.randint(1, 28):02}"
        row["address"] = {"city": text(), "line1": text(), "postalCode": "00-950"}
    row["metadata"] = {
        "renewal": "2026-02-28",
        "visits": ["2026-01-31", "1999-12-31"],
        "seen": "2026-01-31T22:59:59.5+01:00",
        **{f"key {text()}".replace(".", "")[:90]: value() for _ in range(source.randint(0, 4))},
    }
    return row


@pytest.mark.parametrize("is_defined", [False, True])
async def test_exported_imported_and_exported_again(
    import_shops: Sequence[ImportShop], is_defined: bool
) -> None:
    """Through two databases. In both, the keys are defined as dates, or undefined."""
    first, second = import_shops
    if is_defined:
        for shop in import_shops:
            await define_dates(shop)
    source = random.Random(7)
    rows = [random_row(number, source) for number in range(400)]
    source.shuffle(rows)
    content = "".join(json.dumps(row) + "\n" for row in rows)
    result = await first.import_file("customers", content, "in.ndjson")
    assert (result.accepted_count, result.rejects) == (400, [])

    exported = export(first, is_defined)
    expected_ids = [row["sourceId"].strip() for row in rows]
    assert [row["sourceId"] for row in read_rows(exported)] == expected_ids
    result = await second.import_file("customers", exported, "out.ndjson")
    assert (result.accepted_count, result.rejects) == (400, [])
    assert export(second, is_defined) == exported


def export(shop: ImportShop, is_defined: bool) -> bytes:
    options = RowOptions(
        IMPORTABLE_FIELDS, ExportFormat.NDJSON, metadata_types=DATE_KEYS if is_defined else {}
    )
    format_ = row_format(options)
    customers = shop.database.get_collection("customers", CODEC_OPTIONS)
    return format_.rows(list(customers.find({}, dict(format_.projection)).sort("_id")))


async def define_dates(shop: ImportShop) -> None:
    for key, type_, is_array in (
        ("renewal", "DATE", False),
        ("visits", "DATE", True),
        ("seen", "DATETIME", False),
    ):
        await shop.services.metadata.define({"key": key, "type": type_, "isArray": is_array})
        await shop.services.metadata.convert(key)
