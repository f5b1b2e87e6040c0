"""The attacks that are GraphQL requests."""

import json
from collections.abc import Iterator

from tests.api import Json
from tests.benchmarks.attacks.attack import COUNTER, PostAttack
from tests.benchmarks.attacks.shop import (
    CUSTOMER_WITH_EVENTS,
    CUSTOMER_WITH_TEXTS,
    Segments,
    event_conditions,
    text_conditions,
)
from tests.schema.hostile.requests import (
    CREATE_SEGMENT,
    PREVIEW_SEGMENT,
    TRACK_EVENTS,
    UPSERT_CUSTOMERS,
    upsert_literal,
)

_BODY_BYTES = 16_000_000
_SMALL_BODY_BYTES = 10_000_000
_LETTERS_PER_VALUE = 900
_MEMBERSHIP = (
    "query($source: String!, $ids: [ID!]!) { %s }",
    "segmentMembership(customer: {sourceId: $source}, segmentIds: $ids) { %s }",
)


def request_attacks(segments: Segments) -> Iterator[PostAttack]:
    yield from _counts_and_pages()
    yield from _large_variables()
    yield from _large_answers()
    yield from _filters()
    yield from _memberships(segments)
    yield from _documents()
    yield from _bodies()


def _counts_and_pages() -> Iterator[PostAttack]:
    counts = " ".join(f"a{number}: memberCount" for number in range(8))
    yield _post(
        "240 counts of 60 event conditions",
        f"{{ segments(first: 100) {{ nodes {{ {counts} }} }} }}",
    )
    yield _post(
        "192 counts of 60 event conditions", f"{{ segments(first: 24) {{ nodes {{ {counts} }} }} }}"
    )
    yield PostAttack(
        "one count, over ten connections",
        _body("{ segments(first: 1) { nodes { memberCount } } }"),
        connections=10,
    )
    members = (
        "{ customers(first: %d) { nodes { segments(first: 1) { nodes { members(first: %d)"
        " { nodes { segments(first: 1) { totalCount } } } } } } } }"
    )
    yield _post("segments of members of segments, 100 each", members % (100, 100))
    yield _post("segments of members of segments, 5 each", members % (5, 100))
    yield _post("filterAttributes, 50 aliases", _aliases(50, "filterAttributes { path }"))
    yield _post(
        "segments of 100 customers",
        "{ customers(first: 100) { nodes { segments(first: 100) { totalCount } } } }",
    )


def _large_variables() -> Iterator[PostAttack]:
    rows = _fill('{"sourceId":"a"}', _BODY_BYTES)
    yield _post_text("16 MB of customers to upsert", UPSERT_CUSTOMERS, f'{{"in":{rows}}}')
    event = '{"customer":{"sourceId":"a"},"name":"view","properties":{"a":1}}'
    yield _post_text("16 MB of events", TRACK_EVENTS, f'{{"in":{_fill(event, _BODY_BYTES)}}}')
    groups = _fill('{"all":[]}', _BODY_BYTES)
    yield _post_text("16 MB of empty groups", PREVIEW_SEGMENT, f'{{"filter":{{"any":{groups}}}}}')
    static = f'{{"in":{{"name":"static","definition":{{"customers":{rows}}}}}}}'
    yield _post_text("16 MB of customers of a segment", CREATE_SEGMENT, static)
    yield _post_text(
        "16 MB in an unused variable", "{ __typename }", f'{{"unused":{_fill("1", _BODY_BYTES)}}}'
    )
    yield _post_text(
        "16 MB of segment ids",
        _membership(),
        f'{{"source":"a","ids":{_fill(json.dumps("a"), 4_000_000)}}}',
    )
    yield _post(
        "1,000 new customers of 10 KB",
        UPSERT_CUSTOMERS,
        {"in": [_upserted_customer(number, 10_000) for number in range(1_000)]},
    )
    yield _post(
        "1,000 new customers of 500 values",
        UPSERT_CUSTOMERS,
        {
            "in": [
                {"sourceId": f"{COUNTER}-{number}", "metadata": {"a": list(range(500))}}
                for number in range(1_000)
            ]
        },
    )
    yield _post(
        "16 MB of metadata of one customer",
        UPSERT_CUSTOMERS,
        {"in": [_upserted_customer(0, _BODY_BYTES)]},
    )
    wrong = [{"sourceId": number} for number in range(2_000)]
    yield _post("2,000 customers with ids that are numbers", UPSERT_CUSTOMERS, {"in": wrong})


def _large_answers() -> Iterator[PostAttack]:
    metadata = " ".join(f"a{number}: metadata" for number in range(14))
    yield _post(
        "14 times the metadata of 100 large customers",
        f"{{ customers(first: 100) {{ nodes {{ {metadata} }} }} }}",
    )
    yield _post("metadata of 14 large customers", "{ customers(first: 14) { nodes { metadata } } }")
    yield _post(
        "metadata of 4 large customers, 3 times each",
        "{ customers(first: 4) { nodes { a: metadata b: metadata c: metadata } } }",
    )
    yield _post("ids of 100 large customers", "{ customers(first: 100) { nodes { id } } }")
    filters = " ".join(f"a{number}: filter b{number}: filterText" for number in range(45))
    yield _post(
        "filters of 100 segments, 45 times",
        f"{{ segments(first: 100) {{ nodes {{ {filters} }} }} }}",
    )


def _filters() -> Iterator[PostAttack]:
    letters = "ŁÓŻß" * (_LETTERS_PER_VALUE // 4)
    contains = {
        "any": [
            {
                "attribute": {
                    "path": "name",
                    "operator": "CONTAINS",
                    "value": letters + str(number),
                    "ignoreCase": True,
                }
            }
            for number in range(200)
        ]
    }
    preview = "query($filter: FilterInput!) { %s }"
    yield _post("200 CONTAINS of 900 letters, counted", PREVIEW_SEGMENT, {"filter": contains})
    nine = _aliases(
        9,
        "segmentPreview(filter: $filter) { memberCount sample { id } size { memberCount } }",
        braces=False,
    )
    yield _post("200 CONTAINS of 900 letters, nine times", preview % nine, {"filter": contains})
    yield _post(
        "100 event conditions, counted", PREVIEW_SEGMENT, {"filter": {"any": event_conditions(100)}}
    )
    lists: list[Json] = [
        {
            "attribute": {
                "path": "metadata.plan",
                "operator": "IN",
                "value": [f"{n}-{m}" for m in range(100)],
            }
        }
        for n in range(200)
    ]
    yield _post("200 lists of 100 texts", PREVIEW_SEGMENT, {"filter": _nest({"any": lists}, 8)})
    yield _post(
        "200 event conditions on 199 properties",
        PREVIEW_SEGMENT,
        {"filter": _event_with_properties()},
    )
    judge = (
        'segmentPreview(filter: $filter) { judge(customer: {sourceId: "%s"})'
        " { holds explanation changesAt } }"
    )
    yield _post(
        "judge 30,000 events by 200 conditions",
        preview % (judge % CUSTOMER_WITH_EVENTS),
        {"filter": {"any": event_conditions(200)}},
    )
    yield _post(
        "judge 40,000 texts by 200 conditions",
        preview % (judge % CUSTOMER_WITH_TEXTS),
        {"filter": {"any": text_conditions(200)}},
    )
    yield _post(
        "an imported filter of 10,000 conditions",
        "query($filter: JSON!) { filterFromVoucherify(filter: $filter) { filterText } }",
        {
            "filter": {
                "junction": "and",
                **{f"metadata.a{n}": {"conditions": {"$is": ["x"]}} for n in range(10_000)},
            }
        },
    )


def _memberships(segments: Segments) -> Iterator[PostAttack]:
    texts = {"source": CUSTOMER_WITH_TEXTS, "ids": [segments.texts]}
    yield _post("membership of 40,000 texts, 200 conditions", _membership(), texts)
    yield _post("the same, ten aliases", _membership(10), texts)
    events = {"source": CUSTOMER_WITH_EVENTS, "ids": [segments.events]}
    yield _post("membership of 30,000 events, 100 conditions", _membership(), events)
    yield _post(
        "the same, explanation and changesAt",
        _membership(selection="isMember explanation changesAt"),
        events,
    )
    yield _post("the same, ten aliases", _membership(10, "isMember explanation changesAt"), events)
    yield _post(
        "all memberships of 30,000 events",
        f'{{ segmentMembership(customer: {{sourceId: "{CUSTOMER_WITH_EVENTS}"}})'
        " { isMember explanation changesAt } }",
    )


def _documents() -> Iterator[PostAttack]:
    yield _post("3,000 aliases", _aliases(3_000, "__typename"), is_new=True)
    yield _post(
        "100 aliases of a page of customers",
        _aliases(50, "customers(first: 100) { nodes { b: id } }"),
        is_new=True,
    )
    yield _post("500 equal fields", f"{{ customers {{ nodes {{ {'id ' * 500} }} }} }}", is_new=True)
    fields = "customers { nodes { id } } " * 48
    yield _post("48 equal pages of customers", f"{{ {fields} }}", is_new=True)
    spreads = " ".join(
        f"fragment f{n} on Customer {{ ...f{n + 1} ...f{n + 1} }}" for n in range(60)
    )
    yield _post(
        "60 fragments, each spread twice",
        f"{{ customers {{ nodes {{ ...f0 }} }} }} {spreads} fragment f60 on Customer {{ id }}",
        is_new=True,
    )
    nested = "segments { nodes { members { nodes { " * 40 + "id" + " } } } }" * 40
    yield _post("160 levels", f"{{ customers {{ nodes {{ {nested} }} }} }}", is_new=True)
    multiplied = (
        "segments(first: 100) { nodes { members(first: 100) { nodes { " * 3 + "id" + " } } } }" * 3
    )
    yield _post(
        "14 levels of pages of 100",
        f"{{ customers(first: 100) {{ nodes {{ {multiplied} }} }} }}",
        is_new=True,
    )
    unknown = " ".join(f"unknown{'x' * 100}{n}" for n in range(1_500))
    yield _post("1,500 unknown fields", f"{{ {unknown} }}", is_new=True)
    yield _post("a field of 100,000 letters", f"{{ {'segmentMembershi' * 6_250} }}", is_new=True)
    variables = " ".join(f"$v{n}: Int" for n in range(2_400))
    yield _post("2,400 unused variables", f"query({variables}) {{ __typename }}", is_new=True)
    directives = "@include(if: true) " * 1_200
    yield _post("1,200 directives", f"{{ __typename {directives} }}", is_new=True)
    literals = "[" + "1 " * 9_000 + "]"
    yield _post(
        "a literal of 9,000 numbers",
        upsert_literal(literals),
        is_new=True,
    )
    depth = 2_400
    deep = "{a: " * depth + "1" + "}" * depth
    yield _post(
        "a literal of 2,400 levels",
        upsert_literal(deep),
        is_new=True,
    )
    type_reference = "type { name ofType { name ofType { name } } }"
    introspection = f"fields {{ args {{ {type_reference} }} {type_reference} }}"
    yield _post(
        "introspection of all types",
        f"{{ __schema {{ types {{ name {introspection} inputFields {{ name }} }} }} }}",
        is_new=True,
    )


def _bodies() -> Iterator[PostAttack]:
    yield PostAttack("10 MB that are no JSON", b"x" * _SMALL_BODY_BYTES)
    yield _post("a document of 10 MB of spaces", "{ __typename }" + " " * _SMALL_BODY_BYTES)
    yield _post("a document of 190 KB of spaces", "{ __typename }" + " " * 190_000, is_new=True)
    brackets = _SMALL_BODY_BYTES // 2
    yield _post_text(
        "JSON of 5,000,000 levels", "{ __typename }", f'{{"a":{"[" * brackets}{"]" * brackets}}}'
    )
    yield _post_text(
        "JSON of 90 levels, 16,000 times",
        "{ __typename }",
        f'{{"a":{_fill("[" * 90 + "]" * 90, 2_900_000)}}}',
    )
    keys = ",".join(f'"{number:08}":{number}' for number in range(700_000))
    yield _post_text("700,000 keys", "{ __typename }", f'{{"a":{{{keys}}}}}')
    digits = _fill("9" * 19, _SMALL_BODY_BYTES)
    yield _post_text("10 MB of numbers of 19 digits", "{ __typename }", f'{{"a":{digits}}}')
    escaped = json.dumps({"a": '\\"' * 3_000_000})
    yield _post_text("12 MB of escapes", "{ __typename }", escaped)
    yield PostAttack("17 MB", b" " * 17_000_000)


def _post(
    name: str, query: str, variables: Json | None = None, *, is_new: bool = False
) -> PostAttack:
    return PostAttack(name, _body(query, variables, is_new=is_new))


def _post_text(name: str, query: str, variables: str) -> PostAttack:
    """Takes the variables as JSON, which is faster to write for many equal values."""
    return PostAttack(name, f'{{"query":{json.dumps(query)},"variables":{variables}}}'.encode())


def _body(query: str, variables: Json | None = None, *, is_new: bool = False) -> bytes:
    """If `is_new`, each request has a document that the server does not know."""
    if is_new:
        query = f"{query} # {COUNTER}"
    return json.dumps({"query": query, "variables": variables or {}}).encode()


def _fill(value: str, size_bytes: int) -> str:
    """Returns a JSON list of equal values, of about that size."""
    return f"[{','.join([value] * (size_bytes // (len(value) + 1)))}]"


def _aliases(count: int, field: str, *, braces: bool = True) -> str:
    fields = " ".join(f"a{number}: {field}" for number in range(count))
    return f"{{ {fields} }}" if braces else fields


def _membership(aliases: int = 1, selection: str = "isMember") -> str:
    operation, field = _MEMBERSHIP
    return operation % _aliases(aliases, field % selection, braces=False)


def _upserted_customer(number: int, note_bytes: int) -> Json:
    return {"sourceId": f"{COUNTER}-{number}", "metadata": {"note": "x" * note_bytes}}


def _nest(filter_: Json, levels: int) -> Json:
    for _ in range(levels):
        filter_ = {"all": [filter_]}
    return filter_


def _event_with_properties() -> Json:
    where = [
        {
            "path": f"property{number}",
            "operator": "CONTAINS",
            "value": f"text {number}",
            "ignoreCase": True,
        }
        for number in range(199)
    ]
    return {"event": {"name": "view", "where": where}}
