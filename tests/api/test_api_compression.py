"""Answers in gzip: the same bytes once they are unpacked, for who takes it only, and with the same ETag."""

from __future__ import annotations

import gzip
import zlib

import pytest
from store_runs import add_job, resources, run_once

PATH = "/api/v1/entities?per_page=100"


@pytest.fixture
def http(elder, database, sql):
    run_once(database, add_job(sql), resources(100))
    return elder.http


def test_a_list_is_compressed_for_who_takes_it(http):
    plain, packed = http.get(PATH), http.get(PATH, headers={"Accept-Encoding": "gzip, br"})

    assert (plain.content_encoding, packed.content_encoding) == (None, "gzip")
    assert gzip.decompress(packed.data) == plain.data
    assert 5 * len(packed.data) < len(plain.data)
    assert int(packed.headers["Content-Length"]) == len(packed.data)
    assert plain.vary.as_set() == packed.vary.as_set() == {"accept-encoding"}
    assert packed.headers["ETag"] == plain.headers["ETag"]
    again = http.get(PATH, headers={"Accept-Encoding": "gzip", "If-None-Match": packed.headers["ETag"]})
    assert (again.status_code, again.data, again.content_encoding) == (304, b"", None)


@pytest.mark.parametrize(
    ("path", "takes"),
    [
        (PATH, "identity"),
        (PATH, "gzip;q=0"),
        ("/api/v1/entities?per_page=1&q=nobody", "gzip"),
        ("/api/v1/entities/999", "gzip"),
        ("/", "gzip"),
    ],
)
def test_what_is_small_an_error_a_page_or_not_taken_is_as_it_was(http, path, takes):
    assert http.get(path, headers={"Accept-Encoding": takes}).content_encoding is None


def test_the_document_is_compressed(http):
    packed = http.get("/api/v1/openapi.json", headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(packed.data) == http.get("/api/v1/openapi.json").data


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_an_export_is_compressed_part_by_part(http, monkeypatch, form):
    monkeypatch.setattr("api.export.BATCH", 40)
    path = f"/api/v1/entities?format={form}"
    packed = http.get(path, headers={"Accept-Encoding": "gzip"}, buffered=False)
    parts, unpacker = list(packed.response), zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    texts = [text for part in parts if (text := unpacker.decompress(part))]

    assert packed.content_encoding == "gzip"
    assert packed.vary.as_set() == {"accept", "accept-encoding"}
    assert len(texts) > 2 and all(text.endswith(b"\n") for text in texts), "each batch can be read when it arrives"
    assert unpacker.eof and b"".join(texts) == http.get(path).data
