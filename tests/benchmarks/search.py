"""The first page of searches among a million customers, over HTTP.

python -m tests.benchmarks.search [--customers N]
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from random import Random

import httpx
from bson import ObjectId
from pydantic import SecretStr
from pymongo import MongoClient

from app.domain.search import search_fields
from app.settings import Settings
from app.store import Store
from tests.benchmarks.program import DATABASE, Json, Program, running_program

CUSTOMERS = 1_000_000
ROUNDS = 40
MAX_MILLISECONDS = 20
ROWS_PER_INSERT = 10_000
FIRST_NAMES = 400
LAST_NAMES = 20_000
SYLLABLES = ("an", "na", "ko", "wal", "ska", "ri", "mar", "el", "to", "bar", "á", "ło", "zu", "ki")
DOMAINS = ("gmail.com", "gmail.com", "gmail.com", "example.com", "yahoo.com", "shop.example")
QUERY = (
    "query($search: String) { customers(search: $search) { nodes { id sourceId name email }"
    " pageInfo { hasNextPage endCursor } } }"
)
COUNT = "query($search: String) { customers(search: $search) { totalCount } }"


def customer_documents(count: int) -> Iterator[Json]:
    """Yields customers sorted by name, as a file often is. So those with the same first letters
    are close to each other, and a scan by id may pass over many before it finds one."""
    random = Random(7)
    first_names = [_name(random, 2, 3) for _ in range(FIRST_NAMES)]
    last_names = [_name(random, 2, 4) for _ in range(LAST_NAMES)]
    # Some names are frequent and most are rare, as in life.
    names = sorted(
        (
            first_names[int(random.paretovariate(0.7)) % FIRST_NAMES],
            last_names[int(random.paretovariate(0.4)) % LAST_NAMES],
        )
        for _ in range(count)
    )
    now = datetime.now(UTC)
    for number, (first_name, last_name) in enumerate(names):
        document: Json = {
            "_id": ObjectId(),
            "sourceId": f"c-{number:07}",
            "name": f"{first_name} {last_name}",
            "email": f"{first_name}.{last_name}{number}@{random.choice(DOMAINS)}".lower(),
            "phone": f"+48 6{number:08}",
            "createdAt": now,
            "updatedAt": now,
            "version": 1,
            "metadata": {},
        }
        yield document | search_fields(document)


def _name(random: Random, shortest: int, longest: int) -> str:
    return "".join(random.choices(SYLLABLES, k=random.randint(shortest, longest))).title()


def searches(documents: MongoClient[Json]) -> list[str]:
    """Returns frequent and rare words, several words, whole keys, and words that nobody has."""
    customers = documents[DATABASE].customers
    total = customers.estimated_document_count()
    middle, last = (
        customers.find_one(skip=skip, sort=[("_id", 1)]) for skip in (total // 2, total - 1)
    )
    assert middle is not None
    assert last is not None
    first_name, last_name = last["name"].split(" ")
    return [
        *("gmail", "com", "gma", "yahoo", "mar", "ann", "kowal", "zuz", "qqq"),
        *(first_name[:3], first_name, last_name, middle["name"], last["name"]),
        f"{last_name} {first_name[:3]} gmail",
        *("gmail yahoo", "mar kow exa"),
        *(last["sourceId"], last["phone"], last["email"], last["email"][:-3]),
    ]


def measure(client: httpx.Client, search: str) -> tuple[list[float], int | None]:
    """Returns the milliseconds of the rounds in ascending order, and the size of the page; None if
    the search took too long."""
    milliseconds, page_size = [], None
    for _ in range(ROUNDS):
        started_at = time.perf_counter()
        answer = client.post("/graphql", json={"query": QUERY, "variables": {"search": search}})
        milliseconds.append(1_000 * (time.perf_counter() - started_at))
        response = answer.json()
        page_size = len(response["data"]["customers"]["nodes"]) if response["data"] else None
    return sorted(milliseconds), page_size


def fill(mongo: MongoClient[Json], count: int) -> None:
    """Inserts the customers and prints the sizes of the indexes for search."""
    customers, documents = mongo[DATABASE].customers, customer_documents(count)
    started_at = time.perf_counter()
    while batch := list(islice(documents, ROWS_PER_INSERT)):
        customers.insert_many(batch, ordered=False)
    print(f"{count:,} customers in {time.perf_counter() - started_at:.0f} s")
    sizes = mongo[DATABASE].command("collStats", "customers")["indexSizes"]
    for name in ("searchWords_1__id_1", "searchTokens_1__id_1"):
        print(f"{name}: {sizes[name] / count:.0f} bytes per customer")


def report(client: httpx.Client, search: str) -> None:
    milliseconds, page_size = measure(client, search)
    line = f"{search:44}{'refused' if page_size is None else page_size:>7}"
    line += f"{statistics.median(milliseconds):9.1f}{milliseconds[int(0.95 * ROUNDS)]:9.1f}"
    if page_size is not None:
        started_at = time.perf_counter()
        answer = client.post("/graphql", json={"query": COUNT, "variables": {"search": search}})
        count_milliseconds = 1_000 * (time.perf_counter() - started_at)
        total = answer.json()["data"]["customers"]["totalCount"]
        line += f"{total:10,}{count_milliseconds:9.1f}"
    print(line, flush=True)


async def prepare(url: str) -> None:
    settings = Settings(_env_file=None, mongodb_url=SecretStr(url), database=DATABASE)  # type: ignore[call-arg]
    await (await Store.open(settings)).close()


def run(program: Program, count: int) -> None:
    asyncio.run(prepare(program.mongodb_url))
    with MongoClient[Json](program.mongodb_url) as mongo:
        fill(mongo, count)
        with (
            program.server("-m", "app", "api") as (address, _),
            httpx.Client(base_url=f"http://{address}", timeout=60) as client,
        ):
            print(f"goal: p50 within {MAX_MILLISECONDS} ms")
            print(f"{'search':44}{'page':>7}{'p50 ms':>9}{'p95 ms':>9}{'count':>10}{'ms':>9}")
            for search in searches(mongo):
                report(client, search)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, running_program(Path(name)) as program:
        run(program, arguments.customers)


if __name__ == "__main__":
    main()
