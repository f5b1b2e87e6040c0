"""Checks the version, topology, collections and indexes of MongoDB."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from app.commands import history_health
from app.services.health import Finding
from app.settings import Settings
from app.store.collections import COLLECTIONS, Collection

_MIN_VERSION = (6, 0)
# The tests run against these; newer versions are supported, too.
_TESTED_VERSIONS = [(6, 0)]
_MAX_CLOCK_DIFFERENCE = timedelta(seconds=2)
_NOT_TESTED_MESSAGE = "supported, but not tested:"

Client = MongoClient[dict[str, Any]]


def check(settings: Settings) -> Iterator[Finding]:
    assert settings.mongodb_url
    try:
        with Client(
            settings.mongodb_url.get_secret_value(), serverSelectionTimeoutMS=3000
        ) as client:
            yield _check_version(client)
            yield _check_clock(client)
            topology = _check_topology(client)
            yield topology
            if topology.is_ok:
                yield _check_transactions(client, settings.database)
                yield from history_health.check(settings)
            yield _check_collections(client, settings.database)
    except PyMongoError as error:
        problem = str(error).partition(" (configured")[0].partition(", Timeout:")[0]
        yield Finding("MongoDB", problem, "check that MongoDB runs and that MONGODB_URL is right")


def _check_version(client: Client) -> Finding:
    info = client.server_info()
    version, series = info["version"], tuple(info["versionArray"][:2])
    if series < _MIN_VERSION:
        return Finding("MongoDB", version, "upgrade to 6.0 or later")
    if series not in _TESTED_VERSIONS:
        return Finding("MongoDB", f"{version}, {_NOT_TESTED_MESSAGE} this version")
    return Finding("MongoDB", f"{version}, supported and tested")


def _check_clock(client: Client) -> Finding:
    """Compares the clocks: the API evaluates filters at the time of its machine, the engine at that
    of MongoDB."""
    asked_at = datetime.now(UTC)
    local_time = client.admin.command("hello")["localTime"].replace(tzinfo=UTC)
    answered_at = datetime.now(UTC)
    # MongoDB read its clock in between.
    lead = max(local_time - answered_at, asked_at - local_time, timedelta())
    if lead < _MAX_CLOCK_DIFFERENCE:
        return Finding("clock", "as that of MongoDB")
    direction = "behind" if local_time > answered_at else "ahead of"
    return Finding(
        "clock",
        f"{lead.total_seconds():.0f} s {direction} that of MongoDB",
        "synchronize the clocks of all machines, for example by NTP",
    )


def _check_topology(client: Client) -> Finding:
    hello = client.admin.command("hello")
    if hello.get("msg") == "isdbgrid":
        return Finding("topology", f"sharded cluster through mongos, {_NOT_TESTED_MESSAGE} it")
    if "setName" not in hello:
        return Finding(
            "topology",
            "standalone",
            "run mongod with --replSet and initiate the replica set, even with one member",
        )
    member_count = sum(
        len(hello.get(member_kind, ())) for member_kind in ("hosts", "passives", "arbiters")
    )
    plural_ending = "" if member_count == 1 else "s"
    state = f"replica set {hello['setName']} with {member_count} member{plural_ending}"
    if not hello.get("isWritablePrimary"):
        return Finding("topology", f"{state}, not its primary", "add replicaSet= to MONGODB_URL")
    return Finding("topology", f"{state}, primary {hello['me']}, supported and tested")


def _check_transactions(client: Client, database: str) -> Finding:
    try:
        with client.start_session() as session:
            session.start_transaction()
            client[database]["counters"].find_one({}, session=session)
            session.abort_transaction()
    except PyMongoError as error:
        return Finding("transactions", "refused", str(error).partition(", full error")[0])
    return Finding("transactions", "possible")


def _check_collections(client: Client, database: str) -> Finding:
    present = {info["name"]: info for info in client[database].list_collections()}
    if not present:
        return Finding("collections", f"{database} is empty; the API creates them when it starts")
    defective_collections = [
        f"{expected.name} ({', '.join(defects)})"
        for expected in COLLECTIONS
        if (defects := _collection_defects(client, database, expected, present.get(expected.name)))
    ]
    return Finding(
        "collections",
        f"{len(COLLECTIONS)} in {database}",
        f"restart the API, which repairs: {', '.join(defective_collections)}"
        if defective_collections
        else "",
    )


def _collection_defects(
    client: Client, database: str, expected: Collection, actual: Mapping[str, Any] | None
) -> list[str]:
    if actual is None:
        return ["missing"]
    indexes = [_index_signature(index) for index in client[database][expected.name].list_indexes()]
    defects = [
        f"no index {index.document['name']}"
        for index in expected.indexes
        if _index_signature(index.document) not in indexes
    ]
    images_option = "changeStreamPreAndPostImages"
    if images_option in expected.options and not actual["options"].get(images_option, {}).get(
        "enabled"
    ):
        defects.append("no images")
    return defects


def _index_signature(index: Mapping[str, Any]) -> tuple[list[Any], bool]:
    return list(index["key"].items()), bool(index.get("unique"))
