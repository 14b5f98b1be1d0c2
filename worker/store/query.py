"""Pages, orders and filters of lists. The SQL is composed of literals; values from outside are parameters."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any, LiteralString, NamedTuple, Protocol

from psycopg.rows import dict_row

from worker.store.connection import Connection

FIRST = 50
"""Rows of the first part of a list that is read whole, which is to be there at once."""


class Place(NamedTuple):
    """A place in a list: just behind the row with this value of the order's column, and this id."""

    value: Any
    id: int


class Order(NamedTuple):
    """An order of a list: its expression, that of a value to compare with, and the column of that value. Equal rows follow their id."""

    key: LiteralString
    value: LiteralString
    column: str
    kind: Any = str
    """Type of the column's values."""
    least_id: int = 0
    """Lowest id that a row can have."""


class Rows(Protocol):
    """A list in one order, which is read by page number, from a place on, or whole."""

    @property
    def order(self) -> Order:
        """The order that the list is in, or that is turned round."""
        ...

    @property
    def most(self) -> int | None:
        """The number up to which rows are counted; None: all are."""
        ...

    def page(self, connection: Connection, number: int, size: int) -> tuple[list[dict[str, Any]], int]:
        """Returns a page by its number, and how many rows there are; any number above `most` when there are more than that."""
        ...

    def behind(self, connection: Connection, size: int, after: Place | None) -> list[dict[str, Any]]:
        """Returns up to `size` rows behind a place; from the beginning on for None."""
        ...

    def batches(self, connection: Connection, size: int) -> Iterator[list[dict[str, Any]]]:
        """Returns all rows, `size` at a time: in a transaction of the caller."""
        ...


def by_number(column: LiteralString, name: str) -> Order:
    """The order by a column of numbers."""
    return Order(column, "%s::bigint", name, int)


def by_text(column: LiteralString, name: str) -> Order:
    """The order by a column of text, by code points."""
    return Order(column + ' collate "C"', '%s collate "C"', name)


def by_time(column: LiteralString, name: str) -> Order:
    """The order by a column of times; rows without one are those of the longest ago."""
    return Order("coalesce(" + column + ", '-infinity')", "coalesce(%s::timestamptz, '-infinity')", name, dt.datetime | None)


def sorted_by(order: Order, descending: bool, number: LiteralString = "id") -> LiteralString:
    """The clause that sorts rows; `number` is the expression of their id."""
    direction: LiteralString = " desc" if descending else ""
    by_id: LiteralString = "" if order.key == number else order.key + direction + ", "
    return " order by " + by_id + number + direction


def lies_behind(order: Order, descending: bool, number: LiteralString = "id") -> LiteralString:
    """The condition on rows behind a place; its parameters are those of the place."""
    return "(" + order.key + ", " + number + (") < (" if descending else ") > (") + order.value + ", %s::bigint)"


@dataclasses.dataclass
class Query:
    """A select of `columns` from `source`; the conditions in `where` are joined by and.

    `sort` is a key of `sortings`, with ``-`` before it for the other direction.
    """

    columns: LiteralString
    source: LiteralString
    sortings: Mapping[str, Order]
    sort: str = "-id"
    where: list[LiteralString] = dataclasses.field(default_factory=list)
    values: list[Any] = dataclasses.field(default_factory=list)
    number: LiteralString = "id"
    """The expression of a row's id."""
    most: int | None = None

    @property
    def order(self) -> Order:
        """The order of the rows, in one direction or the other."""
        return self.sortings[self.sort.removeprefix("-")]

    def only(self, condition: LiteralString, value: Any) -> None:
        """Adds a condition with one parameter, unless the value is None."""
        if value is not None:
            self.where.append(condition)
            self.values.append(value)

    def page(self, connection: Connection, number: int, size: int) -> tuple[list[dict[str, Any]], int]:
        """Returns the rows of a page and the number of rows, counted up to `most` and one, or to the end of the page."""
        offset = (number - 1) * size
        statement, values = self._select(None)
        found = rows(connection, statement + " limit %s offset %s", [*values, size, offset])
        if self.most is None:
            counted = connection.execute("select count(*) from " + self.source + self._where(self.where), self.values).fetchone()
        else:
            bounded: LiteralString = "select count(*) from (select from " + self.source + self._where(self.where) + " limit %s) as counted"
            counted = connection.execute(bounded, [*self.values, max(self.most + 1, offset + size)]).fetchone()
        return found, counted[0] if counted else 0

    def behind(self, connection: Connection, size: int, after: Place | None) -> list[dict[str, Any]]:
        """Returns up to `size` rows behind a place; from the beginning on for None."""
        statement, values = self._select(after)
        return rows(connection, statement + " limit %s", [*values, size])

    def batches(self, connection: Connection, size: int) -> Iterator[list[dict[str, Any]]]:
        """Returns all rows, FIRST and then `size` at a time: in a transaction of the caller."""
        yield from streamed(connection, *self._select(None), size)

    def _select(self, after: Place | None) -> tuple[LiteralString, list[Any]]:
        where, values = list(self.where), list(self.values)
        descending = self.sort.startswith("-")
        if after:
            where.append(lies_behind(self.order, descending, self.number))
            values += [after.value, after.id]
        sorting = sorted_by(self.order, descending, self.number)
        return "select " + self.columns + " from " + self.source + self._where(where) + sorting, values

    def _where(self, conditions: list[LiteralString]) -> LiteralString:
        return " where " + " and ".join(conditions) if conditions else ""


def streamed(connection: Connection, statement: LiteralString, values: list[Any], size: int) -> Iterator[list[dict[str, Any]]]:
    """All rows of a statement, FIRST and then `size` at a time, read by a cursor of the server: in a transaction of the caller."""
    with connection.cursor("export", row_factory=dict_row) as cursor:
        cursor.execute(statement, values)
        yield from iter(lambda: cursor.fetchmany(FIRST if not cursor.rownumber else size), [])


def one(connection: Connection, statement: LiteralString | bytes, values: list[Any] | dict[str, Any]) -> dict[str, Any] | None:
    """The first row as a dict."""
    return connection.cursor(row_factory=dict_row).execute(statement, values).fetchone()


def rows(connection: Connection, statement: LiteralString | bytes, values: list[Any] | dict[str, Any]) -> list[dict[str, Any]]:
    """All rows as dicts."""
    return connection.cursor(row_factory=dict_row).execute(statement, values).fetchall()
