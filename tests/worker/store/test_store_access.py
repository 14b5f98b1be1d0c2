"""Effective access: through groups in groups, bindings of each provider's shape, roles and policies; bounded, and in circles too."""

from __future__ import annotations

import pytest
from store_runs import add_job, run_once

from providers.records import Link, Resource
from worker.store import access
from worker.store.connection import connect


def thing(name: str, kind: str, *links: tuple[str, str]) -> Resource:
    return Resource(name, kind, f"x_{kind}", name, {}, links=tuple(Link(link, target) for link, target in links))


WORLD = (
    thing("ann", "user", ("member_of", "inner"), ("has_policy", "own")),
    thing("bob", "user"),
    thing("inner", "group", ("member_of", "outer")),
    thing("outer", "group", ("member_of", "inner")),
    thing("admin", "role", ("has_policy", "all")),
    thing("own", "policy"),
    thing("deployer", "role", ("assumable_by", "bob")),
    thing("all", "policy"),
    thing("project", "account", ("member_of", "folder")),
    thing("folder", "organizational_unit"),
    thing("bound", "permission", ("has_role", "admin"), ("on_scope", "project"), ("granted_to", "outer")),
    thing("held", "permission", ("has_member", "bob"), ("member_of", "outer")),
    thing("app", "application", ("assigned_to", "bob")),
    thing("machine", "compute", ("in_vpc", "project"), ("has_role", "admin")),
)


@pytest.fixture
def world(database, sql):
    run_once(database, add_job(sql), list(WORLD))
    return {name: number for number, name in sql.execute("select id, name from entities").fetchall()}


def ways(found: access.Access) -> dict[str, tuple[str, ...]]:
    assert not found.more
    return {one.name: one.way for one in found.reached}


def test_who_reaches_a_role_a_scope_a_group_and_an_application(database, world):
    with connect(database) as connection:
        found = {name: ways(access.reaching(connection, world[name])) for name in ("admin", "project", "outer", "app", "folder", "ann")}

    through = {"bound": (), "outer": ("bound",), "inner": ("bound", "outer"), "held": ("bound", "outer")}
    people = {"ann": ("bound", "outer", "inner"), "bob": ("bound", "outer", "held")}
    assert found["project"] == through | people
    assert found["admin"] == through | people | {"machine": ()}
    assert found["outer"] == {"inner": (), "held": (), "ann": ("inner",), "bob": ("held",)}, "groups in a circle end"
    assert found["app"] == {"bob": ()}
    assert found["folder"] == {}, "a project in a folder reaches nothing by that"
    assert found["ann"] == {}


def test_what_a_person_reaches(database, world):
    with connect(database) as connection:
        ann, bob = (ways(access.reached(connection, world[name])) for name in ("ann", "bob"))
        project = access.reached(connection, world["project"])

    assert ann["own"] == ()
    assert ann["admin"] == ann["project"] == ("inner", "outer", "bound")
    assert ann["all"] == ("inner", "outer", "bound", "admin")
    assert bob["app"] == bob["deployer"] == ()
    assert bob["project"] == ("held", "outer", "bound")
    assert "machine" not in ann
    assert not project.reached


def test_what_is_deleted_reaches_nothing(database, world, sql):
    sql.execute("update entities set is_active = false, deleted_at = now() where name = 'bound'")
    with connect(database) as connection:
        assert not access.reaching(connection, world["project"]).reached


def test_it_is_bounded_and_says_so(database, sql):
    run_once(database, add_job(sql), [thing("g", "group"), *(thing(f"u{n:04}", "user", ("member_of", "g")) for n in range(1200))])
    number = sql.execute("select id from entities where name = 'g'").fetchone()[0]
    with connect(database) as connection:
        found = access.reaching(connection, number)

    assert found.more
    assert len(found.reached) == access.EACH


def test_the_page_of_an_entity_shows_both(elder, database, world):
    page = elder.call("GET", f"/entities/{world['project']}", headers={"Accept": "text/html"}).get_data(as_text=True)
    person = elder.call("GET", f"/entities/{world['ann']}", headers={"Accept": "text/html"}).get_data(as_text=True)

    assert "Who reaches it" in page
    assert "bound, outer, inner" in page
    assert "What it reaches" not in page
    assert "What it reaches" in person
    assert "Who reaches it" not in person
