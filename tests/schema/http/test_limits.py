"""Limits on documents, and the cache of documents."""

import time
from typing import Any

import httpx
import pytest
from graphql import get_introspection_query

from app.schema.http import document_cache
from app.schema.http.request_errors import OperationError
from tests.schema.http.conftest import execute
from tests.schema.http.fruit_schema import schema


def nested_query(levels: int) -> str:
    return "{ fruit " + "{ neighbours(first: 1) " * (levels - 2) + "{ name }" + " }" * (levels - 1)


def doubling_fragments(levels: int) -> str:
    """Each fragment spreads the next one twice."""
    spreads = [(n, f"neighbours {{ ...F{n + 1} }}") for n in range(levels)]
    fragments = [f"fragment F{n} on Fruit {{ a: {spread} b: {spread} }}" for n, spread in spreads]
    return "{ fruit { ...F0 } }" + " ".join(fragments) + f" fragment F{levels} on Fruit {{ name }}"


TOO_COMPLEX_DOCUMENTS = {
    "levels": nested_query(16),
    "aliases": "{" + " ".join(f"a{n}: number" for n in range(101)) + "}",
    "root fields": "{ fruit { name }" + " number" * 51 + "}",
    "directives": "{ fruit { name " + "@include(if: true)" * 51 + " } }",
    "introspection": "{ a: __schema { types { name } } b: __schema { types { name } } }",
    "introspection in a fragment": "{ ...F } fragment F on Query { __schema { ...G } }"
    " fragment G on __Schema { a: types { name } b: types { name } }",
    "fields": "{ fruit {" + " name" * 2_001 + "} }",
    "fragments": doubling_fragments(60),
    "fragments in a ring": doubling_fragments(60) + " fragment R on Fruit { ...R }",
    "a chain of fragments": "{ ...F0 }"
    + "".join(f"fragment F{n} on Query {{ ...F{n + 1} }}" for n in range(900))
    + "fragment F900 on Query { number }",
}


@pytest.mark.parametrize("query", TOO_COMPLEX_DOCUMENTS.values(), ids=TOO_COMPLEX_DOCUMENTS)
async def test_a_document_that_asks_for_too_much_is_refused_at_once(
    client: httpx.AsyncClient, query: str
) -> None:
    began = time.process_time()
    answer = await execute(client, query)

    assert answer.status_code == 422
    assert {error["extensions"]["code"] for error in answer.json()["errors"]} == {
        "QUERY_TOO_COMPLEX"
    }
    assert time.process_time() - began < 2


async def test_the_depth_allowed(client: httpx.AsyncClient) -> None:
    assert (await execute(client, nested_query(15))).status_code == 200


async def test_one_alias_in_introspection_is_allowed(client: httpx.AsyncClient) -> None:
    answer = await execute(client, "{ __schema { queryType { query: name } } a: __typename }")

    assert answer.json()["data"]["__schema"]["queryType"] == {"query": "Query"}


async def test_a_ring_of_fragments_is_left_to_validation(client: httpx.AsyncClient) -> None:
    answer = await execute(
        client, "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }"
    )

    assert answer.json()["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


async def test_fields_that_overlap_by_the_hundred_cost_little(client: httpx.AsyncClient) -> None:
    began = time.process_time()
    await execute(client, "{ " + "fruit { name } " * 45 + "} ")
    await execute(client, "{ fruit {" + " neighbours { name }" * 900 + "} }")

    assert time.process_time() - began < 2


async def test_fragments_that_are_spread_often_cost_little(client: httpx.AsyncClient) -> None:
    """Limits count the fields of a document, not the fragments on the way to them."""
    chain = "".join(f"fragment F{n} on Fruit {{ ...F{n + 1} }} " for n in range(100))
    spreads = "{ fruit {" + " ...F0" * 1_900 + " } } " + chain + "fragment F100 on Fruit { name }"
    fields = "{ fruit {" + " name" * 1_900 + " } }"
    answer = await execute(client, spreads)

    assert answer.json()["data"] == {"fruit": {"name": "apple"}}
    assert answer.json()["extensions"]["cost"] == 1 + 1_900
    assert await cpu_seconds(client, spreads) < 6 * await cpu_seconds(client, fields)


async def cpu_seconds(client: httpx.AsyncClient, document: str) -> float:
    """Returns what the document takes when it is new: the least of a few times, since the machine
    and the garbage collector may add to it."""
    least = float("inf")
    for number in range(1, 6):
        began = time.process_time()
        await execute(client, document + " " * number)
        least = min(least, time.process_time() - began)
    return least


async def test_equal_errors_of_a_document_are_one_with_all_locations(
    client: httpx.AsyncClient,
) -> None:
    answer = await execute(client, "{ number @a @a other }")

    unknown_directive, unknown_field = answer.json()["errors"]
    assert [location["column"] for location in unknown_directive["locations"]] == [10, 13]
    assert len(unknown_field["locations"]) == 1


async def test_a_value_that_does_not_fit_is_not_repeated_at_length(
    client: httpx.AsyncClient,
) -> None:
    query = "query ($w: Wish!) { wish(wish: $w) }"
    wish = {f"key{n}": "x" * 100 for n in range(500)}
    literal = " ".join(f'key{n}: "x"' for n in range(2_000))

    for answer in (
        await execute(client, query, w=wish),
        await execute(client, f"{{ wish(wish: {{{literal}}}) }}"),
    ):
        assert answer.status_code == 422
        assert len(answer.content) < 10_000


async def test_full_introspection_passes(client: httpx.AsyncClient) -> None:
    query = get_introspection_query(
        descriptions=True,
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
    )

    assert (await execute(client, query)).status_code == 200


async def test_input_may_be_nested_deeper_than_fields(client: httpx.AsyncClient) -> None:
    value = "{all: [" * 20 + "1" + "]}" * 20

    assert (await execute(client, f"{{ echo(value: {value}) }}")).status_code == 200


@pytest.mark.parametrize(
    ("query", "variables", "status"),
    [
        ("{ fruit { neighbours(first: 400) { neighbours(first: 100) { name } } } }", {}, 200),
        ("{ fruit { neighbours(first: 2000) { neighbours(first: 100) { name } } } }", {}, 422),
        ("{ fruit { neighbours { neighbours { neighbours { name } } } } }", {}, 422),
        ("{ fruit { neighbours(first: 100) { prices } } }", {}, 200),
        ("{ fruit { neighbours(first: 200) { prices } } }", {}, 422),
        ("{ fruit { neighbours(first: -1) { neighbours(first: 2) { name } } } }", {}, 200),
    ],
)
async def test_an_answer_of_too_many_values_is_refused(
    client: httpx.AsyncClient, query: str, variables: dict[str, Any], status: int
) -> None:
    answer = await execute(client, query, **variables)

    assert answer.status_code == status


PAGED_QUERY = "query ($a: Int!, $b: Int! = 1000) { fruit { neighbours(first: $a) { ...N } } } \
fragment N on Fruit { ... { neighbours(first: $b) { name } } }"


@pytest.mark.parametrize(
    ("variables", "status"), [({"a": 2, "b": 3}, 200), ({"a": 1}, 200), ({"a": 100}, 422)]
)
async def test_pages_in_variables_count_as_given(
    client: httpx.AsyncClient, variables: dict[str, int], status: int
) -> None:
    assert (await execute(client, PAGED_QUERY, **variables)).status_code == status


async def test_what_was_read_once_is_neither_parsed_nor_validated_again(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await execute(client, "query ($n: String!) { fruit(name: $n) { name } }", n="a")

    def forbidden(*_: Any, **__: Any) -> Any:
        raise AssertionError("read again")

    for step in ("parse", "validate", "compile_costs"):
        monkeypatch.setattr(document_cache, step, forbidden)
    second = await execute(client, "query ($n: String!) { fruit(name: $n) { name } }", n="b")

    assert first.json()["data"]["fruit"]["name"] == "a"
    assert second.json()["data"]["fruit"]["name"] == "b"


def test_what_is_remembered_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_cache, "MAX_CACHED_CHARACTERS", 50)
    known = document_cache.DocumentCache(schema._schema)

    first, _ = known.get("{ fruit { name weight } }")
    again, _ = known.get("{ fruit { name weight } }")
    known.get("{ number again: number third: number }")
    later, _ = known.get("{ fruit { name weight } }")

    assert again is first
    assert later is not first


def test_what_is_refused_displaces_no_valid_document(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_cache, "MAX_CACHED_INVALID_CHARACTERS", 50)
    known = document_cache.DocumentCache(schema._schema)
    valid, too_long = "{ fruit { name weight } }", " " * 600_000
    invalid = [f"{{ unknown{number} }}" for number in range(10)]

    first, _ = known.get(valid)
    for source in (too_long, *invalid):
        with pytest.raises(OperationError):
            known.get(source)
    again, _ = known.get(valid)

    assert again is first
    # The last refusals are known, too.
    assert [source for source in (too_long, *invalid) if known.has(source)] == invalid[-4:]
