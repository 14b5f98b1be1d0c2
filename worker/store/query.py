"""Pages and filters of lists: SQL put together from parts that are all ours; what comes from outside is a parameter."""

from __future__ import annotations

import dataclasses
from typing import Any, LiteralString

from psycopg.rows import dict_row

from worker.store.connection import Connection

FEW = 50_000
"""Rows whose ids are fetched rather than counted."""


@dataclasses.dataclass
class Query:
    """A select over `source` with `columns`; `where` are conditions joined by and."""

    columns: LiteralString
    source: LiteralString
    order: LiteralString
    where: list[LiteralString] = dataclasses.field(default_factory=list)
    values: list[Any] = dataclasses.field(default_factory=list)

    def only(self, condition: LiteralString, value: Any) -> None:
        """Adds a condition with one parameter, unless the value is None."""
        if value is not None:
            self.where.append(condition)
            self.values.append(value)

    def page(self, connection: Connection, number: int, size: int) -> tuple[list[dict[str, Any]], int]:
        """(rows of that page, how many there are in all)."""
        where = self._where()
        counted = connection.execute("select count(*) from " + self.source + where, self.values).fetchone()
        cursor = connection.cursor(row_factory=dict_row)
        rows = cursor.execute(
            "select " + self.columns + " from " + self.source + where + " order by " + self.order + " limit %s offset %s",
            [*self.values, size, (number - 1) * size],
        ).fetchall()
        return rows, counted[0] if counted else 0

    def page_of_few(self, connection: Connection, number: int, size: int) -> tuple[list[dict[str, Any]], int]:
        """The same where few rows fit and no index knows which: the source, which has an `id`, is read once, and not again for the page."""
        statement: LiteralString = "select id from " + self.source + self._where() + " limit %s"
        ids = [found for (found,) in connection.execute(statement, [*self.values, FEW + 1])]
        if len(ids) > FEW:  # so many that a page is soon full, and counting is best left to the database
            return self.page(connection, number, size)
        of_page: LiteralString = "select " + self.columns + " from " + self.source + " where id = any(%s) order by " + self.order
        return rows(connection, of_page, [sorted(ids)[(number - 1) * size : number * size]]), len(ids)

    def _where(self) -> LiteralString:
        return " where " + " and ".join(self.where) if self.where else ""


def one(connection: Connection, statement: LiteralString, values: list[Any]) -> dict[str, Any] | None:
    """The first row as a dict."""
    return connection.cursor(row_factory=dict_row).execute(statement, values).fetchone()


def rows(connection: Connection, statement: LiteralString, values: list[Any]) -> list[dict[str, Any]]:
    """All rows as dicts."""
    return connection.cursor(row_factory=dict_row).execute(statement, values).fetchall()
