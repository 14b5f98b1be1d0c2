"""The header Link of a list: where its neighbours and its ends are (RFC 8288)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode


def header(answer: Any, query: Iterable[tuple[str, str]]) -> str:
    """The value of the header for an answer to a query; empty for what is not a list. Addresses are relative to the list's own."""
    if not isinstance(answer, dict) or "per_page" not in answer:
        return ""
    kept = [(name, value) for name, value in query if name not in ("page", "cursor")]
    if answer["pages"] is None:
        cursor = answer["next_cursor"]
        return _links(kept, {"first": ("cursor", ""), **({"next": ("cursor", cursor)} if cursor else {})})
    page, pages = answer["page"], max(answer["pages"], 1)
    places = {"first": 1, "prev": page - 1 if 1 < page <= pages else 0, "next": page + 1 if page < pages else 0, "last": pages}
    return _links(kept, {name: ("page", number) for name, number in places.items() if number})


def _links(kept: list[tuple[str, str]], places: dict[str, tuple[str, Any]]) -> str:
    return ", ".join(f'<?{urlencode([*kept, place])}>; rel="{name}"' for name, place in places.items())
