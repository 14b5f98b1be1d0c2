"""Two links around an entity: what is drawn and listed, by type, walked from entity to entity, and bounded."""

from __future__ import annotations

import re

import pytest
from store_runs import add_job, run_once

from api.graph import HIGH
from api.walk import AT_MOST, draw, draw_narrow
from providers.records import Link, Resource
from worker.store import entities, neighbourhood
from worker.store.connection import connect

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def chain(database, sql):
    """binding -> role -> policy, machines that use the role, and a user who is granted nothing by it."""

    def one(name: str, *links: tuple[str, str]) -> Resource:
        return Resource(f"arn:{name}", "role", "iam_role", name, {}, links=tuple(Link(kind, f"arn:{target}") for kind, target in links))

    run_once(
        database,
        add_job(sql),
        [
            one("policy"),
            one("key", ("used_by", HOSTILE)),
            one("role", ("has_policy", "policy"), ("encrypted_with", "key")),
            *(one(f"machine-{n}", ("has_role", "role"), ("uses", "role")) for n in range(3)),
            one("group", ("contains", "machine-1")),
        ],
    )
    return {name: number for number, name in sql.execute("select id, name from entities").fetchall()}


@pytest.fixture
def page(elder):
    def get(path: str) -> str:
        answer = elder.call("GET", path, headers={"Accept": "text/html"})
        assert answer.status_code == 200
        return answer.get_data(as_text=True)

    return get


def boxes(text: str) -> list[str]:
    return re.findall(r"<div>([^<]*)</div>", text)


def test_two_hops_are_drawn_and_listed(page, chain):
    text = page(f"/entities/{chain['role']}/graph")

    missing = "arn:&lt;script&gt;alert(1)&lt;/scrip…"
    drawn = sorted(["role", "policy", "key", missing, "machine-0", "machine-1", "machine-2", "group"])
    assert [sorted(boxes(one)) for one in text.split("<svg")[1:]] == [drawn, drawn], "in columns, and as a tree"
    assert text.count("<title>arn:&lt;script&gt;alert(1)&lt;/script&gt; (used_by · not in the inventory)</title>") == 2, "its whole name"
    assert text.count("<title>machine-1 (has_role · iam_role)</title>") == 2
    for heading in ("What it depends on", "And what that depends on", "What depends on it", "And what depends on that"):
        assert heading in text
    assert f'href="/entities/{chain["group"]}/graph"' in text
    assert HOSTILE not in text
    assert "not in the inventory" in text


def test_types_of_links_are_chosen_and_kept_while_walking(page, chain):
    text = page(f"/entities/{chain['role']}/graph?link=has_role&link=contains")

    assert sorted(set(boxes(text))) == ["group", "machine-0", "machine-1", "machine-2", "role"]
    assert f'href="/entities/{chain["group"]}/graph?link=has_role&amp;link=contains"' in text
    assert re.search(r'value="has_role" checked> has role <span class="quiet">3</span>', text)
    assert 'value="contains" checked' in text, "a type that only the second hop has stays chosen"
    assert "It has no links of these types" in page(f"/entities/{chain['role']}/graph?link=nothing")
    assert "It has no links of these types" in page(f"/entities/{chain['role']}/graph?link=%00&link=x")


def test_an_entity_without_links_and_one_that_is_not_there(page, elder, sql):
    sql.execute("insert into organizations (id, name) values (1, 'one')")
    sql.execute(
        "insert into entities (organization_id, external_id, entity_type, sub_type, name, provider, scope_id, key, content) "
        "values (1, 'alone', 'role', 'iam_role', '', 'aws', 1, 1, 1)"
    )
    assert "It has no links." in page("/entities/1/graph")
    assert "Links of alone" in page("/entities/1/graph")
    assert elder.call("GET", "/entities/99/graph", headers={"Accept": "text/html"}).status_code == 404


@pytest.fixture
def hub(sql):
    """An entity on which 3,000 depend, ten of which have links of their own; and one that is linked to itself."""
    sql.execute("insert into organizations (id, name) values (1, 'one')")
    sql.execute(
        "insert into entities (id, organization_id, external_id, entity_type, sub_type, name, provider, scope_id, key, content) "
        "select n, 1, 'e' || n, 'role', 'iam_role', 'e' || n, 'aws', 1, n, n from generate_series(1, 3001) n"
    )
    sql.execute(
        "insert into dependencies (source_id, target_id, target_external_id, dependency_type) "
        "select n, 1, 'e1', 'in_vpc' from generate_series(1, 3001) n union all "
        "select 100 + n, 200 + n + m, 'e' || 200 + n + m, 'uses' from generate_series(1, 10) n, generate_series(1, 20) m"
    )


def test_it_is_bounded_and_what_has_the_most_links_comes_first(database, page, hub):
    with connect(database) as connection:
        around = neighbourhood.of(connection, 1)
        drawing, narrow = draw(entities.named(connection, 1), around), draw_narrow(entities.named(connection, 1), around)

    first, second = around.dependents
    assert len(first.links) == neighbourhood.SHOWN
    assert (first.rest, first.more) == (neighbourhood.LOOKED_AT - neighbourhood.SHOWN, True)
    assert {one["far_id"] for one in first.links} >= set(range(101, 111))
    assert len(second.links) <= neighbourhood.SHOWN
    assert ("in_vpc", 1001) in around.types, "counted up to a thousand, and the link to itself"
    assert drawing is not None
    for one in (drawing, narrow):
        places = [one.centre, *one.boxes]
        assert all(box.x >= 0 and box.y >= 0 and box.x + one.wide <= one.width and box.y + HIGH <= one.height for box in places)
        assert len({(box.x, box.y) for box in places}) == len(places) <= 1 + 4 * AT_MOST
        assert len({box.id for box in places}) == len(places), "each entity stands once"
    assert {box.id for box in drawing.boxes} == {box.id for box in narrow.boxes}
    assert drawing.width <= 1144, "five columns fit into a page"
    assert len({box.y for box in (narrow.centre, *narrow.boxes)}) == 1 + len(narrow.boxes), "a row each"
    assert "950+ more" in page("/entities/1/graph")
