"""A process that follows what changes knows the same as one that reads everything."""

from collections.abc import Awaitable, Callable
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from bson import ObjectId

from app.domain.segments import SegmentKind
from app.errors import Refused
from app.filters.walk import measures
from app.services import Services
from app.services.definitions import Definitions, DefinitionsReader
from app.store.segments import KEPT_REVISIONS
from tests.api import Api, Json
from tests.engine.conftest import Shop

pytestmark = pytest.mark.asyncio(loop_scope="module")

_KEYS = ("a", "b", "c")
_TYPES = ("NUMBER", "STRING", "BOOLEAN")
_STEPS = 40


def _attribute(dice: Random) -> Json:
    operator, value = dice.choice(
        (("IS", True), ("IS", 1), ("GREATER_THAN", dice.randrange(9)), ("CONTAINS", "x"))
    )
    path = f"metadata.{dice.choice(_KEYS)}"
    return {"attribute": {"path": path, "operator": operator, "value": value}}


class Life:
    """Random changes of definitions, each by one of two processes that follow each other."""

    def __init__(self, api: Api, seed: int) -> None:
        self._api = api
        self.dice = Random(seed)
        self.processes = [Services(api.services.store, api.settings) for _ in range(2)]
        self.refused = self.done = 0

    async def step(self) -> None:
        """One change, by either process; whether it is refused depends on those before it."""
        services = self.dice.choice(self.processes)
        steps: tuple[Callable[[Services], Awaitable[object]], ...] = (
            self._create,
            self._create,
            self._edit,
            self._edit,
            self._rename,
            self._delete,
            self._define,
            self._settle,
            self._activate,
            self._make_rule,
            self._end_rule,
        )
        try:
            await self.dice.choice(steps)(services)
            self.done += 1
        except Refused:
            self.refused += 1

    async def look(self, services: Services) -> Definitions:
        """The process reads on, and parses some of what there is."""
        definitions = await services.definitions.now()
        if self.dice.random() < 0.3:
            try:
                await definitions.measures(None)
            except Refused:
                self.refused += 1
        for id_ in self.dice.sample(list(definitions.segments), len(definitions.segments) // 2):
            _tree(definitions, id_)
        return definitions

    def _filter(self) -> Json:
        branches = [_attribute(self.dice)]
        if self.dice.random() < 0.6 and (id_ := self._some("segments", "seg")):
            branches.append({"segment": {"id": id_}})
        if self.dice.random() < 0.3:
            branches.append({"event": {"name": self.dice.choice("xyz"), "value": 2}})
        return {self.dice.choice(("all", "any")): branches}

    def _some(self, collection: str, prefix: str) -> str | None:
        rows = self._api.database[collection].find({}, {"_id": 1}).sort("_id", 1)
        ids = [f"{prefix}_{row['_id']}" for row in rows]
        return self.dice.choice(ids) if ids else None

    def _segment(self) -> str:
        return self._some("segments", "seg") or f"seg_{ObjectId()}"

    async def _create(self, services: Services) -> None:
        definition: Json = {"filter": self._filter()}
        if self.dice.random() < 0.1:
            definition = {"customers": []}
        await services.segments.create(
            {"name": uuid4().hex, "definition": definition}, services.now()
        )

    async def _edit(self, services: Services) -> None:
        changes = {"filter": self._filter()}
        await services.segments.update(self._segment(), changes, services.now())

    async def _rename(self, services: Services) -> None:
        changes = {self.dice.choice(("name", "description")): uuid4().hex}
        await services.segments.update(self._segment(), changes, services.now())

    async def _delete(self, services: Services) -> None:
        await services.segments.delete(self._segment())

    async def _define(self, services: Services) -> None:
        label = self.dice.choice((None, "A label"))
        key, type_ = self.dice.choice(_KEYS), self.dice.choice(_TYPES)
        await services.metadata.define({"key": key, "type": type_, "label": label})
        if self.dice.random() < 0.7:
            await services.metadata.settle(key)

    async def _settle(self, services: Services) -> None:
        await services.metadata.settle(self.dice.choice(_KEYS))

    async def _activate(self, services: Services) -> None:
        segment = self._api.database.segments.find_one({"kind": SegmentKind.PASSIVE.value})
        if segment is not None:
            await Shop(self._api).activate(f"seg_{segment['_id']}")

    async def _make_rule(self, services: Services) -> None:
        program = self._some("loyaltyPrograms", "loy")
        if program is None:
            await services.loyalty.create_program({"name": "Club"}, services.now().at)
            return
        rule = {"name": uuid4().hex, "programId": program, "segmentId": self._segment()}
        await services.loyalty.create_rule({**rule, "points": {"fixed": 5}}, services.now().at)

    async def _end_rule(self, services: Services) -> None:
        await services.loyalty.delete_rule(self._some("earningRules", "ear") or "")


def _tree(definitions: Definitions, segment_id: str) -> str:
    """The whole tree, the segments inside it written out, or why there is none."""
    try:
        return repr(definitions.tree(definitions.segments[segment_id]))
    except Refused as refused:
        return str(refused)


def _known(definitions: Definitions) -> dict[str, Any]:
    """All that definitions tell, segment by segment and key by key."""
    return {
        "revision": definitions.revision,
        "metadata": list(definitions.metadata.definitions.items()),
        "types": dict(definitions.catalog.metadata),
        "segments": list(definitions.segments.items()),
        "rules": list(definitions.earning_rules.items()),
        "trees": {id_: _tree(definitions, id_) for id_ in definitions.segments},
        "users": {id_: definitions.users(id_) for id_ in definitions.segments},
        "resting": {id_: definitions.resting_on(id_) for id_ in definitions.segments},
        "users of keys": {key: definitions.users_of_key(key) for key in _KEYS},
    }


async def _fresh(api: Api) -> Definitions:
    return await DefinitionsReader(api.services.store, api.services.calendar).now()


async def _measured(definitions: Definitions) -> object:
    """All measures; where a tree can't be parsed, why."""
    try:
        found = set(await definitions.measures(None))
    except Refused as refused:
        return str(refused)
    each = (definitions.tree(segment) for segment in definitions.segments.values())
    assert found == {measure for tree in each for measure in measures(tree)}
    return found


@pytest.mark.parametrize("seed", range(8))
async def test_following_is_as_good_as_reading_everything(api: Api, seed: int) -> None:
    life = Life(api, seed)
    for _ in range(_STEPS):
        await life.step()
        fresh = await _fresh(api)
        for services in life.processes:
            if life.dice.random() < 0.7:
                followed = await life.look(services)
                assert _known(followed) == _known(fresh)
                assert await _measured(followed) == await _measured(fresh)

    assert life.done > 10
    assert life.refused


async def test_what_changes_touch_no_tree_of_others(api: Api) -> None:
    inner = await _create(api, {"attribute": {"path": "metadata.in", "operator": "IS", "value": 1}})
    outer = await _create(api, {"segment": {"id": inner}})
    other = await _create(api, {"attribute": {"path": "metadata.o", "operator": "IS", "value": 1}})
    before = await api.services.definitions.now()
    trees = {id_: before.nested(id_) for id_ in (inner, outer, other)}

    await api.services.segments.update(inner, {"name": uuid4().hex}, api.services.now())

    after = await api.services.definitions.now()
    assert after.nested(other) is trees[other]
    assert after.nested(outer) is not trees[outer]
    assert after.nested(inner) is not trees[inner]


async def test_true_takes_the_place_of_one(api: Api) -> None:
    condition: Json = {"path": "metadata.flag", "operator": "IS", "value": 1}
    id_ = await _create(api, {"attribute": condition})
    before = _tree(await api.services.definitions.now(), id_)

    edited = {"filter": {"attribute": {**condition, "value": True}}}
    await api.services.segments.update(id_, edited, api.services.now())

    assert _tree(await api.services.definitions.now(), id_) != before


async def test_what_was_written_past_the_program_shows_once_the_revision_is_raised(
    api: Api,
) -> None:
    kept, gone = [await _create(api, {"all": [_attribute(Random(0))]}) for _ in range(2)]
    await api.services.definitions.now()
    api.database.segments.delete_one({"_id": ObjectId(gone.partition("_")[2])})
    api.database.segments.update_one(
        {"_id": ObjectId(kept.partition("_")[2])}, {"$set": {"name": "past the program"}}
    )
    api.database.fences.update_one({"_id": "definitions"}, {"$inc": {"revision": 1}})

    found = await api.services.definitions.now()

    assert gone not in found.segments
    assert found.segments[kept].name == "past the program"
    assert _known(found) == _known(await _fresh(api))


async def test_who_is_behind_the_oldest_tombstone_reads_everything(api: Api) -> None:
    behind = Services(api.services.store, api.settings)
    gone = await _create(api, {"all": [_attribute(Random(0))]})
    assert gone in (await behind.definitions.now()).segments
    await api.services.segments.delete(gone)
    raised = {"revision": KEPT_REVISIONS, "stamped": KEPT_REVISIONS}
    api.database.fences.update_one({"_id": "definitions"}, {"$inc": raised})
    other = await _create(api, {"all": [_attribute(Random(0))]})
    await api.services.segments.delete(other)
    assert api.database.deletedSegments.count_documents({}) == 1

    assert gone not in (await behind.definitions.now()).segments


async def _create(api: Api, filter_: Json) -> str:
    wire = {"name": uuid4().hex, "definition": {"filter": filter_}}
    return (await api.services.segments.create(wire, api.services.now())).id
