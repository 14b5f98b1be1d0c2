"""Odd queries of every list, in the API and as a page: refused with a sentence, and neither an error of ours nor ignored.

The lists come from the endpoints, and the pages from the routes: a new one is tried by itself.
"""

from __future__ import annotations

import re

import msgspec
import pytest
from listed_api import LISTS, address, populated
from peers.elder import FIRST, bearer

from api.listing import sorts
from api.pages.routes import PAGES

LONG = "x" * 4000
FILTERED = {
    "/": ("q", True), "/runs": ("provider", True), "/scopes": ("owner", True), "/entities": ("q", True), "/changes": ("provider", False),
    "/audit": ("actor", True), "/webhooks/1": ("event", False),
}  # fmt: skip
"""Pages with a list: a filter, and whether they can be sorted."""
NAMES = (
    "page", "sort", "q", "provider", "status", "since", "until", "job_id", "run_id", "entity_id", "organization_id", "columns", "before",
    "state", "event", "operation", "field", "sub_type", "owner", "not_complete_for", "link", "depth", "tick", "copy", "size",
)  # fmt: skip
ODD = {
    "page": ("0", "-1", "", "x", "1.5", "1000001", "9" * 40, "\0"),
    "per_page": ("0", "-1", "", "x", "1001", "9" * 40, "\0"),
    "sort": ("", "nosuch", "--id", "id,name", "ID", LONG, "\0"),
    "cursor": ("x", "=", "\0", LONG, "WyJub3N1Y2giLDEsMV0", "W10", "bnVsbA"),
    "fields": ("", ",", "nosuch", "id,nosuch", LONG, "\0"),
    "format": ("", "xml", "CSV", "\0"),
}


@pytest.fixture
def api(database, sql):
    with populated(database, sql) as api:
        yield api


def kinds(path: str) -> dict[str, object]:
    return {field.encode_name: field.type for field in msgspec.structs.fields(LISTS[path].query)}


def odd(path: str) -> list[tuple[str, str]]:
    """Queries of a list that make no sense, by parameter."""
    found = [(name, value) for name, values in ODD.items() for value in values]
    for name, kind in kinds(path).items():
        found.append((name, "\0"))
        if name not in ODD and "str" not in str(kind):
            found += [(name, value) for value in ("nosuch", "9" * 40, "1.5x")]
        if name.endswith("_id") and "str" not in str(kind):
            found += [(name, "0"), (name, "-1")]
    return [*found, ("nosuch", "1"), ("sort ", "id")]


def get(api, path: str, **more):
    return api.http.get(path, headers={"Accept": more.pop("accept", "application/json"), **bearer(FIRST)}, **more)


def test_an_odd_query_of_a_list_is_refused_with_a_sentence_that_names_it(api):
    taken = {}
    for path in LISTS:
        for name, value in odd(path):
            answer = get(api, f"/api/v1/{address(path)}", query_string={name: value})
            if answer.status_code != 400 or name.strip() not in str(answer.json):
                taken[f"{path} {name}={value[:20]!r}"] = answer.status_code, answer.text[:80]
        for name in kinds(path):
            answer = get(api, f"/api/v1/{address(path)}?{name}=id&{name}=id")
            if answer.status_code != 400 or f"`{name}` is given twice" not in answer.json["details"]:
                taken[f"{path} {name} twice"] = answer.status_code, answer.text[:80]
    assert taken == {}


def test_a_cursor_of_another_order_is_refused_by_every_list(api):
    for path in LISTS:
        orders = sorts(LISTS[path].query.sortings)
        for sort in orders:
            found = get(api, f"/api/v1/{address(path)}", query_string={"sort": sort, "per_page": 1}).json
            for other in {*orders} - {sort}:
                answer = get(api, f"/api/v1/{address(path)}", query_string={"sort": other, "cursor": found["next_cursor"]})
                assert answer.status_code == 400, (path, sort, other)
                assert "sorted by" in answer.json["error"]


def pages() -> list[str]:
    """Addresses of the pages that are read; of a thing, the first."""
    found = (re.sub(r"<(\w+:)?name>", "ldap", page.rule) for page in PAGES if page.method == "GET")
    return sorted({re.sub(r"<[^>]+>", "1", path) for path in found} - {"/api/docs"})


def test_an_odd_query_of_a_page_is_no_error_of_ours(api):
    wrong = {}
    for path in pages():
        for name in NAMES:
            for value in ("\0", "-1", "9" * 40, "x" * 3000):
                answer = get(api, path, query_string={name: value}, accept="text/html")
                if answer.status_code not in (200, 302, 303, 400, 404):
                    wrong[f"{path} {name}={value[:10]!r}"] = answer.status_code, answer.text[:100]
    assert wrong == {}


PAGED = ("page=0", "page=-1", "page=x", "page=1000001", "page=" + "9" * 40, "page=1&page=2", "page=%00")


def test_what_a_page_with_a_list_cannot_do_is_refused_with_a_sentence(api):
    taken = {}
    for path, (name, sorted_) in FILTERED.items():
        for query in (*PAGED, f"{name}=a&{name}=b", f"{name}=%00", *(("sort=nosuch",) if sorted_ else ())):
            answer = get(api, f"{path}?{query}", accept="text/html")
            if answer.status_code != 400 or "<h1" not in answer.text:
                taken[f"{path}?{query[:20]}"] = answer.status_code
    assert taken == {}
