"""Pages and filters of lists. The SQL is composed of literals; values from outside are parameters."""

from __future__ import annotations

import dataclasses
from typing import Any, LiteralString

from psycopg.rows import dict_row

from worker.store.connection import Connection


@dataclasses.dataclass
class Query:
    """A select of `columns` from `source`; the conditions in `where` are joined by and."""

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
        """Returns the rows of a page and the total number of rows."""
        where = self._where()
        counted = connection.execute("select count(*) from " + self.source + where, self.values).fetchone()
        cursor = connection.cursor(row_factory=dict_row)
        rows = cursor.execute(
            "select " + self.columns + " from " + self.source + where + " order by " + self.order + " limit %s offset %s",
            [*self.values, size, (number - 1) * size],
        ).fetchall()
        return rows, counted[0] if counted else 0

    def _where(self) -> LiteralString:
        return " where " + " and ".join(self.where) if self.where else ""


def one(connection: Connection, statement: LiteralString | bytes, values: list[Any] | dict[str, Any]) -> dict[str, Any] | None:
    """The first row as a dict."""
    return connection.cursor(row_factory=dict_row).execute(statement, values).fetchone()


def rows(connection: Connection, statement: LiteralString | bytes, values: list[Any] | dict[str, Any]) -> list[dict[str, Any]]:
    """All rows as dicts."""
    return connection.cursor(row_factory=dict_row).execute(statement, values).fetchall()
