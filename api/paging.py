"""Pages of lists: the query's page and size, and the answer's totals."""

from __future__ import annotations

from typing import Any

from api.endpoint import Paging


def page_of(name: str, found: list[dict[str, Any]], total: int, query: Paging) -> dict[str, Any]:
    """The answer to a list."""
    return {name: found, "total": total, "page": query.page, "per_page": query.per_page, "pages": -(-total // query.per_page)}
