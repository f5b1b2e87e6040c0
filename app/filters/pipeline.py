"""A filter as an aggregation: the population's engine, and the ways that it may go."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, assert_never

from app.filters import measuring
from app.filters.calendar import Now
from app.filters.conjuncts import conjuncts, holds_of_nothing
from app.filters.measuring import SCRATCH
from app.filters.operators import Query
from app.filters.predicates import all_of, negatable, query
from app.filters.ranges import Range, only_ranges
from app.filters.sources import Source
from app.filters.summaries import Summarized, likely, summarized
from app.filters.tree import (
    AllOf,
    AnyOf,
    AttributeCondition,
    EventCondition,
    Filter,
    Listed,
    Measure,
    Member,
    Nested,
    NoneOf,
)
from app.filters.walk import inlined_levels, inlined_weight, inside, measures, weight

Stage = dict[str, Any]

CUSTOMERS = "customers"
_LISTED = "_listed"
# MongoDB takes a hundred levels and plans slowly for thousands of conditions: of more than this,
# segments are asked one by one.
_MOST_INLINED, _MOST_LEVELS = 2_000_000, 45
# What is asked of those in doubt holds the filter twice.
_MOST_SAID_TWICE = 6_000_000


class Way(Enum):
    """From customer to customer, each of whose rows are looked up: as an index finds them, one
    after the other by their ids, or as they lie there; or from the rows of all of them, to which
    the customers are joined: those whom the rows leave, or all in the same pass."""

    CUSTOMERS = "customers"
    BY_ID = "by id"
    IN_PLACE = "in place"
    JOIN = "join"
    UNION = "union"


@dataclass(frozen=True)
class Pipeline:
    """Stages that find just the customers of whom a filter holds.

    `gather`, from the collection on, leaves documents with the ids of customers, in any order; they
    are the ones, or with `join` those among whom they are. `refine` is asked of these customers
    themselves, of all where nothing is gathered; it keeps some of them, and their order. `passes`
    tells how often `gather` goes through all customers. `also` finds those who are missing, all of
    them others: very few, and mostly none.
    """

    way: "Way"
    collection: str = CUSTOMERS
    gather: list[Stage] = field(default_factory=list)
    refine: list[Stage] = field(default_factory=list)
    join: bool = False
    passes: int = 0
    also: "Pipeline | None" = None

    @property
    def query(self) -> Query | None:
        """The predicate of the customers, where it alone says who they are."""
        match self.gather, self.refine:
            case [], [{"$match": query}]:
                return dict(query)
        return None


def ways(filter_: Filter | None, now: Now, search: Query | None = None) -> Iterator[Pipeline]:
    """Every way to those of whom the filter holds, and whom the search finds."""
    if filter_ is None or weight(filter_) > _MOST_SAID_TWICE:
        yield from _ways(filter_, now, search)
        return
    asked = summarized(filter_, now)
    also = _in_doubt(filter_, asked, now, search) if asked.in_doubt else None
    for way in _ways(asked.sure, now, search):
        yield replace(way, also=also)


def _ways(filter_: Filter | None, now: Now, search: Query | None) -> Iterator[Pipeline]:
    parts = Parts.of(filter_, now)
    yield _from_customers(parts, now, search, Way.CUSTOMERS)
    yield _from_customers(parts, now, search, Way.BY_ID)
    if parts.ranges(now):
        yield _from_customers(parts, now, search, Way.IN_PLACE)
    if parts.too_large is not None or not parts.measured:
        return
    yield _from_rows(parts, now, search, Way.UNION)
    if not all(holds_of_nothing(part, now) for part in parts.measured):
        yield _from_rows(parts, now, search, Way.JOIN)


def _from_customers(parts: "Parts", now: Now, search: Query | None, way: Way) -> Pipeline:
    """From customer to customer: first what can be asked of the customer alone, where indexes may
    serve it; then the rows are looked up, measure by measure, of those who are left."""
    asked = _Asked(now, by_index=way is Way.CUSTOMERS)
    stages = _match([*([search] if search else []), *map(asked.query, parts.first)])
    if parts.too_large is not None:
        stages += asked.segment_by_segment(parts.too_large)
    for part in sorted(parts.measured, key=lambda part: len(measures(part))):
        stages += [*asked.looked_up(part), {"$match": asked.query(part)}]
    if parts.measured:
        stages.append({"$unset": SCRATCH})
    return Pipeline(way, refine=stages)


def _from_rows(parts: "Parts", now: Now, search: Query | None, way: Way) -> Pipeline:
    """From the rows of all customers, grouped in one pass.

    What is asked of the customer alone is asked of all customers in the same pass, or joined: of
    those whom the rows leave, where nobody else is to be found.
    """
    asked = _Asked(now)
    first = parts.first if way is Way.UNION else parts.alone
    alone = _match([*([search] if search else []), *map(asked.query, first)])
    matched = [asked.query(part, apart=True) for part in parts.measured]
    passes = [_Origin(CUSTOMERS, [{"$match": q}, _flag(name)]) for name, q in asked.apart.items()]
    kept = measuring.kept(asked.names)
    kept |= {name: {"$ifNull": [f"${name}", False]} for name in asked.apart}
    if way is Way.UNION:
        passes.append(_Origin(CUSTOMERS, [*alone, _flag(_LISTED)]))
        kept[_LISTED] = f"${_LISTED}"
        matched.append({f"{SCRATCH}.{_LISTED}": True})
    origins = [
        _Origin(measure.source.collection, measuring.grouped(measure, name, now))
        for measure, name in asked.names.items()
    ]
    gather = [
        *_united([*origins, *passes], kept),
        {"$project": {SCRATCH: kept}},
        {"$match": all_of(matched)},
    ]
    join = way is Way.JOIN
    refine = alone if join else []
    return Pipeline(way, origins[0].collection, gather, refine, join, passes=len(passes))


def _in_doubt(filter_: Filter, asked: Summarized, now: Now, search: Query | None) -> Pipeline:
    """From the rows after `now`, mostly none, to their customers whom the summaries miss."""
    rows = [_Origin(source.collection, _later(source, now)) for source in asked.in_doubt]
    gather = _united(rows, (), distinct=False)
    missed = AllOf((filter_, NoneOf((asked.sure,))))
    found = _from_customers(Parts.of(missed, now), now, search, Way.BY_ID)
    return replace(found, collection=rows[0].collection, gather=gather, join=True)


def _later(source: Source, now: Now) -> list[Stage]:
    after = {**source.match, "at": {"$gt": now.at}}
    return [{"$match": after}, {"$project": {"_id": "$customerId"}}]


@dataclass(frozen=True)
class Parts:
    """What must hold, each part by itself: asked of the customer alone, or of rows as well; and
    what then is likely to hold of the customer. What is `too_large` to be taken apart, with the
    segments inside it, is asked as a whole."""

    alone: list[Filter] = field(default_factory=list)
    measured: list[Filter] = field(default_factory=list)
    likely: list[Filter] = field(default_factory=list)
    too_large: Filter | None = None

    @property
    def first(self) -> list[Filter]:
        return [*self.alone, *self.likely]

    def ranges(self, now: Now) -> list[Range]:
        """The ranges of which all must hold, where nothing else must."""
        return [] if self.measured else only_ranges(self.alone, now)

    @classmethod
    def of(cls, filter_: Filter | None, now: Now) -> "Parts":
        if filter_ is None:
            return cls()
        if not _can_be_inlined(filter_):
            return cls(measured=[filter_], too_large=filter_)
        parts = cls()
        for part in conjuncts(filter_):
            (parts.measured if measures(part) else parts.alone).append(part)
            if isinstance(part, EventCondition):
                parts.likely.extend(likely(part, now))
        return parts


def _can_be_inlined(filter_: Filter) -> bool:
    """Whether the segments inside can be written out wherever they stand."""
    if inlined_levels(filter_) > _MOST_LEVELS:
        return False
    inlined = inlined_weight(filter_)
    return inlined <= _MOST_INLINED or inlined == weight(filter_)


@dataclass(frozen=True)
class _Origin:
    """Where documents with customers' ids come from."""

    collection: str
    stages: list[Stage]


def _united(origins: list[_Origin], names: Iterable[str], *, distinct: bool = True) -> list[Stage]:
    """One document for each customer whom one of the origins knows; once already, if `distinct`."""
    first, *others = origins
    if not others and distinct:
        return first.stages
    unions = [{"$unionWith": {"coll": o.collection, "pipeline": o.stages}} for o in others]
    return [*first.stages, *unions, measuring.together(names)]


def _flag(name: str) -> Stage:
    return {"$project": {name: {"$literal": True}}}


def _match(queries: list[Query]) -> list[Stage]:
    return [{"$match": all_of(queries)}] if queries else []


def _by_itself(condition: AttributeCondition) -> AttributeCondition:
    """The same, said so that it is quick to tell of one customer after the other."""
    return replace(condition, operand=replace(condition.operand, indexed=False))


@dataclass
class _Asked:
    """Predicates, and the names under which they expect what is asked of elsewhere: measures of
    rows, what is asked apart of the customers alone, and segments."""

    now: Now
    by_index: bool = True
    names: dict[Measure, str] = field(default_factory=dict)
    apart: dict[str, Query] = field(default_factory=dict)
    segments: dict[Nested, str] = field(default_factory=dict)

    def query(self, filter_: Filter, *, apart: bool = False) -> Query:
        """The predicate. With `apart` nothing is asked of the customer in it: what it asks of the
        customer alone becomes a predicate of its own."""
        if apart and not measures(filter_):
            name = f"a{len(self.apart)}"
            self.apart[name] = self.query(filter_)
            return {f"{SCRATCH}.{name}": True}
        match filter_:
            case AllOf(branches):
                return {"$and": [self.query(branch, apart=apart) for branch in branches]}
            case AnyOf(branches):
                return {"$or": [self.query(branch, apart=apart) for branch in branches]}
            case NoneOf(branches):
                return {"$nor": [self.query(branch, apart=apart) for branch in branches]}
            case AttributeCondition():
                return query(filter_ if self.by_index else _by_itself(filter_), self.now)
            case EventCondition(measure, operator, operand):
                address = self._address(measure)
                return negatable(operator, lambda op: op.query(address, operand, self.now))
            case Listed(rows):
                return {self._address(rows): {"$gte": 1}}
            case Member(segment, member) if segment in self.segments:
                return {f"{SCRATCH}.{self.segments[segment]}": member}
            case Member(segment, member):
                inner = self.query(segment.tree, apart=apart)
                return inner if member else {"$nor": [inner]}
            case _:
                assert_never(filter_)

    def _address(self, measure: Measure) -> str:
        name = self.names.setdefault(measure, f"m{len(self.names)}")
        return f"{SCRATCH}.{name}"

    def looked_up(self, filter_: Filter) -> list[Stage]:
        """The stages that look up what the filter measures and is not there yet."""
        missing = [m for m in measures(filter_) if m not in self.names]
        for measure in missing:
            self._address(measure)
        return measuring.looked_up({m: self.names[m] for m in missing}, self.now)

    def segment_by_segment(self, filter_: Filter) -> list[Stage]:
        """The stages that ask each of the segments inside once, the innermost first.

        A predicate yields no value that a later one could ask for; a look-up of the customer itself
        is there, or not.
        """
        stages = self.looked_up(filter_)
        for segment in inside(filter_):
            asked = self.query(segment.tree)
            self.segments[segment] = name = f"s{len(self.segments)}"
            lookup = {
                "from": CUSTOMERS,
                "localField": "_id",
                "foreignField": "_id",
                "let": {"known": f"${SCRATCH}"},
                "pipeline": [
                    {"$set": {SCRATCH: "$$known"}},
                    {"$match": asked},
                    {"$project": {"_id": 1}},
                ],
                "as": f"{SCRATCH}.{name}",
            }
            there = {"$ne": [f"${SCRATCH}.{name}", []]}
            stages += [{"$lookup": lookup}, {"$set": {f"{SCRATCH}.{name}": there}}]
        return stages
