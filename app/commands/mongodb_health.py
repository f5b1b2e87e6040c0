"""Is this MongoDB one that the program can rest on?"""

from collections.abc import Iterator, Mapping
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from app.commands import history_health
from app.commands.finding import Finding
from app.settings import Settings
from app.store.collections import COLLECTIONS, Collection

_OLDEST = (6, 0)
# The program's tests ran against these; newer ones are supported, too.
_TESTED = [(6, 0)]
_NOT_TESTED = "supported, but the program was not tested with"

Client = MongoClient[dict[str, Any]]


def look(settings: Settings) -> Iterator[Finding]:
    assert settings.mongodb_url
    try:
        with Client(
            settings.mongodb_url.get_secret_value(), serverSelectionTimeoutMS=3000
        ) as client:
            yield _version(client)
            topology = _topology(client)
            yield topology
            if topology.ok:
                yield _transactions(client, settings.database)
                yield from history_health.look(settings)
            yield _collections(client, settings.database)
    except PyMongoError as error:
        problem = str(error).partition(" (configured")[0].partition(", Timeout:")[0]
        yield Finding("MongoDB", problem, "see that it runs and that MONGODB_URL is right")


def _version(client: Client) -> Finding:
    info = client.server_info()
    version, series = info["version"], tuple(info["versionArray"][:2])
    if series < _OLDEST:
        return Finding("MongoDB", version, "upgrade to 6.0 or later")
    if series not in _TESTED:
        return Finding("MongoDB", f"{version}, {_NOT_TESTED} this version")
    return Finding("MongoDB", f"{version}, supported and tested")


def _topology(client: Client) -> Finding:
    hello = client.admin.command("hello")
    if hello.get("msg") == "isdbgrid":
        return Finding("topology", f"sharded cluster through mongos, {_NOT_TESTED} it")
    if "setName" not in hello:
        return Finding(
            "topology", "standalone", "run mongod with --replSet and initiate it, even alone"
        )
    number = sum(len(hello.get(kind, ())) for kind in ("hosts", "passives", "arbiters"))
    state = f"replica set {hello['setName']} with {number} member{'s' if number != 1 else ''}"
    if not hello.get("isWritablePrimary"):
        return Finding("topology", f"{state}, no primary here", "add replicaSet= to MONGODB_URL")
    return Finding("topology", f"{state}, primary {hello['me']}, supported and tested")


def _transactions(client: Client, database: str) -> Finding:
    try:
        with client.start_session() as session:
            session.start_transaction()
            client[database]["fences"].find_one({}, session=session)
            session.abort_transaction()
    except PyMongoError as error:
        return Finding("transactions", "refused", str(error).partition(", full error")[0])
    return Finding("transactions", "possible")


def _collections(client: Client, name: str) -> Finding:
    present = {row["name"]: row for row in client[name].list_collections()}
    if not present:
        return Finding("collections", f"{name} is empty; the API makes them at its start")
    wrong = [
        f"{wanted.name} ({', '.join(lacks)})"
        for wanted in COLLECTIONS
        if (lacks := _lacks(client, name, wanted, present.get(wanted.name)))
    ]
    return Finding(
        "collections",
        f"{len(COLLECTIONS)} in {name}",
        f"mend by starting the API again: {', '.join(wrong)}" if wrong else "",
    )


def _lacks(
    client: Client, database: str, wanted: Collection, found: Mapping[str, Any] | None
) -> list[str]:
    if found is None:
        return ["missing"]
    indexes = [_shape(index) for index in client[database][wanted.name].list_indexes()]
    lacks = [
        f"no index {index.document['name']}"
        for index in wanted.indexes
        if _shape(index.document) not in indexes
    ]
    images = "changeStreamPreAndPostImages"
    if images in wanted.options and not found["options"].get(images, {}).get("enabled"):
        lacks.append("no images")
    return lacks


def _shape(index: Mapping[str, Any]) -> tuple[list[Any], bool]:
    return list(index["key"].items()), bool(index.get("unique"))
