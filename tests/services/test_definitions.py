"""A process that reads definition changes has the same definitions as one that reads all rows."""

from collections.abc import Awaitable, Callable
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from bson import ObjectId

from app.domain.segments import SegmentKind
from app.errors import InputError
from app.filters.walk import measures
from app.services import Services
from app.services.definitions import Definitions
from app.services.definitions_reader import DefinitionsReader
from app.store.segments import DELETED_SEGMENT_RETENTION_REVISIONS
from tests.api import Api, Json
from tests.engine.conftest import ShopWithEngine

pytestmark = pytest.mark.asyncio(loop_scope="module")

_KEYS = ("a", "b", "c")
_TYPES = ("NUMBER", "STRING", "BOOLEAN")
CHANGES = 40


def _attribute(rng: Random) -> Json:
    operator, value = rng.choice(
        (("IS", True), ("IS", 1), ("GREATER_THAN", rng.randrange(9)), ("CONTAINS", "x"))
    )
    path = f"metadata.{rng.choice(_KEYS)}"
    return {"attribute": {"path": path, "operator": operator, "value": value}}


class RandomDefinitionChanges:
    """Changes definitions at random, in two processes that read each other's changes."""

    def __init__(self, api: Api, seed: int) -> None:
        self._api = api
        self.rng = Random(seed)
        self.processes = [Services(api.services.store, api.settings) for _ in range(2)]
        self.refused = self.applied = 0

    async def apply_random_change(self) -> None:
        """Applies a change in one of the processes; it may be rejected."""
        services = self.rng.choice(self.processes)
        changes: tuple[Callable[[Services], Awaitable[object]], ...] = (
            self.create_segment,
            self.create_segment,
            self.edit_segment,
            self.edit_segment,
            self.rename_segment,
            self.delete_segment,
            self.define_metadata_key,
            self.convert_metadata,
            self.activate_segment,
            self.create_rule,
            self.delete_rule,
            self.create_validation_rule,
            self.edit_validation_rule,
            self.delete_validation_rule,
        )
        try:
            await self.rng.choice(changes)(services)
            self.applied += 1
        except InputError:
            self.refused += 1

    async def follow_definitions(self, services: Services) -> Definitions:
        """Reads the latest definitions, and parses some of the filters."""
        definitions = await services.definitions.latest()
        if self.rng.random() < 0.3:
            try:
                await definitions.collect_measures(None)
            except InputError:
                self.refused += 1
        for id_ in self.rng.sample(list(definitions.segments), len(definitions.segments) // 2):
            tree_text(definitions, id_)
        for id_ in definitions.validation_rules:
            if self.rng.random() < 0.5:
                await rule_text(definitions, id_)
        return definitions

    def random_filter(self) -> Json:
        branches = [_attribute(self.rng)]
        if self.rng.random() < 0.6 and (id_ := self.random_id("segments", "seg")):
            branches.append({"segment": {"id": id_}})
        if self.rng.random() < 0.3:
            branches.append({"event": {"name": self.rng.choice("xyz"), "value": 2}})
        return {self.rng.choice(("all", "any")): branches}

    def random_id(self, collection: str, prefix: str) -> str | None:
        rows = self._api.database[collection].find({}, {"_id": 1}).sort("_id", 1)
        ids = [f"{prefix}_{row['_id']}" for row in rows]
        return self.rng.choice(ids) if ids else None

    def random_segment(self) -> str:
        return self.random_id("segments", "seg") or f"seg_{ObjectId()}"

    async def create_segment(self, services: Services) -> None:
        definition: Json = {"filter": self.random_filter()}
        if self.rng.random() < 0.1:
            definition = {"customers": []}
        await services.segments.create(
            {"name": uuid4().hex, "definition": definition}, services.now()
        )

    async def edit_segment(self, services: Services) -> None:
        changes = {"filter": self.random_filter()}
        await services.segments.update(self.random_segment(), changes, services.now())

    async def rename_segment(self, services: Services) -> None:
        changes = {self.rng.choice(("name", "description")): uuid4().hex}
        await services.segments.update(self.random_segment(), changes, services.now())

    async def delete_segment(self, services: Services) -> None:
        await services.segments.delete(self.random_segment())

    async def define_metadata_key(self, services: Services) -> None:
        label = self.rng.choice((None, "A label"))
        key, type_ = self.rng.choice(_KEYS), self.rng.choice(_TYPES)
        await services.metadata.define({"key": key, "type": type_, "label": label})
        if self.rng.random() < 0.7:
            await services.metadata.convert(key)

    async def convert_metadata(self, services: Services) -> None:
        await services.metadata.convert(self.rng.choice(_KEYS))

    async def activate_segment(self, services: Services) -> None:
        segment = self._api.database.segments.find_one({"kind": SegmentKind.PASSIVE.value})
        if segment is not None:
            await ShopWithEngine(self._api).activate(f"seg_{segment['_id']}")

    async def create_rule(self, services: Services) -> None:
        program = self.random_id("loyaltyPrograms", "loy")
        if program is None:
            await services.loyalty.create_program({"name": "Club"}, services.now().at)
            return
        rule = {"name": uuid4().hex, "programId": program, "segmentId": self.random_segment()}
        await services.loyalty.create_rule({**rule, "points": {"fixed": 5}}, services.now().at)

    async def delete_rule(self, services: Services) -> None:
        await services.loyalty.delete_rule(self.random_id("earningRules", "ear") or "")

    async def create_validation_rule(self, services: Services) -> None:
        rule = {"name": uuid4().hex, "filter": self.random_filter()}
        await services.validation_rules.create(rule, services.now().at)

    async def edit_validation_rule(self, services: Services) -> None:
        id_ = self.random_id("validationRules", "val") or ""
        await services.validation_rules.update(id_, {"filter": self.random_filter()})

    async def delete_validation_rule(self, services: Services) -> None:
        await services.validation_rules.delete(self.random_id("validationRules", "val") or "")


async def rule_text(definitions: Definitions, rule_id: str) -> object:
    """Returns the rule's tree and measures, or the reason why there are none."""
    try:
        measures = await definitions.collect_rule_measures(rule_id)
        return repr(definitions.rule_tree(definitions.validation_rules[rule_id])), measures
    except InputError as refused:
        return str(refused)


def tree_text(definitions: Definitions, segment_id: str) -> str:
    """Returns the tree with nested segments expanded, or the reason why there is none."""
    try:
        return repr(definitions.filter_tree(definitions.segments[segment_id]))
    except InputError as refused:
        return str(refused)


async def snapshot(definitions: Definitions) -> dict[str, Any]:
    """Returns everything that the definitions know of each segment, key and rule."""
    return {
        "revision": definitions.revision,
        "metadata": list(definitions.metadata_schema.definitions.items()),
        "types": dict(definitions.catalog.metadata),
        "segments": list(definitions.segments.items()),
        "rules": list(definitions.earning_rules.items()),
        "validation rules": list(definitions.validation_rules.items()),
        "rule trees": {
            id_: await rule_text(definitions, id_) for id_ in definitions.validation_rules
        },
        "rules resting": {
            id_: definitions.validation_rules_containing(id_) for id_ in definitions.segments
        },
        "trees": {id_: tree_text(definitions, id_) for id_ in definitions.segments},
        "users": {id_: definitions.segments_using(id_) for id_ in definitions.segments},
        "resting": {id_: definitions.dependents_of(id_) for id_ in definitions.segments},
        "uses": {id_: definitions.uses_of_segment(id_) for id_ in definitions.segments},
        "uses of keys": {key: definitions.uses_of_key(key) for key in _KEYS},
        "users of keys": {key: definitions.segments_using_key(key) for key in _KEYS},
    }


def require_activated(definitions: Definitions) -> None:
    """Every use of a segment finds the segment, which is active if the use needs transitions."""
    for id_, segment in definitions.segments.items():
        for use in definitions.uses_of_segment(id_):
            assert use.segment_id == id_
            assert not use.activates or segment.kind is SegmentKind.ACTIVE


async def read_definitions(api: Api) -> Definitions:
    return await DefinitionsReader(api.services.store, api.services.calendar).latest()


async def all_measures(definitions: Definitions) -> object:
    """Returns all measures; if a tree can't be parsed, the reason."""
    try:
        found_measures = set(await definitions.collect_measures(None))
    except InputError as refused:
        return str(refused)
    trees = (definitions.filter_tree(segment) for segment in definitions.segments.values())
    assert found_measures == {measure for tree in trees for measure in measures(tree)}
    return found_measures


@pytest.mark.parametrize("seed", range(8))
async def test_incremental_definitions_equal_a_full_read(api: Api, seed: int) -> None:
    life = RandomDefinitionChanges(api, seed)
    for _ in range(CHANGES):
        await life.apply_random_change()
        fresh = await read_definitions(api)
        for services in life.processes:
            if life.rng.random() < 0.7:
                followed = await life.follow_definitions(services)
                assert await snapshot(followed) == await snapshot(fresh)
                require_activated(followed)
                assert await all_measures(followed) == await all_measures(fresh)

    assert life.applied > 10
    assert life.refused


async def test_a_change_keeps_the_parsed_trees_of_other_segments(api: Api) -> None:
    inner = await create_segment(
        api, {"attribute": {"path": "metadata.in", "operator": "IS", "value": 1}}
    )
    outer = await create_segment(api, {"segment": {"id": inner}})
    other = await create_segment(
        api, {"attribute": {"path": "metadata.o", "operator": "IS", "value": 1}}
    )
    before = await api.services.definitions.latest()
    trees = {id_: before.nested_segment(id_) for id_ in (inner, outer, other)}

    await api.services.segments.update(inner, {"name": uuid4().hex}, api.services.now())

    after = await api.services.definitions.latest()
    assert after.nested_segment(other) is trees[other]
    assert after.nested_segment(outer) is not trees[outer]
    assert after.nested_segment(inner) is not trees[inner]


async def test_true_replaces_the_number_one(api: Api) -> None:
    condition: Json = {"path": "metadata.flag", "operator": "IS", "value": 1}
    id_ = await create_segment(api, {"attribute": condition})
    before = tree_text(await api.services.definitions.latest(), id_)

    edited = {"filter": {"attribute": {**condition, "value": True}}}
    await api.services.segments.update(id_, edited, api.services.now())

    assert tree_text(await api.services.definitions.latest(), id_) != before


async def test_direct_writes_are_read_once_the_revision_is_raised(
    api: Api,
) -> None:
    kept, gone = [await create_segment(api, {"all": [_attribute(Random(0))]}) for _ in range(2)]
    await api.services.definitions.latest()
    api.database.segments.delete_one({"_id": ObjectId(gone.partition("_")[2])})
    api.database.segments.update_one(
        {"_id": ObjectId(kept.partition("_")[2])}, {"$set": {"name": "past the program"}}
    )
    api.database.counters.update_one({"_id": "definitions"}, {"$inc": {"revision": 1}})

    found = await api.services.definitions.latest()

    assert gone not in found.segments
    assert found.segments[kept].name == "past the program"
    assert await snapshot(found) == await snapshot(await read_definitions(api))


async def test_a_process_behind_the_oldest_tombstone_reads_everything(api: Api) -> None:
    behind = Services(api.services.store, api.settings)
    gone = await create_segment(api, {"all": [_attribute(Random(0))]})
    rule = {"name": "gone", "filter": {"all": [_attribute(Random(0))]}}
    gone_rule = (await api.services.validation_rules.create(rule, api.services.now().at)).id
    known = await behind.definitions.latest()
    assert gone in known.segments
    assert gone_rule in known.validation_rules
    await api.services.segments.delete(gone)
    await api.services.validation_rules.delete(gone_rule)
    raised = {
        "revision": DELETED_SEGMENT_RETENTION_REVISIONS,
        "stampedRevisions": DELETED_SEGMENT_RETENTION_REVISIONS,
    }
    api.database.counters.update_one({"_id": "definitions"}, {"$inc": raised})
    other = await create_segment(api, {"all": [_attribute(Random(0))]})
    await api.services.segments.delete(other)
    assert api.database.deletedSegments.count_documents({}) == 1
    other_rule = (await api.services.validation_rules.create(rule, api.services.now().at)).id
    await api.services.validation_rules.delete(other_rule)
    assert api.database.validationRules.count_documents({"deleted": True}) == 1

    known = await behind.definitions.latest()
    assert gone not in known.segments
    assert gone_rule not in known.validation_rules


async def create_segment(api: Api, filter_: Json) -> str:
    wire = {"name": uuid4().hex, "definition": {"filter": filter_}}
    return (await api.services.segments.create(wire, api.services.now())).id
