"""Lists of the API, all in one way: orders, fields, pages and cursors, and all that fits as CSV or JSON Lines."""

from __future__ import annotations

import dataclasses
import functools
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, ClassVar

import msgspec
from flask import Response

from api import cursor
from api.context import Context
from api.endpoint import Endpoint, Paging
from api.errors import ApiError
from api.export import CSV, LINES, Form, asked_for, export
from api.model import ApiModel, Continued
from api.paging import from_cursor, numbered
from worker.store.connection import Connection
from worker.store.keys import Role
from worker.store.query import Order, Rows


def sorts(sortings: Mapping[str, Order]) -> list[str]:
    """The values of `sort` for these sortings: each in both directions, unless its name has one already."""
    return [sort for name in sortings for sort in ((name,) if name.startswith("-") else (name, f"-{name}"))]


def sortable(sortings: Mapping[str, Order]) -> msgspec.Meta:
    """The values of `sort` for the OpenAPI document; `ListQuery` refuses others, in a sentence."""
    return msgspec.Meta(extra_json_schema={"enum": sorts(sortings)})


class ListQuery(Paging, frozen=True, kw_only=True):
    """Query of a list. With a `cursor`, empty to begin, the list is read on from a place, and is not counted."""

    sortings: ClassVar[Mapping[str, Order]] = {}
    """The orders that the list can be in."""

    sort: str = ""
    """Order of the list; `-` in front turns it round."""
    fields: str | None = None
    """Names with commas between them; without, all."""
    cursor: str | None = None
    format: Form | None = None
    """Everything that fits as CSV or JSON Lines, as with Accept; `csv-raw` leaves cells that begin like a formula as they are."""

    def __post_init__(self) -> None:
        """Bounds, as a `ValueError`."""
        super().__post_init__()
        if self.cursor is not None and self.page != 1:
            raise ValueError("`cursor` and `page` exclude each other")
        if self.sort not in sorts(self.sortings):
            turned = ", with - before it for the other direction" if len(self.sortings) < len(sorts(self.sortings)) else ""
            raise ValueError(f"`sort`: this list cannot be sorted by '{self.sort[:40]}', only by {', '.join(self.sortings)}{turned}")


@dataclasses.dataclass(frozen=True)
class Listing:
    """A list of the API: the name of its rows in the answer, and what each of them is."""

    name: str
    item: type[ApiModel]
    model: str
    """Name of the answer's type."""
    meaning: str
    """Sentence that says what the answer is."""
    shown: Callable[[dict[str, Any]], dict[str, Any]] = dict
    """Makes what the API shows of a stored row."""

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields of a row, in their order."""
        return self.item.__struct_encode_fields__

    @functools.cached_property
    def answer(self) -> type[msgspec.Struct]:
        """The type of the answer, whose rows have all fields or those that were asked for."""
        rows: Any = Annotated[types.GenericAlias(list, (partial(self.item),)), msgspec.Meta(description="Those of this page.")]
        namespace = {"__doc__": self.meaning}
        return msgspec.defstruct(
            self.model, [(self.name, rows)], bases=(Continued,), namespace=namespace, module=__name__, frozen=True, kw_only=True
        )

    def endpoint(
        self, path: str, summary: str, handle: Callable[..., Any], query: type[ListQuery], role: Role, *, narrowed: bool = False
    ) -> Endpoint:
        """The endpoint of the list; `handle` answers by `listed`."""
        streams = (CSV, LINES)
        return Endpoint("GET", path, summary, handle, query=query, answer=self.answer, role=role, streams=streams, narrowed=narrowed)

    def chosen(self, text: str | None) -> tuple[str, ...]:
        """The fields that `fields` names, in their usual order. Raises `ApiError`."""
        names = set(self.fields) if text is None else {name.strip() for name in text.split(",")}
        if unknown := names.difference(self.fields):
            raise ApiError(f"`fields`: there is no '{min(unknown)[:60]}' in this list", [f"its fields: {', '.join(self.fields)}"])
        return tuple(name for name in self.fields if name in names)


@functools.cache
def partial(kind: type[ApiModel]) -> type[msgspec.Struct]:
    """A type whose fields are those of another one, each of which may be left out."""
    return msgspec.defstruct(
        f"Listed{kind.__name__}",
        [(field.encode_name, field.type | msgspec.UnsetType, msgspec.UNSET) for field in msgspec.structs.fields(kind)],
        bases=(kind,),
        namespace={"__doc__": f"One of a list: {(kind.__doc__ or '').strip()} It has all fields, or those that `fields` names."},
        module=__name__,
        frozen=True,
        kw_only=True,
    )


Select = Callable[[Connection, Sequence[str]], Rows]
"""Chooses the rows of a list, of which these fields are wanted; it may raise `ApiError`."""


def listed(context: Context, listing: Listing, query: ListQuery, select: Select) -> dict[str, Any] | Response:
    """The answer to a list: by page number, from a cursor on, or all of it as CSV or JSON Lines. Raises `ApiError`."""
    fields = listing.chosen(query.fields)

    def shown(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        whole = (listing.shown(row) for row in found)
        return [{name: row[name] for name in fields} for row in whole]

    form = asked_for(query.format)
    if form != "json":
        if query.cursor is not None or query.page != 1:
            raise ApiError(f"an export as {form} has all that fits: leave out `page` and `cursor`")
        return export(context.pool, listing.name, fields, lambda connection: select(connection, fields), shown, form)
    with context.pool.reading() as connection:
        rows = select(connection, fields)
        if query.cursor is None:
            found, total = rows.page(connection, query.page, query.per_page)
            answer = numbered(listing.name, found, total, query, rows)
        else:
            after = cursor.place(query.cursor, query.sort, rows.order) if query.cursor else None
            answer = from_cursor(listing.name, rows.behind(connection, query.per_page + 1, after), query, rows)
    return answer | {listing.name: shown(answer[listing.name])}
