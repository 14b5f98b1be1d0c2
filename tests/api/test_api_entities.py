"""The list of entities: orders, cursors, fields, the header Link, ETags."""

from __future__ import annotations

import datetime as dt

import pytest
from psycopg.types.json import Jsonb

from bench import search
from worker.store import entity_list
from worker.store.connection import connect

SORTS = ("id", "name", "type", "first_seen", "changed")


@pytest.fixture
def inventory(sql):
    """Sixty entities: equal names and types, in no order."""
    sql.execute("insert into organizations (id, name) values (1, 'one')")
    for n in range(60):
        moment = dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=(n * 37) % 7)
        sql.execute(
            "insert into entities (organization_id, external_id, entity_type, sub_type, name, provider, tags, changed_at, scope_id, key, content) "
            "values (1, %s, 'compute', %s, %s, 'aws', %s, %s, 1, 1, 1)",
            [f"id-{n}", f"type_{n % 3}", f"{'Nn'[n % 2]}ame é {(n * 7) % 5}", Jsonb({"n": str(n % 2)}), moment],
        )


def walk(elder, **query) -> list[dict]:
    """Everything, from cursor to cursor."""
    found, cursor = [], ""
    while cursor is not None:
        answer = elder.get("entities", query_string={**query, "cursor": cursor})
        assert (answer["total"], answer["page"], answer["pages"]) == (None, None, None)
        found += answer["entities"]
        cursor = answer["next_cursor"]
    return found


@pytest.mark.parametrize(("nearby", "few"), [(True, 10_000), (False, 10_000), (False, 5)], ids=["nearby", "sorted", "by index"])
def test_every_order_is_whole_by_cursor_and_by_page(elder, inventory, monkeypatch, nearby, few):
    """Each way of reading gives the same order, in which each entity stands once."""
    if not nearby:
        monkeypatch.setattr("worker.store.entity_list.Selection.nearby", lambda *_: None)
    monkeypatch.setattr("worker.store.entity_list.FEW", few)
    for sort in SORTS:
        for sign in ("", "-"):
            check_order(elder, sort, sign)


@pytest.mark.parametrize(("at_most", "found"), [(50_000, True), (100, False)], ids=["promised", "too far"])
def test_a_page_that_the_first_steps_promise_is_read_on_for(database, sql, monkeypatch, at_most, found):
    """The walk of an index goes on when it has found a part of a page: 13 of 20, as every thirtieth of a thousand entities fits."""
    monkeypatch.setattr("worker.store.entity_list.WALK", 40)
    monkeypatch.setattr("worker.store.entity_list.LONG_WALK", at_most)
    sql.execute("insert into organizations (id, name) values (1, 'one')")
    sql.execute(
        "insert into entities (organization_id, external_id, entity_type, sub_type, name, provider, scope_id, key, content) "
        "select 1, n::text, 'compute', case n % 30 when 0 then 'rare' else 'other' end, n::text, 'aws', 1, n, n from generate_series(1, 1000) n"
    )
    chosen = entity_list.selection({"is_active": True, "sub_type": "rare"})
    with connect(database) as connection:
        assert (chosen.nearby(connection, ("id",), 20, None) is not None) == found
        assert chosen.nearby(connection, ("id",), 34, None) is None, "there are 33"
        page = chosen.behind(connection, 20, None)
    assert [row["external_id"] for row in page] == [str(30 * n) for n in range(1, 21)]


def check_order(elder, sort: str, sign: str) -> None:
    query = {"sort": sign + sort, "q": "tag:n=1", "per_page": 7}
    found = walk(elder, **query)
    paged = [one for page in range(1, 6) for one in elder.get("entities", query_string={**query, "page": page})["entities"]]

    column = {"name": "name", "type": "sub_type", "changed": "changed_at"}.get(sort, "id")
    keys = [(one[column].lower() if sort == "name" else one[column], one["id"]) for one in found]
    assert len(found) == 30
    assert keys == sorted(keys, reverse=bool(sign))
    assert paged == found


def test_a_cursor_leaves_nothing_out_while_entities_come_and_go(elder, inventory, sql):
    first = elder.get("entities", query_string={"sort": "name", "cursor": "", "per_page": 20})
    gone = [one["id"] for one in first["entities"][:10]]
    sql.execute("delete from entities where id = any(%s)", [gone])
    sql.execute("update entities set name = 'A ' || name where id = %s", [first["entities"][15]["id"]])

    rest = elder.get("entities", query_string={"sort": "name", "cursor": first["next_cursor"], "per_page": 100})

    seen = [one["id"] for one in first["entities"] + rest["entities"]]
    assert len(seen) == len(set(seen)) == 60


def test_a_page_has_a_cursor_to_go_on_with(elder, inventory):
    page = elder.get("entities?per_page=50&sort=-changed")
    rest = elder.get("entities", query_string={"per_page": 50, "sort": "-changed", "cursor": page["next_cursor"]})
    assert (page["total"], len(rest["entities"]), rest["next_cursor"]) == (60, 10, None)
    assert elder.get("entities?per_page=60")["next_cursor"] is None


WRONG = (
    ("cursor=nonsense", "take it from `next_cursor`"),
    ("cursor=é", "take it from `next_cursor`"),
    ("cursor=WyJpZCIsMSwxXQ&sort=name", "sorted by 'id', not by 'name'"),
    ("cursor=WyJpZCIsInMiLDFd", "take it from `next_cursor`"),
    ("cursor=WyJpZCIsMSwtMV0", "out of range"),
    ("cursor=&page=2", "`cursor` and `page` exclude each other"),
    ("sort=size", "`sort`"),
    ("fields=id,size", "there is no 'size' in this list"),
)


def test_what_is_wrong_is_said(elder):
    for query, sentence in WRONG:
        answer = elder.get(f"entities?{query}", 400)
        assert sentence in " ".join([answer["error"], *answer["details"]])


def test_fields(elder, inventory):
    assert elder.get("entities?fields=name, id&per_page=1&sort=changed")["entities"] == [{"id": 1, "name": "Name é 0"}]


def test_lists_have_links(elder, inventory):
    def links(path: str) -> dict[str, str]:
        header = elder.call("GET", path).headers["Link"]
        return {one.split('rel="')[1][:-1]: one.split(">")[0][1:] for one in header.split(", ")}

    page = links("entities?q=tag:n&per_page=25&page=2")
    assert set(page) == {"first", "prev", "next", "last"}
    assert page["last"] == page["next"] == "?q=tag%3An&per_page=25&page=3"
    assert set(links("entities")) == {"first", "next", "last"}
    assert set(links("organizations")) == {"first", "last"}

    seen, path = 0, "entities?per_page=25&cursor="
    while path:
        seen += len(elder.get(path)["entities"])
        following = links(path).get("next")
        path = f"entities{following}" if following else ""
    assert seen == 60


def test_what_has_not_changed_is_not_sent_again(elder, inventory, sql):
    first = elder.http.get("/api/v1/entities")
    again = elder.http.get("/api/v1/entities", headers={"If-None-Match": first.headers["ETag"]})
    sql.execute("update entities set name = 'other' where id = 1")
    changed = elder.http.get("/api/v1/entities", headers={"If-None-Match": first.headers["ETag"]})

    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert (changed.status_code, changed.json["entities"][0]["name"]) == (200, "other")


def test_the_bench_measures_every_search_and_export(database):
    search.fill(database, 300)
    found = list(search.answers(database, 2))
    assert len(found) == len(search.SEARCHES) + len(search.EXPORTS)
    assert all(figure.startswith("p50 ") and "p95 " in figure for _, figure, _, _ in found)


def test_the_page_sorts_and_tells_equal_names_apart(elder, inventory):
    def page(path: str, status: int = 200) -> str:
        answer = elder.http.get(path, headers={"Accept": "text/html"})
        assert answer.status_code == status
        return answer.text

    by_name = page("/entities?sort=-name&per_page=25&q=type:type_1")
    assert 'aria-sort="descending"' in by_name
    assert by_name.index("ame é 4") < by_name.index("ame é 0")
    assert by_name.count('<div class="quiet">id-') == 20, "equal names are told apart by their ids"
    assert "sort=name" in by_name
    assert "sort=-name" in by_name, "the exports keep the order"
    assert page("/entities?per_page=25").count('<td><a href="/entities/') == 25
    assert "cannot be sorted by &#39;size&#39;" in page("/entities?sort=size", 400)
    assert "1 to 250" in page("/entities?per_page=1000", 400)
