"""A page that says how many objects follow is not the last one without a token."""

from __future__ import annotations

import json

import msgspec
import pytest

from providers.errors import BadAnswer
from providers.kubernetes.listing import _objects, _rows


@pytest.mark.parametrize("metadata", [{"remainingItemCount": 7}, {"remainingItemCount": 7, "continue": ""}])
def test_objects_that_remain_and_cannot_be_asked_for_are_an_error(metadata):
    for decode, body in ((_objects, {"items": []}), (_rows, {"columnDefinitions": [], "rows": []})):
        with pytest.raises(BadAnswer, match="7 more objects follow"):
            decode(json.dumps({**body, "metadata": metadata}).encode())


@pytest.mark.parametrize(
    ("metadata", "token"), [({}, ""), ({"remainingItemCount": 0}, ""), ({"remainingItemCount": 7, "continue": "x"}, "x")]
)
def test_other_pages_are_taken_as_they_are(metadata, token):
    assert _objects(json.dumps({"items": [], "metadata": metadata}).encode()).next == token


@pytest.mark.parametrize("cells", [[], ["a"], ["a", "helm.sh/release.v1", 1]])
def test_a_row_that_has_not_a_cell_for_each_column_is_no_row(cells):
    """Else a release of Helm, which is known by the cell of its secret's type, would be gone."""
    table = {"columnDefinitions": [{"name": "Name"}, {"name": "Type"}], "rows": [{"object": {}, "cells": cells}]}
    with pytest.raises(msgspec.DecodeError, match="a cell for each column"):
        _rows(json.dumps(table).encode())
