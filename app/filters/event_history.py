"""One customer's events and orders, kept so that what is measured of them is answered quickly.

The answers are those of `evaluate` on the same rows. A layout says which series the measures share,
and is made once for all customers; a history is one customer's rows in it.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from app.filters.aggregates import DISTINCT_COUNT, Aggregate, is_missing
from app.filters.calendar import MILLISECOND, Calendar, Now
from app.filters.evaluate import Document, asked, measured, passing
from app.filters.fields import Field, is_number
from app.filters.measuring import of_none
from app.filters.series import Row, Series, Stretches
from app.filters.sources import LISTS
from app.filters.sources import kind as kind_of
from app.filters.tree import AttributeCondition, Last, Measure, Range

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Kind = tuple[str, object]
"""A collection, and which of its rows."""


class _Feed(NamedTuple):
    """The rows that one series takes in, and the value that it reads of them."""

    kind: Kind
    where: tuple[AttributeCondition, ...]
    range: Range | None
    property: Field | None
    numbers_only: bool
    follows_clock: bool

    def row(self, document: Document, now: Now) -> Row | None:
        """What the series keeps of a stored row; None where the row is none of its own."""
        at = document["at"]
        if self.range is not None and not self.range.start <= at <= self.range.end:
            return None
        for where in self.where:
            if not asked(where.operator, where.field.read(document), where.operand, now):
                return None
        if self.property is None:
            return Row(milliseconds(at), None)
        value = self.property.read(document)
        unused = not is_number(value) if self.numbers_only else is_missing(value)
        return None if unused else Row(milliseconds(at), value)

    def select(self, columns: "Columns", now: Now) -> tuple[Sequence[int], Sequence[object]]:
        """The instants and values that the series keeps of many rows."""
        instants, chosen = columns.instants, range(len(columns.instants))
        if self.range is not None:
            first = bisect_left(instants, milliseconds(self.range.start))
            chosen = range(first, bisect_right(instants, milliseconds(self.range.end)))
        kept: Sequence[int] = chosen
        for where in self.where:
            column, operator, operand = columns.of[where.field], where.operator, where.operand
            kept = [row for row in kept if asked(operator, column[row], operand, now)]
        if self.property is None:
            return [instants[row] for row in kept], [None] * len(kept)
        values = columns.of[self.property]
        if self.numbers_only:
            kept = [row for row in kept if is_number(values[row])]
        else:
            kept = [row for row in kept if not is_missing(values[row])]
        return [instants[row] for row in kept], [values[row] for row in kept]


class Columns(NamedTuple):
    """Many rows of one kind in the order of time: their instants in milliseconds since 1970, and
    what lies at the fields that are asked for."""

    instants: Sequence[int]
    of: Mapping[Field, Sequence[object]]


class _Answer(NamedTuple):
    """Where a measure is found: in which series, and over which window, in milliseconds."""

    series: int
    aggregate: Aggregate | None
    length: int | None


class HistoryLayout:
    """The series that a number of measures need, all judged by one calendar."""

    def __init__(self, measures: Iterable[Measure], calendar: Calendar) -> None:
        self.calendar = calendar
        # Steady conditions depend on the calendar, and not on the instant.
        self.now = Now(_EPOCH, calendar)
        self.answers: dict[Measure, _Answer] = {}
        self.feeds: list[_Feed] = []
        self.by_kind: defaultdict[Kind, list[int]] = defaultdict(list)
        self.aggregates: list[set[Aggregate | None]] = []
        # The kinds whose rows are needed as they are: something asked of them follows the clock.
        self.walked: set[Kind] = set()
        known: dict[_Feed, int] = {}
        for measure in measures:
            if measure.source.collection == LISTS:
                continue
            kind = measure.source.collection, measure.source.kind
            if measure.steady.where != measure.where:
                self.walked.add(kind)
                continue
            last = measure.window.length if isinstance(measure.window, Last) else None
            feed = _Feed(
                kind,
                measure.where,
                measure.window if isinstance(measure.window, Range) else None,
                measure.property if measure.aggregate is not None else None,
                measure.aggregate not in (None, DISTINCT_COUNT),
                last is not None,
            )
            if feed not in known:
                known[feed] = len(self.feeds)
                self.by_kind[kind].append(len(self.feeds))
                self.feeds.append(feed)
                self.aggregates.append(set())
            series = known[feed]
            aggregate = measure.aggregate if measure.property is not None else None
            self.aggregates[series].add(aggregate)
            self.answers[measure] = _Answer(
                series, aggregate, None if last is None else last // MILLISECOND
            )


class EventHistory:
    """One customer's rows of events and orders, as its data stand in one committed state."""

    def __init__(self, layout: HistoryLayout) -> None:
        self._layout = layout
        self._series: list[Series | None] = [None] * len(layout.feeds)
        self._walked: defaultdict[Kind, dict[object, Document]] = defaultdict(dict)
        self._kinds: Counter[Kind] = Counter()

    def __len__(self) -> int:
        """How many entries are kept."""
        walked = sum(len(rows) for rows in self._walked.values())
        return walked + sum(len(series) for series in self._series if series)

    @property
    def kinds(self) -> Iterator[Kind]:
        """The kinds of which there are rows."""
        return (kind for kind, number in self._kinds.items() if number)

    def add(self, collection: str, documents: Sequence[Document]) -> None:
        """Takes in stored rows."""
        rows: defaultdict[int, list[Row]] = defaultdict(list)
        for document in documents:
            kind = collection, kind_of(collection, document)
            self._kinds[kind] += 1
            if kind in self._layout.walked:
                self._walked[kind][document.get("_id", id(document))] = document
            for index in self._layout.by_kind.get(kind, ()):
                row = self._layout.feeds[index].row(document, self._layout.now)
                if row is not None:
                    rows[index].append(row)
        for index, new in rows.items():
            (self._series[index] or self._begin(index)).add(new)

    def extend(self, kind: Kind, columns: "Columns", now: datetime) -> None:
        """Takes in many rows of one kind at once, no earlier than those of the kind that are there.
        `now` is no later than the first instant that is asked about."""
        self._kinds[kind] += len(columns.instants)
        for index in self._layout.by_kind.get(kind, ()):
            instants, values = self._layout.feeds[index].select(columns, self._layout.now)
            if instants:
                series = self._series[index] or self._begin(index)
                series.extend(instants, values, milliseconds(now))

    def _begin(self, index: int) -> Series:
        series = Series(follows_clock=self._layout.feeds[index].follows_clock)
        for aggregate in self._layout.aggregates[index]:
            series.serve(aggregate)
        self._series[index] = series
        return series

    def remove(self, collection: str, document: Document) -> None:
        """Takes out a stored row that was taken in."""
        kind = collection, kind_of(collection, document)
        self._kinds[kind] -= 1
        self._walked[kind].pop(document.get("_id", id(document)), None)
        for index in self._layout.by_kind.get(kind, ()):
            row = self._layout.feeds[index].row(document, self._layout.now)
            series = self._series[index]
            if row is not None and series is not None:
                series.remove(row)

    # --- answers

    def value(self, measure: Measure, now: Now) -> int | float | None:
        """What a measure comes to now; None where it is missing."""
        answer = self._layout.answers.get(measure)
        if answer is None:
            return measured(measure, passing(measure, self.rows(measure) or (), now))
        series = self._series[answer.series]
        if series is None:
            return of_none(measure)
        return series.value(answer.aggregate, answer.length, milliseconds(now.at))

    def rows(self, measure: Measure) -> list[Document] | None:
        """The rows of the measure's source where something asked of them follows the clock, so that
        they have to be judged one by one; None elsewhere."""
        if measure in self._layout.answers:
            return None
        kind = measure.source.collection, measure.source.kind
        return [*self._walked[kind].values()]

    def values(
        self, measure: Measure, now: Now, until: datetime
    ) -> Iterator[tuple[datetime, int | float | None]]:
        """Each later instant, up to `until`, at which the measure may change, with what it comes to
        then; of a measure for which `rows` gives None."""
        answer = self._layout.answers[measure]
        series = self._series[answer.series]
        if series is None or answer.length is None:
            return
        steps = series.values(
            answer.aggregate, answer.length, milliseconds(now.at), milliseconds(until)
        )
        for at, value in steps:
            yield _instant(at), value

    def next_change(
        self, measure: Measure, now: Now, until: datetime, stretches: Stretches
    ) -> datetime | None:
        """The next instant, up to `until`, at which to ask again, as in `Series.next_change`; of a
        measure for which `rows` gives None."""
        answer = self._layout.answers[measure]
        series = self._series[answer.series]
        if series is None or answer.length is None:
            return None
        at = series.next_change(
            answer.aggregate, answer.length, milliseconds(now.at), milliseconds(until), stretches
        )
        return None if at is None else _instant(at)

    def may_change(self, measure: Measure, now: Now) -> bool:
        """Whether the passing of time may change the measure, however far ahead; of a measure for
        which `rows` gives None."""
        answer = self._layout.answers[measure]
        series = self._series[answer.series]
        if series is None or answer.length is None:
            return False
        return series.any_ahead_or_within(answer.length, milliseconds(now.at))


def milliseconds(instant: datetime) -> int:
    """Whole milliseconds since 1970; what is finer is cut."""
    return (instant - _EPOCH) // MILLISECOND


def _instant(milliseconds_: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=milliseconds_)
