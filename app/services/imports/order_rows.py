"""Reads orders from CSV. Rows of one order that follow each other are its line items."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from app.domain.orders import MAX_ORDER_ITEMS
from app.errors import Problem, UserErrorCode
from app.services.imports.amounts import require_whole
from app.services.imports.cell_parsers import CellParser
from app.services.imports.columns import Columns, cell_problem
from app.services.imports.csv_records import Record
from app.services.imports.fields import ITEM_PRICE_PATH, ITEMS
from app.services.imports.header import Header, PathColumns
from app.services.imports.order_keys import OrderKeys

_ITEM_FIELDS = ("sku", "name", "category", "quantity", "amount")
_NO_ITEM_COLUMNS = (
    "Several rows of one order follow each other and differ, but no column is mapped to a line"
    ' item. If they are line items, map their columns, like --map "metadata.sku=items.sku" --map'
    ' "amount=items.amount". If they are versions of the order, add a column revisedAt.'
)


class OrderGroups:
    """Groups the records of one order that follow each other, and reads its line items."""

    def __init__(
        self, header: Header, paths: Sequence[tuple[PathColumns, CellParser]], order: Columns
    ) -> None:
        item_paths = [pair for pair in paths if pair[0].path[0] == ITEMS]
        order_paths = [columns for columns, _ in paths if columns.path[0] != ITEMS]
        self._order = order
        self._item = Columns(header, item_paths, depth=1) if item_paths else None
        self._item_indexes = sorted({i for columns, _ in item_paths for i in columns.indexes})
        self._order_indexes = sorted(
            {i for columns in order_paths for i in columns.indexes}
            | {index for index, _ in header.status_indexes}
        )
        self._header = header
        self._has_amount = any(columns.path == ("amount",) for columns in order_paths)
        self._too_long_key: tuple[str, ...] | None = None
        self._keys = OrderKeys(header)

    def group(self, records: Iterator[Record]) -> Iterator[list[Record]]:
        """Yields the records of one order together. A record without a sourceId is alone. One that
        can't be read stays with its order where that has line items: without it the order would
        lack an item."""
        group: list[Record] = []
        group_key: tuple[str, ...] | None = None
        for record in records:
            is_alone = record.problem is not None and self._item is None
            key = None if is_alone else self._keys.find(record.cells)
            if group and (key is None or key != group_key or len(group) > MAX_ORDER_ITEMS):
                if len(group) > MAX_ORDER_ITEMS:
                    self._too_long_key = group_key
                yield group
                group = []
            group.append(record)
            group_key = key
        if group:
            yield group

    def _is_rest(self, record: Record) -> bool:
        return (
            self._too_long_key is not None and self._keys.find(record.cells) == self._too_long_key
        )

    def to_object(self, group: Sequence[Record]) -> tuple[dict[str, Any], list[Problem]]:
        """Returns the order with its items, and the problems of its cells."""
        cells, problems = self._merge(group)
        if self._item is None:
            if len(group) > 1 and any(record.cells != group[0].cells for record in group):
                problems = [Problem(UserErrorCode.INVALID, _NO_ITEM_COLUMNS)]
            return self._complete(cells, [], problems)
        # The rest of an order that is too long is a group of its own.
        if len(group) > MAX_ORDER_ITEMS or self._is_rest(group[0]):
            message = f"An order has at most {MAX_ORDER_ITEMS} line items."
            problems.append(Problem(UserErrorCode.INVALID, message, (ITEMS,)))
            return self._complete(cells, [], problems)
        return self._complete(cells, list(self._items(group, problems)), problems)

    def _merge(self, group: Sequence[Record]) -> tuple[Sequence[str], list[Problem]]:
        """Returns the cells of the order: those of its first row, and where they are empty those of
        a later one. A later row may leave them out, but not contradict them."""
        first = group[0]
        if len(group) == 1:
            return first.cells, []
        cells = list(first.cells)
        problems = []
        for record in group[1:]:
            for index in self._order_indexes:
                cell = record.cells[index]
                if not cell or cell == cells[index]:
                    continue
                if cells[index]:
                    problems.append(self._contradiction(record, first, index))
                    return cells, problems
                cells[index] = cell
        return cells, problems

    def _contradiction(self, record: Record, first: Record, index: int) -> Problem:
        name = self._header.names[index]
        path = next(iter(self._header.paths_of(index)), name).split(".")
        item_path = path[-1] if path[-1] in _ITEM_FIELDS else f"metadata.{path[-1]}"
        message = (
            f"The column {name!r} differs between lines {first.line_number} and"
            f" {record.line_number} of the same order. If it belongs to the line items, map it,"
            f' like --map "{name}={ITEMS}.{item_path}".'
        )
        return Problem(UserErrorCode.INVALID, message, tuple(path))

    def _items(self, group: Sequence[Record], problems: list[Problem]) -> Iterator[dict[str, Any]]:
        assert self._item is not None
        for number, record in enumerate(group):
            if not any(record.cells[index].strip() for index in self._item_indexes):
                continue
            item, item_problems = self._item.to_object(record.cells)
            try:
                _set_amount(item)
            except ValueError as error:
                item_problems.append(cell_problem(error, ITEM_PRICE_PATH[1:]))
            problems += [problem.with_path_prefix(ITEMS, str(number)) for problem in item_problems]
            yield item

    def _complete(
        self, cells: Sequence[str], items: list[dict[str, Any]], problems: list[Problem]
    ) -> tuple[dict[str, Any], list[Problem]]:
        order, order_problems = self._order.to_object(cells)
        problems = problems + order_problems
        if items:
            order[ITEMS] = items
            if not self._has_amount and all("amount" in item for item in items):
                order["amount"] = sum(item["amount"] for item in items)
        return order, problems


def _set_amount(item: dict[str, Any]) -> None:
    """Replaces the price of one piece by the amount of the line. Raises ValueError if that is no
    whole number of minor units."""
    price: Decimal | None = item.pop(ITEM_PRICE_PATH[-1], None)
    if price is not None and "amount" not in item:
        item["amount"] = require_whole(price * item.get("quantity", 1))
