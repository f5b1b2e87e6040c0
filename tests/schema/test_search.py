"""Search of customers by the beginnings of words."""

from collections.abc import Sequence
from random import Random
from typing import Any
from unicodedata import normalize

import pytest
import pytest_asyncio

from app.store import customer_search
from tests.api import Api, Json

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIST = (
    "query($first: Int, $after: String, $search: String, $filter: FilterInput) {"
    " customers(first: $first, after: $after, search: $search, filter: $filter) {"
    " totalCount nodes { sourceId } pageInfo { hasNextPage endCursor } } }"
)


async def list_source_ids(api: Api, **arguments: Any) -> list[str]:
    return [node["sourceId"] for node in (await api.fetch(LIST, **arguments))["nodes"]]


async def page_through(api: Api, search: str, page_size: int, **arguments: Any) -> list[str]:
    """Returns the sourceIds of all pages, and asserts that each but the last is full."""
    source_ids: list[str] = []
    after = None
    while True:
        page = await api.fetch(LIST, search=search, first=page_size, after=after, **arguments)
        source_ids += [node["sourceId"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            return source_ids
        assert len(page["nodes"]) == page_size
        after = page["pageInfo"]["endCursor"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def people(api: Api) -> None:
    people: list[Json] = [
        {"sourceId": "p1", "name": "Ada Lovelace", "email": "ada+1@example.com"},
        {"sourceId": "p2", "name": "ada", "phone": "+48 (22) 1-2-3"},
        {"sourceId": "p3", "name": "ẞTRASSE", "email": "ADA@x.org"},
        {"sourceId": "p4", "name": "ΣΊΣΥΦΟΣ.*^$", "phone": "[1]"},
        {"sourceId": "p5", "name": "\U0010ffff\U0010ffffend", "email": "\ud7ffz"},
        {"sourceId": "P.6", "name": "n" * 300 + "a"},
        {"sourceId": "P_7", "name": "n" * 300 + "b"},
        {"sourceId": "q 8", "name": "A\u0301lvaro Łukasz O'Brien", "phone": "22"},
        {"sourceId": "q9", "name": "Kowalska, Anna-Maria", "email": "anna.k@shop.example"},
    ]
    await api.bulk_upsert("customersUpsert", people)


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("ADA", ["p1", "p2", "p3"]),
        ("ada l", ["p1"]),
        (" lovel  ada ", ["p1"]),
        ("lovelace bob", []),
        ("ovelace", []),
        ("ada+", ["p1"]),
        ("ada@x.org", ["p3"]),
        ("org", ["p3"]),
        ("exam", ["p1", "q9"]),
        ("+48 (22) 1-2-3", ["p2"]),
        ("+48 (22) 1-", []),
        ("ada +48", []),
        ("ßtr", ["p3"]),
        ("sstr", []),
        ("σίσυφος.*^$", ["p4"]),
        ("σισυφοσ.*^$", ["p4"]),
        ("[1]", ["p4"]),
        ("ΣΊΣ [1]", ["p4"]),
        ("[", []),
        (".*", []),
        ("alvaro", ["q 8"]),
        ("ÁLV", ["q 8"]),
        ("a\u0301l lukasz", ["q 8"]),
        ("o'b", ["q 8"]),
        ("brien", ["q 8"]),
        ("22", ["q 8"]),
        ("2", []),
        ("q 8", ["q 8"]),
        ("Q9", ["q9"]),
        ("q", []),
        ("kowalska", ["q9"]),
        ("maria, anna", ["q9"]),
        ("k kow", ["q9"]),
        ("  ", ["p1", "p2", "p3", "p4", "p5", "P.6", "P_7", "q 8", "q9"]),
        ("\U0010ffff", ["p5"]),
        ("\U0010ffff\U0010ffffE", ["p5"]),
        ("\ud7ff", ["p5"]),
        ("p.6", ["P.6"]),
        ("P_", []),
        ("n" * 300, ["P.6", "P_7"]),
        ("N" * 300 + "B", ["P_7"]),
        ("n" * 301, []),
        ("ada\0", []),
    ],
)
@pytest.mark.usefixtures("people")
async def test_search_is_by_the_beginnings_of_words_without_case_and_diacritics(
    api: Api, search: str, found: list[str]
) -> None:
    assert await list_source_ids(api, search=search) == found
    assert (await api.fetch(LIST, search=search))["totalCount"] == len(found)


@pytest.mark.usefixtures("people")
async def test_a_filter_and_a_search_both_hold(api: Api) -> None:
    filter_ = {"attribute": {"path": "phone", "operator": "HAS_VALUE"}}
    assert await list_source_ids(api, search="ada", filter=filter_) == ["p2"]


LETTERS = ("a", "b", "ß", "Á", "A\u0301", "Ł", "É")
JOINTS = ("", "", "", ".", "-", "@", " ", ", ")


def random_text(random: Random, longest: int) -> str:
    pieces = (random.choice(LETTERS) + random.choice(JOINTS) for _ in range(longest))
    return "".join([*pieces][: random.randint(1, longest)]).strip()


def plain(text: str) -> str:
    """Returns the text in lower case and without accents, for these letters only."""
    decomposed = normalize("NFD", text).replace("\u0301", "")
    return decomposed.lower().replace("ł", "l")


def is_found(customer: Json, search: str) -> bool:
    """The meaning of a search, as a plain model."""
    texts = [plain(customer.get(field) or "") for field in ("name", "email")]
    wholes = [plain(customer.get(field) or "") for field in ("phone", "sourceId")]
    words = {
        chunk[start:]
        for text in texts
        for chunk in text.replace(",", " ").split()
        for start in range(len(chunk))
        if start == 0 or (chunk[start].isalnum() and not chunk[start - 1].isalnum())
    }
    terms = plain(search).replace(",", " ").split()
    return plain(search).strip() in wholes or all(
        term in wholes or any(word.startswith(term) for word in words) for term in terms
    )


@pytest.mark.parametrize("candidate_limit", [0, 3, 1_000])
async def test_random_searches_agree_with_the_model(
    api: Api, candidate_limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With each of the plans: with a small limit most searches have too many candidates."""
    monkeypatch.setattr(customer_search, "MAX_CANDIDATE_IDS", candidate_limit)
    random = Random(candidate_limit)
    prefix = f"model{candidate_limit}"
    customers: list[Json] = [
        {
            "sourceId": f"{prefix}-{number:02}",
            "source": prefix,
            "name": random_text(random, 8) or None,
            "email": random.choice([None, random_text(random, 6)]),
            "phone": random.choice([None, random_text(random, 2)]),
        }
        for number in range(60)
    ]
    assert (await api.bulk_upsert("customersUpsert", customers))["refused"] == []
    renamed = {**customers[0], "name": "ab-ab", "email": None}
    assert (await api.bulk_upsert("customersUpsert", [renamed]))["refused"] == []
    customers[0] = renamed
    of_this_test = {"attribute": {"path": "source", "operator": "IS", "value": prefix}}
    found_count = 0
    for _ in range(150):
        search = random_text(random, 5)
        expected = [
            customer["sourceId"]
            for customer in customers
            if is_found(customer, search) or not search.strip()
        ]
        assert await page_through(api, search, 7, filter=of_this_test) == expected, search
        found = await page_through(api, search, 50)
        assert [id_ for id_ in found if id_.startswith(prefix)] == expected, search
        found_count += len(expected)
    assert found_count > 500


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def crowd(api: Api) -> Sequence[str]:
    """1,500 customers, more than MAX_CANDIDATE_IDS, of whom each tenth has another surname."""
    ids = [f"crowd{number:04}" for number in range(1_500)]
    rows = [
        {
            "sourceId": id_,
            "name": f"Xenia {'Zuckerwatte' if number % 10 == 3 else 'Yggdrasil'}",
            "email": f"x{number}@zz.example",
        }
        for number, id_ in enumerate(ids)
    ]
    for start in range(0, len(rows), 1_000):
        await api.bulk_upsert("customersUpsert", rows[start : start + 1_000])
    return ids


@pytest.mark.parametrize(
    ("search", "step", "max_examined"),
    [
        ("xenia", 1, 60),
        ("xen", 1, 60),
        ("xen zuck", 10, 200),
        ("xenia ygg", None, 120),
        ("x123", None, 60),
        ("zuckerwatte", 10, 200),
    ],
)
async def test_a_page_of_a_crowd_reads_few_customers(
    api: Api, crowd: Sequence[str], search: str, step: int | None, max_examined: int
) -> None:
    if step is not None:
        assert await page_through(api, search, 100) == [*crowd[3 if step == 10 else 0 :: step]]
        assert (await api.fetch(LIST, search=search))["totalCount"] == len(crowd) // step
    assert await count_examined(api, search) <= max_examined


@pytest.mark.usefixtures("crowd")
async def test_of_several_frequent_words_the_rarest_is_read(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customer_search, "MAX_CANDIDATE_IDS", 100)
    for limits in ((10, 1_000), (1_000,)):
        monkeypatch.setattr(customer_search, "_COUNT_LIMITS", limits)
        for search in ("zucker yggdrasil", "zuckerwatte yggdra"):
            assert await list_source_ids(api, search=search) == []
            assert await count_examined(api, search) == 150


async def count_examined(api: Api, search: str) -> int:
    """Returns how many customers MongoDB reads for the first page."""
    planned_query = await api.services.customers.plan_query(search, None, api.services.now())
    pipeline = await api.services.query_planner.choose_pipeline(planned_query, 51)
    assert pipeline.query is not None
    cursor = api.database.customers.find(dict(pipeline.query)).hint(
        [*(pipeline.hint or {}).items()]
    )
    stats = cursor.sort([("_id", 1)]).limit(51).explain()["executionStats"]
    return int(stats["totalDocsExamined"])


async def test_a_customer_without_search_fields_gets_them_and_nothing_else_changes(
    api: Api,
) -> None:
    await api.upsert("older", name="Ołdřich Jánský", phone="+420 1")
    expected = api.read_customer_document("older")
    older = {"$unset": {"searchWords": "", "searchTokens": ""}, "$set": {"searchKeys": ["older"]}}
    api.database.customers.update_one({"sourceId": "older"}, older)
    assert await list_source_ids(api, search="jansky") == []

    last_id, count = await api.services.store.customer_search.backfill(None, 1_000)

    assert (last_id, count) == (f"cus_{expected['_id']}", 1)
    assert api.read_customer_document("older") == expected
    assert await list_source_ids(api, search="jansky oldrich") == ["older"]
    assert await api.services.store.customer_search.backfill(None, 1_000) == (None, 0)


async def test_the_backfill_passes_over_a_document_that_violates_the_validator(api: Api) -> None:
    for source_id in ("invalid", "after it"):
        await api.upsert(source_id, name="Backfilled")
    unset = {"$unset": {"searchWords": "", "searchTokens": ""}}
    api.database.customers.update_many({"name": "Backfilled"}, unset)
    api.database.command(
        "update",
        "customers",
        updates=[{"q": {"sourceId": "invalid"}, "u": {"$set": {"phone": 7}}}],
        bypassDocumentValidation=True,
    )

    _, count = await api.services.store.customer_search.backfill(None, 1_000)

    assert count == 1
    assert await list_source_ids(api, search="backf") == ["after it"]
    api.database.customers.delete_one({"sourceId": "invalid"})


async def test_a_write_completes_a_customer_of_an_earlier_version(api: Api) -> None:
    await api.upsert("earlier", name="Earlier Bird")
    older = {"$unset": {"searchWords": "", "searchTokens": ""}, "$set": {"searchKeys": ["x"]}}
    api.database.customers.update_one({"sourceId": "earlier"}, older)
    await api.upsert("earlier", metadata={"a": 1})
    assert await list_source_ids(api, search="bird earl") == ["earlier"]
    assert "bird" in api.read_customer_document("earlier")["searchKeys"]
