"""One customer's events and orders as time series, for customers with long histories.

A history computes the same values as `evaluate` does from the rows. A `HistoryLayout` assigns
measures to series and serves all customers; an `EventHistory` holds the rows of one customer.
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
from app.filters.sources import STATIC_MEMBERS_COLLECTION, RowKind, rows_with_kind
from app.filters.time_series import SeriesRow, ThresholdIntervals, TimeSeries
from app.filters.tree import AttributeCondition, FixedWindow, Measure, SlidingWindow

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _SeriesDefinition(NamedTuple):
    """The rows that one series includes, and the value that it keeps of each."""

    kind: RowKind
    conditions: tuple[AttributeCondition, ...]
    window: FixedWindow | None
    value_field: Field | None
    numbers_only: bool
    is_time_dependent: bool

    def to_row(self, document: Document, now: Now) -> SeriesRow | None:
        """The entry for a stored row; None if the series does not include the row."""
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
        """The instants and values of the rows in `columns` that the series includes."""
        instants_ms, rows_in_range = columns.instants_ms, range(len(columns.instants_ms))
        if self.window is not None:
            first_row = bisect_left(instants_ms, to_epoch_milliseconds(self.window.start))
            rows_in_range = range(
                first_row, bisect_right(instants_ms, to_epoch_milliseconds(self.window.end))
            )
        selected_rows: Sequence[int] = rows_in_range
        for condition in self.conditions:
            column = columns.by_field[condition.field]
            operator, operand = condition.operator, condition.operand
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
    """Rows of one kind in columns, ordered by instant.

    Instants are in milliseconds since 1970; `by_field` has the value of each row at a field.
    """

    instants_ms: Sequence[int]
    by_field: Mapping[Field, Sequence[object]]


class _SeriesQuery(NamedTuple):
    """How to answer a measure: its series, aggregate and window length in milliseconds."""

    series_index: int
    aggregate: Aggregate | None
    length_ms: int | None


class HistoryLayout:
    """The time series that a set of measures needs, all evaluated by one calendar.

    Measures that differ only in the aggregate or the length of a sliding window share a series.
    """

    def __init__(self, measures: Iterable[Measure], calendar: Calendar) -> None:
        self.calendar = calendar
        # The conditions of a series do not depend on the instant, only on the calendar.
        self.now = Now(_EPOCH, calendar)
        self.series_queries: dict[Measure, _SeriesQuery] = {}
        self.series_definitions: list[_SeriesDefinition] = []
        self.series_by_kind: defaultdict[RowKind, list[int]] = defaultdict(list)
        self.series_aggregates: list[set[Aggregate | None]] = []
        # Kinds with a time-dependent row condition: their rows are kept and scanned.
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
    """One customer's events and orders in one committed state of the customer's data."""

    def __init__(self, layout: HistoryLayout) -> None:
        self._layout = layout
        self._series: list[TimeSeries | None] = [None] * len(layout.series_definitions)
        self._scanned_rows: defaultdict[RowKind, dict[object, Document]] = defaultdict(dict)
        self._row_counts: Counter[RowKind] = Counter()

    def __len__(self) -> int:
        """The number of entries in memory."""
        scanned_count = sum(len(rows) for rows in self._scanned_rows.values())
        return scanned_count + sum(len(series) for series in self._series if series)

    @property
    def row_kinds(self) -> Iterator[RowKind]:
        """The kinds that have at least one row."""
        return (kind for kind, count in self._row_counts.items() if count)

    def add(self, collection: str, documents: Sequence[Document]) -> None:
        """Adds the rows of stored documents of a collection."""
        rows: defaultdict[int, list[SeriesRow]] = defaultdict(list)
        for document in documents:
            for position, (kind, stored_row) in enumerate(rows_with_kind(collection, document)):
                self._row_counts[kind] += 1
                if kind in self._layout.scanned_kinds:
                    self._scanned_rows[kind][_row_key(document, position)] = stored_row
                for index in self._layout.series_by_kind.get(kind, ()):
                    definition = self._layout.series_definitions[index]
                    if (row := definition.to_row(stored_row, self._layout.now)) is not None:
                        rows[index].append(row)
        for index, series_rows in rows.items():
            (self._series[index] or self._create_series(index)).add(series_rows)

    def extend(self, kind: RowKind, columns: Columns, now: datetime) -> None:
        """Adds many rows of one kind, none earlier than those already in the history.

        `now` must not be later than the first instant that is evaluated afterwards.
        """
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
        """Removes the rows of a stored document that was added."""
        for position, (kind, stored_row) in enumerate(rows_with_kind(collection, document)):
            self._row_counts[kind] -= 1
            self._scanned_rows[kind].pop(_row_key(document, position), None)
            for index in self._layout.series_by_kind.get(kind, ()):
                row = self._layout.series_definitions[index].to_row(stored_row, self._layout.now)
                series = self._series[index]
                if row is not None and series is not None:
                    series.remove(row)

    def value(self, measure: Measure, now: Now) -> int | float | None:
        """The value of a measure at `now`; None if it is missing."""
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
        """The rows of the measure's source if a row condition depends on time.

        Such rows must be evaluated one by one. Returns None for all other measures.
        """
        if measure in self._layout.series_queries:
            return None
        kind = measure.source.collection, measure.source.kind
        return [*self._scanned_rows[kind].values()]

    def value_changes(
        self, measure: Measure, now: Now, until: datetime
    ) -> Iterator[tuple[datetime, int | float | None]]:
        """The instants after `now`, up to `until`, at which the measure may change, each with the
        value from then on. For measures for which `scanned_rows` returns None."""
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
        for at_ms, value in changes:
            yield _from_epoch_milliseconds(at_ms), value

    def next_change(
        self, measure: Measure, now: Now, until: datetime, intervals: ThresholdIntervals
    ) -> datetime | None:
        """The next instant, up to `until`, at which to evaluate again: see
        `TimeSeries.next_change`. For measures for which `scanned_rows` returns None."""
        query = self._layout.series_queries[measure]
        series = self._series[query.series_index]
        if series is None or query.length_ms is None:
            return None
        at_ms = series.next_change(
            query.aggregate,
            query.length_ms,
            to_epoch_milliseconds(now.at),
            to_epoch_milliseconds(until),
            intervals,
        )
        return None if at_ms is None else _from_epoch_milliseconds(at_ms)

    def may_change(self, measure: Measure, now: Now) -> bool:
        """Whether time alone may change the measure, at any later instant. For measures of which
        `scanned_rows` returns None."""
        query = self._layout.series_queries[measure]
        series = self._series[query.series_index]
        if series is None or query.length_ms is None:
            return False
        return series.may_change(query.length_ms, to_epoch_milliseconds(now.at))


def _row_key(document: Document, position: int) -> object:
    """The key of one of the rows of a stored document."""
    return document.get("_id", id(document)), position


def to_epoch_milliseconds(instant: datetime) -> int:
    """Whole milliseconds since 1970, rounded down."""
    return (instant - _EPOCH) // MILLISECOND


def _from_epoch_milliseconds(epoch_milliseconds: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=epoch_milliseconds)
