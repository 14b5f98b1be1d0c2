"""How the objects of one type are listed: in pages that are bounded in bytes, each object still as its JSON until its turn comes."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from providers import pages
from providers.errors import BadAnswer
from providers.http.client import MAX_ANSWER
from providers.kubernetes.api_type import ApiType
from providers.kubernetes.client import Client
from providers.kubernetes.refusal import failed_success

PAGE_BYTES = 4 * 1024 * 1024
"""A page that is larger is asked for again at half the size. Several types are read at once, each with a page in memory."""

METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""Objects without anything but their metadata. There is no second choice: a server that cannot do so must not send the values instead."""

TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"
"""The columns that `kubectl get` shows, and the metadata of each object."""

Item = dict[str, Any]


class Listed:
    """One object of a page: its JSON, and what tells it from others when a list is begun anew."""

    __slots__ = ("cells", "identity", "raw")

    def __init__(self, raw: msgspec.Raw | bytes, cells: Item | None = None) -> None:
        self.raw, self.cells = raw, cells or {}
        self.identity = _identity(raw)
        """uid, namespace, name: as far as the object has them."""

    def __repr__(self) -> str:
        return self.key

    @property
    def key(self) -> str:
        """Identifies the object within the list."""
        uid, namespace, name = self.identity
        return f"{uid} {namespace}/{name}" if uid or name else hashlib.sha256(self.raw).hexdigest()

    @property
    def labels(self) -> dict[str, str]:
        """The labels; none of an object that is none."""
        try:
            return _LABELS.decode(self.raw).metadata.labels or {}
        except (msgspec.DecodeError, UnicodeDecodeError):
            return {}

    def item(self) -> Item:
        """The object. Raises `msgspec.DecodeError` when it is not a JSON object."""
        return _ITEM.decode(self.raw)


class _Metadata(msgspec.Struct):
    uid: str = ""
    namespace: str = ""
    name: str = ""


class _Labels(msgspec.Struct):
    labels: dict[str, str] | None = None


class _Labelled(msgspec.Struct):
    metadata: _Labels


class _Head(msgspec.Struct):
    metadata: _Metadata


class _Continue(msgspec.Struct):
    token: str = msgspec.field(default="", name="continue")
    remaining: int | None = msgspec.field(default=None, name="remainingItemCount")


class _List(msgspec.Struct):
    items: list[msgspec.Raw] | None
    metadata: _Continue = msgspec.field(default_factory=_Continue)


class _LooseList(msgspec.Struct):
    items: list[Any] | None
    metadata: _Continue = msgspec.field(default_factory=_Continue)


class _Column(msgspec.Struct):
    name: str


class _Row(msgspec.Struct):
    object: msgspec.Raw
    cells: list[Any] = []


class _Table(msgspec.Struct):
    columns: list[_Column] = msgspec.field(name="columnDefinitions")
    rows: list[_Row] | None = None
    metadata: _Continue = msgspec.field(default_factory=_Continue)


_ITEM = msgspec.json.Decoder(dict[str, Any])
_LABELS = msgspec.json.Decoder(_Labelled)
_HEAD, _LIST, _TABLE = msgspec.json.Decoder(_Head), msgspec.json.Decoder(_List), msgspec.json.Decoder(_Table)


def _identity(raw: msgspec.Raw | bytes) -> tuple[str, str, str]:
    try:
        head = _HEAD.decode(raw).metadata
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "", "", ""
    return head.uid, head.namespace, head.name


class Lists:
    """The lists of one API server. `size` is how many objects are asked for at once."""

    def __init__(self, client: Client, size: int) -> None:
        self._client, self._size = client, size

    def objects(self, kind: ApiType, namespace: str = "") -> Iterator[Listed]:
        """Every object of a type, of one namespace or of the whole cluster. Raises `ProviderError`."""
        return self._read(kind, namespace, "application/json", _objects)

    def metadata(self, kind: ApiType, namespace: str = "") -> Iterator[Listed]:
        """The same objects, of which the server sends the metadata alone."""
        return self._read(kind, namespace, METADATA, _objects)

    def rows(self, kind: ApiType, namespace: str = "") -> Iterator[Listed]:
        """The same objects as rows of a table: their metadata, and what `kubectl get` shows of each."""
        return self._read(kind, namespace, TABLE, _rows)

    def _read(self, kind: ApiType, namespace: str, accept: str, decode: Callable[[bytes], pages.Page]) -> Iterator[Listed]:
        what = kind.permission + (f" in namespace {namespace}" if namespace else "")
        ask = functools.partial(self._page, kind, namespace, accept, decode, what)
        read = functools.partial(pages.by_token, ask, what=what, size=self._size)
        return pages.items(pages.restarted(read, key=lambda listed: listed.key))

    def _page(
        self, kind: ApiType, namespace: str, accept: str, decode: Callable[[bytes], pages.Page], what: str, token: Any, size: int
    ) -> pages.Page:
        query = {"limit": size, **({"includeObject": "Metadata"} if accept == TABLE else {}), **({"continue": token} if token else {})}
        limit = PAGE_BYTES if size > 1 else MAX_ANSWER
        path = kind.path(namespace)
        answer = self._client.get(path, query, what=what, permission=kind.permission, accept=accept, max_bytes=limit)
        try:
            return decode(answer.body)
        except msgspec.DecodeError as error:
            raise failed_success(answer, what) or BadAnswer(f"the answer to '{what}' is not a list of objects", detail=str(error)) from None


def _objects(body: bytes) -> pages.Page:
    try:
        found = _LIST.decode(body)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _salvaged(body)
    return pages.Page([Listed(raw) for raw in found.items or ()], _following(found.metadata))


def _salvaged(body: bytes) -> pages.Page:
    """The page of an answer in which a single text is not Unicode: every object by itself, so that only that one is rejected."""
    try:
        found = msgspec.convert(json.loads(body.decode("utf-8", "surrogateescape")), _LooseList)
    except (ValueError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from None
    return pages.Page([Listed(json.dumps(item).encode()) for item in found.items or ()], _following(found.metadata))


def _rows(body: bytes) -> pages.Page:
    found = _TABLE.decode(body)
    names = [column.name for column in found.columns]
    if any(len(row.cells) != len(names) for row in found.rows or ()):  # Helm's releases are known by a cell
        raise msgspec.ValidationError("a row of the table has not a cell for each column")
    rows = [Listed(row.object, dict(zip(names, row.cells, strict=True))) for row in found.rows or ()]
    return pages.Page(rows, _following(found.metadata))


def _following(metadata: _Continue) -> str:
    """The token of the next page. Raises `BadAnswer` where there is none although objects remain."""
    if metadata.remaining and not metadata.token:
        raise BadAnswer(f"the API server says that {metadata.remaining} more objects follow, and gives no token to ask for them")
    return metadata.token
