"""Exports of lists: CSV and JSON Lines, sent while they are read, so that no more than a part is ever in memory."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, Literal

import msgspec
from flask import Response, request

from api.compression import compressed_parts
from worker.logs.cells import csv_rows
from worker.store.connection import Connection, guarded
from worker.store.pool import Pool
from worker.store.query import Rows

Form = Literal["json", "csv", "csv-raw", "jsonl"]

CSV, LINES = "text/csv", "application/x-ndjson"
_FORMS: dict[str, Form] = {CSV: "csv", LINES: "jsonl"}
BATCH = 1000
"""Rows that are read and sent at once."""


def asked_for(given: Form | None) -> Form:
    """The form of the answer: `format`, else what the header Accept prefers, else JSON."""
    if given:
        return given
    best = request.accept_mimetypes.best_match(["application/json", CSV, LINES], "application/json")
    return _FORMS.get(best or "", "json")


Shown = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]
"""Makes what is exported of stored rows."""


def export(pool: Pool, name: str, fields: Sequence[str], select: Callable[[Connection], Rows], shown: Shown, form: Form) -> Response:
    """The response with all rows of a list. What fails before the first of them is read raises, and so has its own answer."""
    parts = _parts(pool, fields, select, shown, form)
    first = next(parts)
    response = Response(content_type=f"{LINES if form == 'jsonl' else CSV}; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.{form.removesuffix("-raw")}"'
    response.headers["Vary"] = "Accept"
    response.call_on_close(parts.close)
    return compressed_parts(response, _whole(first, parts))


def _whole(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _parts(
    pool: Pool, fields: Sequence[str], select: Callable[[Connection], Rows], shown: Shown, form: Form
) -> Generator[bytes, None, None]:
    """The head with the first batch, then batch by batch. The connection is held until the end; one snapshot shows all of them."""
    head = b"" if form == "jsonl" else csv_rows([fields], raw=True).encode()
    with pool.reading() as connection, guarded():
        for batch in select(connection).batches(connection, BATCH):
            yield head + _written(shown(batch), form)
            head = b""
    yield head


def _written(batch: list[dict[str, Any]], form: Form) -> bytes:
    if form == "jsonl":
        return msgspec.json.Encoder().encode_lines(batch)
    plain = msgspec.to_builtins(batch, builtin_types=(), str_keys=True)
    return csv_rows((row.values() for row in plain), raw=form == "csv-raw").encode()
