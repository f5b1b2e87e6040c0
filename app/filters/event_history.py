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
from app.filters.evaluate import Document, compute_measure, filter_rows, operator_holds
from app.filters.fields import Field, is_number
from app.filters.measure_stages import empty_value
from app.filters.sources import STATIC_MEMBERS_COLLECTION
from app.filters.sources import row_kind as kind_of
from app.filters.time_series import SeriesRow, ThresholdIntervals, TimeSeries
from app.filters.tree import AttributeCondition, FixedWindow, Measure, SlidingWindow

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

RowKind = tuple[str, object]
"""A collection, and which of its rows."""


class _SeriesDefinition(NamedTuple):
    """The rows that one series takes in, and the value that it reads of them."""

    kind: RowKind
    conditions: tuple[AttributeCondition, ...]
    window: FixedWindow | None
    value_field: Field | None
    numbers_only: bool
    is_time_dependent: bool

    def to_row(self, document: Document, now: Now) -> SeriesRow | None:
        """What the series keeps of a stored row; None where the row is none of its own."""
        at = document["at"]
        if self.window is not None and not self.window.start <= at <= self.window.end:
            return None
        for condition in self.conditions:
            if not operator_holds(
                condition.operator, condition.field.read(document), condition.operand, now
            ):
                return None
        if self.value_field is None:
            return SeriesRow(to_epoch_milliseconds(at), None)
        value = self.value_field.read(document)
        is_unused = not is_number(value) if self.numbers_only else is_missing(value)
        return None if is_unused else SeriesRow(to_epoch_milliseconds(at), value)

    def select(self, columns: "Columns", now: Now) -> tuple[Sequence[int], Sequence[object]]:
        """The instants and values that the series keeps of many rows."""
        instants_ms, rows_in_range = columns.instants_ms, range(len(columns.instants_ms))
        if self.window is not None:
            first_row = bisect_left(instants_ms, to_epoch_milliseconds(self.window.start))
            rows_in_range = range(
                first_row, bisect_right(instants_ms, to_epoch_milliseconds(self.window.end))
            )
        selected_rows: Sequence[int] = rows_in_range
        for condition in self.conditions:
            column, operator, operand = (
                columns.by_field[condition.field],
                condition.operator,
                condition.operand,
            )
            selected_rows = [
                row for row in selected_rows if operator_holds(operator, column[row], operand, now)
            ]
        if self.value_field is None:
            return [instants_ms[row] for row in selected_rows], [None] * len(selected_rows)
        values = columns.by_field[self.value_field]
        if self.numbers_only:
            selected_rows = [row for row in selected_rows if is_number(values[row])]
        else:
            selected_rows = [row for row in selected_rows if not is_missing(values[row])]
        return [instants_ms[row] for row in selected_rows], [values[row] for row in selected_rows]


class Columns(NamedTuple):
    """Many rows of one kind in the order of time: their instants in milliseconds since 1970, and
    what lies at the fields that are asked for."""

    instants_ms: Sequence[int]
    by_field: Mapping[Field, Sequence[object]]


class _SeriesQuery(NamedTuple):
    """Where a measure is found: in which series, and over which window, in milliseconds."""

    series_index: int
    aggregate: Aggregate | None
    length_ms: int | None


class HistoryLayout:
    """The series that a number of measures need, all judged by one calendar."""

    def __init__(self, measures: Iterable[Measure], calendar: Calendar) -> None:
        self.calendar = calendar
        # Steady conditions depend on the calendar, and not on the instant.
        self.now = Now(_EPOCH, calendar)
        self.series_queries: dict[Measure, _SeriesQuery] = {}
        self.series_definitions: list[_SeriesDefinition] = []
        self.series_by_kind: defaultdict[RowKind, list[int]] = defaultdict(list)
        self.series_aggregates: list[set[Aggregate | None]] = []
        # The kinds whose rows are needed as they are: something asked of them follows the clock.
        self.scanned_kinds: set[RowKind] = set()
        series_by_definition: dict[_SeriesDefinition, int] = {}
        for measure in measures:
            if measure.source.collection == STATIC_MEMBERS_COLLECTION:
                continue
            kind = measure.source.collection, measure.source.kind
            if measure.without_time_dependence.where != measure.where:
                self.scanned_kinds.add(kind)
                continue
            sliding_length = (
                measure.window.length if isinstance(measure.window, SlidingWindow) else None
            )
            definition = _SeriesDefinition(
                kind,
                measure.where,
                measure.window if isinstance(measure.window, FixedWindow) else None,
                measure.property if measure.aggregate is not None else None,
                measure.aggregate not in (None, DISTINCT_COUNT),
                sliding_length is not None,
            )
            if definition not in series_by_definition:
                series_by_definition[definition] = len(self.series_definitions)
                self.series_by_kind[kind].append(len(self.series_definitions))
                self.series_definitions.append(definition)
                self.series_aggregates.append(set())
            series_index = series_by_definition[definition]
            aggregate = measure.aggregate if measure.property is not None else None
            self.series_aggregates[series_index].add(aggregate)
            self.series_queries[measure] = _SeriesQuery(
                series_index,
                aggregate,
                None if sliding_length is None else sliding_length // MILLISECOND,
            )


class EventHistory:
    """One customer's rows of events and orders, as its data stand in one committed state."""

    def __init__(self, layout: HistoryLayout) -> None:
        self._layout = layout
        self._series: list[TimeSeries | None] = [None] * len(layout.series_definitions)
        self._scanned_rows: defaultdict[RowKind, dict[object, Document]] = defaultdict(dict)
        self._row_counts: Counter[RowKind] = Counter()

    def __len__(self) -> int:
        """How many entries are kept."""
        scanned_count = sum(len(rows) for rows in self._scanned_rows.values())
        return scanned_count + sum(len(series) for series in self._series if series)

    @property
    def row_kinds(self) -> Iterator[RowKind]:
        """The kinds of which there are rows."""
        return (kind for kind, number in self._row_counts.items() if number)

    def add(self, collection: str, documents: Sequence[Document]) -> None:
        """Takes in stored rows."""
        rows: defaultdict[int, list[SeriesRow]] = defaultdict(list)
        for document in documents:
            kind = collection, kind_of(collection, document)
            self._row_counts[kind] += 1
            if kind in self._layout.scanned_kinds:
                self._scanned_rows[kind][document.get("_id", id(document))] = document
            for index in self._layout.series_by_kind.get(kind, ()):
                row = self._layout.series_definitions[index].to_row(document, self._layout.now)
                if row is not None:
                    rows[index].append(row)
        for index, series_rows in rows.items():
            (self._series[index] or self._create_series(index)).add(series_rows)

    def extend(self, kind: RowKind, columns: "Columns", now: datetime) -> None:
        """Takes in many rows of one kind at once, no earlier than those of the kind that are there.
        `now` is no later than the first instant that is asked about."""
        self._row_counts[kind] += len(columns.instants_ms)
        for index in self._layout.series_by_kind.get(kind, ()):
            instants_ms, values = self._layout.series_definitions[index].select(
                columns, self._layout.now
            )
            if instants_ms:
                series = self._series[index] or self._create_series(index)
                series.extend(instants_ms, values, to_epoch_milliseconds(now))

    def _create_series(self, index: int) -> TimeSeries:
        series = TimeSeries(
            is_time_dependent=self._layout.series_definitions[index].is_time_dependent
        )
        for aggregate in self._layout.series_aggregates[index]:
            series.add_aggregate(aggregate)
        self._series[index] = series
        return series

    def remove(self, collection: str, document: Document) -> None:
        """Takes out a stored row that was taken in."""
        kind = collection, kind_of(collection, document)
        self._row_counts[kind] -= 1
        self._scanned_rows[kind].pop(document.get("_id", id(document)), None)
        for index in self._layout.series_by_kind.get(kind, ()):
            row = self._layout.series_definitions[index].to_row(document, self._layout.now)
            series = self._series[index]
            if row is not None and series is not None:
                series.remove(row)

    # --- answers

    def value(self, measure: Measure, now: Now) -> int | float | None:
        """What a measure comes to now; None where it is missing."""
        query = self._layout.series_queries.get(measure)
        if query is None:
            return compute_measure(
                measure, filter_rows(measure, self.scanned_rows(measure) or (), now)
            )
        series = self._series[query.series_index]
        if series is None:
            return empty_value(measure)
        return series.value(query.aggregate, query.length_ms, to_epoch_milliseconds(now.at))

    def scanned_rows(self, measure: Measure) -> list[Document] | None:
        """The rows of the measure's source where something asked of them follows the clock, so that
        they have to be judged one by one; None elsewhere."""
        if measure in self._layout.series_queries:
            return None
        kind = measure.source.collection, measure.source.kind
        return [*self._scanned_rows[kind].values()]

    def value_changes(
        self, measure: Measure, now: Now, until: datetime
    ) -> Iterator[tuple[datetime, int | float | None]]:
        """Each later instant, up to `until`, at which the measure may change, with what it comes to
        then; of a measure for which `rows` gives None."""
        query = self._layout.series_queries[measure]
        series = self._series[query.series_index]
        if series is None or query.length_ms is None:
            return
        changes = series.value_changes(
            query.aggregate,
            query.length_ms,
            to_epoch_milliseconds(now.at),
            to_epoch_milliseconds(until),
        )
        for at, value in changes:
            yield _from_epoch_milliseconds(at), value

    def next_change(
        self, measure: Measure, now: Now, until: datetime, intervals: ThresholdIntervals
    ) -> datetime | None:
        """The next instant, up to `until`, at which to ask again, as in `Series.next_change`; of a
        measure for which `rows` gives None."""
        query = self._layout.series_queries[measure]
        series = self._series[query.series_index]
        if series is None or query.length_ms is None:
            return None
        at = series.next_change(
            query.aggregate,
            query.length_ms,
            to_epoch_milliseconds(now.at),
            to_epoch_milliseconds(until),
            intervals,
        )
        return None if at is None else _from_epoch_milliseconds(at)

    def may_change(self, measure: Measure, now: Now) -> bool:
        """Whether the passing of time may change the measure, however far ahead; of a measure for
        which `rows` gives None."""
        query = self._layout.series_queries[measure]
        series = self._series[query.series_index]
        if series is None or query.length_ms is None:
            return False
        return series.may_change(query.length_ms, to_epoch_milliseconds(now.at))


def to_epoch_milliseconds(instant: datetime) -> int:
    """Whole milliseconds since 1970; what is finer is cut."""
    return (instant - _EPOCH) // MILLISECOND


def _from_epoch_milliseconds(epoch_milliseconds: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=epoch_milliseconds)
