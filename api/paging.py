"""Pages of lists: the query's page and size, and the answer's totals; or, from a cursor on, no totals."""

from __future__ import annotations

from typing import Any, Protocol

from api import cursor
from api.endpoint import Paging
from worker.store.query import Rows


class Sorted(Protocol):
    """The query of a list that is in an order."""

    @property
    def sort(self) -> str:
        """The name of the order."""
        ...

    @property
    def page(self) -> int:
        """The number of the page."""
        ...

    @property
    def per_page(self) -> int:
        """The largest number of rows of a page."""
        ...


def page_of(name: str, found: list[dict[str, Any]], total: int | None, query: Paging | Sorted) -> dict[str, Any]:
    """The answer to a list; `total` is None when there are too many to count."""
    pages = None if total is None else -(-total // query.per_page)
    return {name: found, "total": total, "page": query.page, "per_page": query.per_page, "pages": pages}


def numbered(name: str, found: list[dict[str, Any]], total: int, query: Sorted, rows: Rows) -> dict[str, Any]:
    """The answer to a list by page number, with the cursor to go on from it. There are no totals when there are more than are counted."""
    if rows.most is None or total <= rows.most:
        answer, more = page_of(name, found, total, query), query.page * query.per_page < total
    else:
        answer, more = page_of(name, found, None, query), len(found) == query.per_page
    return answer | {"next_cursor": cursor.after(query.sort, rows.order, found[-1]) if more and found else None}


def from_cursor(name: str, found: list[dict[str, Any]], query: Sorted, rows: Rows) -> dict[str, Any]:
    """The answer to a list that is read on from a cursor and not counted. `found` has one more row than a page when there are more."""
    more = len(found) > query.per_page
    del found[query.per_page :]
    answer: dict[str, Any] = {name: found, "total": None, "page": None, "per_page": query.per_page, "pages": None}
    return answer | {"next_cursor": cursor.after(query.sort, rows.order, found[-1]) if more else None}
