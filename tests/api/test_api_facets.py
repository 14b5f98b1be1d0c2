"""Facets beside the list of entities: exact for few, bounded or estimated for many, kept in the address; and the columns of the list."""

from __future__ import annotations

import html
import re

import pytest

from worker.store import entity_list, facets
from worker.store.connection import connect


def stored(sql, count: int) -> None:
    """Entities of two providers and two types, in two organizations; a tenth is deleted."""
    sql.execute("insert into organizations (id, name) values (1, 'Head office'), (2, '<b>Branch')")
    sql.execute(
        "insert into entities (organization_id, external_id, entity_type, sub_type, name, provider, tags, is_active, scope_id, key, content) "
        "select 1 + (n %% 4 = 0)::int, 'e' || n, 'compute', 'type_' || n %% 3, 'host ' || n, case when n %% 5 = 0 then 'gcp' else 'aws' end, "
        '\'{"team": "a"}\', n %% 10 > 0, 1, n, n from generate_series(1, %s) n',
        [count],
    )


@pytest.fixture
def page(elder):
    def get(path: str, status: int = 200) -> str:
        answer = elder.call("GET", path, headers={"Accept": "text/html"})
        assert answer.status_code == status
        return answer.get_data(as_text=True)

    return get


def choices(text: str) -> dict[str, tuple[str, str]]:
    """Name -> (count, address) of every choice."""
    found = re.findall(
        r'<li><a href="\?([^"]*)"[^>]*>([^<]*)</a>(?: <span class="quiet">chosen</span>)? <span class="count">([^<]*)</span>', text
    )
    return {html.unescape(name): (count, html.unescape(query)) for query, name, count in found}


def test_a_small_inventory_is_counted(page, sql):
    stored(sql, 100)

    found = choices(page("/entities"))

    assert {name: count for name, (count, _) in found.items()} == {
        "aws": "80",
        "gcp": "10",
        "type 1": "30",
        "type 2": "30",
        "type 0": "30",
        "Head office": "70",
        "<b>Branch": "20",
        "active": "90",
    }


def test_a_choice_narrows_the_list_and_is_taken_back(page, sql):
    stored(sql, 100)

    narrowed = page("/entities?" + choices(page("/entities?sort=name&columns=tags"))["gcp"][1])
    found = choices(narrowed)

    assert "10 found" in narrowed
    assert found["gcp"][0] == "10"
    assert "provider" not in found["gcp"][1], "choosing it again widens the list"
    assert {"sort=name", "columns=tags"} <= set(found["gcp"][1].split("&"))
    assert "aws" not in found
    assert choices(page("/entities?q=host&deleted=1"))["deleted"][0] == "10"


def test_of_many_each_count_is_at_least_what_was_seen(database, sql, monkeypatch):
    stored(sql, 300)
    monkeypatch.setattr("worker.store.facets.COUNTED", 50)
    with connect(database) as connection:
        chosen = entity_list.selection({"is_active": True, "entity_type": "compute"})
        found = facets.of(connection, chosen, 270)

    assert {one.known for values in found.values() for one in values} == {"at least"}
    assert sum(one.entities for one in found["provider"]) == 50


def test_of_all_the_statistics_are_taken(database, sql, monkeypatch):
    stored(sql, 1000)
    monkeypatch.setattr("worker.store.facets.COUNTED", 50)
    with connect(database) as connection:
        chosen = entity_list.selection({"is_active": True})
        before = facets.of(connection, chosen, 900)
        sql.execute("analyze entities")
        after = facets.of(connection, entity_list.selection({"is_active": True}), 900)

    assert before["provider"][0].known != "about", "a table that was never analyzed is counted as far as it is looked at"
    assert [(one.value, one.entities, one.known) for one in after["provider"]] == [("aws", 720, "about"), ("gcp", 180, "about")]
    assert len(after["sub_type"]) == 3
    assert len(after["organization_id"]) == 2


def test_columns_are_chosen_and_kept(page, sql):
    stored(sql, 60)

    chosen = page("/entities?columns=tags&columns=id&per_page=25&q=host")

    assert re.findall(r"<th[^>]*>(?:<a[^>]*>)?([A-Z][a-z ]*)", chosen) == ["Name", "External id", "Tags"]
    assert "<i>team</i> a" in chosen
    assert "columns=id%2Ctags" in chosen, "the next page and the orders keep the columns"
    assert "columns" not in re.search(r"/api/v1/entities\?([^\"]*)", chosen)[1], "an export has all fields"
    assert 'aria-sort="ascending"' in page("/entities?columns=type&sort=type")
    assert "list has no column &#39;size&#39;" in page("/entities?columns=size", 400)


def test_each_type_is_a_choice(database, sql):
    stored(sql, 100)
    sql.execute("update entities set sub_type = 'only_one', provider = 'ldap' where name = 'host 7'")
    with connect(database) as connection:
        kinds = facets.kinds(connection)

    assert [one["sub_type"] for one in kinds] == ["only_one", "type_0", "type_1", "type_2"]
    assert kinds[0] == {"sub_type": "only_one", "entity_type": "compute", "provider": "ldap"}
