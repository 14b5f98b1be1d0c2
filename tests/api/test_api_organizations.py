"""Organizations are renamed, moved, merged and deleted: by the API, on the pages and by the command, with a line in the audit log each time."""

from __future__ import annotations

import pytest
from store_runs import Run, add_job, resources, run_once

BROWSER = {"Accept": "text/html"}


@pytest.fixture
def tree(sql) -> None:
    """1 Top > 2 Left (5 entities) > 4 Deep (2); 1 > 3 Right (1); 5 from a connector; 6 empty."""
    sql.execute(
        "insert into organizations (id, name, parent_id, owner, external_id) values (1, 'Top', null, null, null), (2, 'Left', 1, null, null), "
        "(3, 'Right', 1, null, null), (4, 'Deep', 2, null, null), (5, 'LDAP', null, 'connector:ldap', 'dc=x'), (6, 'Empty', null, null, null)"
    )
    sql.execute("select setval(pg_get_serial_sequence('organizations', 'id'), 10)")
    sql.execute(
        "insert into entities (organization_id, external_id, name, entity_type, sub_type, provider, scope_id, key, content) "
        "select o, o || ':' || n, 'x', 'compute', 'vm', 'aws', 1, n, n from (values (2, 5), (4, 2), (3, 1)) v (o, c), generate_series(1, c) n"
    )


def test_the_tree_counts_what_is_in_and_below(elder, tree):
    def counts(branch: dict) -> tuple:
        return (branch["name"], branch["entities"], branch["entities_in_all"], [counts(child) for child in branch["children"]])

    found = elder.get("organizations/tree")["organizations"]

    assert counts(next(one for one in found if one["id"] == 1)) == (
        "Top",
        0,
        8,
        [("Left", 5, 7, [("Deep", 2, 2, [])]), ("Right", 1, 1, [])],
    )
    shown = elder.call("GET", "/organizations", headers=BROWSER).get_data(as_text=True)
    assert '7 entities</a> <span class="quiet">5 its own' in shown


def test_rename_move_and_describe(elder, tree):
    changed = elder.patch("organizations/4", {"name": " Deeper ", "parent_id": 3, "description": "d"})
    assert (changed["name"], changed["parent_id"], changed["description"]) == ("Deeper", 3, "d")
    assert elder.patch("organizations/4", {"parent_id": None})["parent_id"] is None
    assert elder.get("organizations/4")["name"] == "Deeper"
    line = elder.get("audit?action=organization%20changed")["audit"][-1]
    assert (line["object"], line["before"]["name"], line["after"]["name"]) == ("organization 4", "Deep", "Deeper")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "sentence"),
    [
        ("POST", "organizations", {"name": "top"}, 409, "organization 1 has the name 'top' already"),
        ("POST", "organizations", {"name": "RIGHT", "parent_id": 1}, 409, "organization 3 has the name"),
        ("PATCH", "organizations/2", {"name": "right"}, 409, "organization 3 has the name"),
        ("PATCH", "organizations/1", {"parent_id": 4}, 409, "organization 4 is organization 1 or lies below it"),
        ("PATCH", "organizations/1", {"parent_id": 1}, 409, "organization 1 is organization 1 or lies below it"),
        ("PATCH", "organizations/5", {"name": "x"}, 409, "has its name and place from its source (connector:ldap)"),
        ("PATCH", "organizations/1", {}, 400, "names nothing to change"),
        ("PATCH", "organizations/1", {"name": " "}, 400, "not valid"),
        ("PATCH", "organizations/1", {"parent_id": 99}, 400, "there is no organization 99"),
        ("PATCH", "organizations/99", {"name": "x"}, 404, "there is no organization 99"),
        ("POST", "organizations/1/merge", {"into": 4}, 409, "merge it the other way round"),
        ("POST", "organizations/1/merge", {"into": 1}, 409, "merge it the other way round"),
        ("POST", "organizations/1/merge", {"into": 99}, 400, "there is no organization 99"),
        ("DELETE", "organizations/2", None, 409, "organization 2 is not empty, it has 5 entities, 1 organization below it"),
        ("DELETE", "organizations/99", None, 404, "there is no organization 99"),
    ],
)
def test_what_is_refused_and_why(elder, tree, sql, method, path, body, status, sentence):
    before = sql.execute("select id, name, parent_id from organizations order by id").fetchall()

    answer = elder.call(method, path, body)

    assert answer.status_code == status
    assert sentence in answer.json["error"]
    assert sql.execute("select id, name, parent_id from organizations order by id").fetchall() == before


def test_equal_names_at_different_places_are_two_organizations(elder, tree):
    assert elder.post("organizations", {"name": "Right", "parent_id": 2})["name"] == "Right"
    assert elder.patch("organizations/2", {"name": "LEFT"})["name"] == "LEFT", "its own name is no other's"


def test_merge_gives_everything_to_the_other_one(elder, tree, sql):
    job = add_job(sql, organization=2, provider="aws")

    merged = elder.post("organizations/2/merge", {"into": 3}, 200)

    assert merged == {"organization_id": 2, "into": 3, "entities": 5, "organizations": 1, "jobs": 1}
    assert sql.execute("select organization_id from discovery_jobs where id = %s", [job]).fetchone() == (3,)
    assert elder.get("organizations/4")["parent_id"] == 3
    assert elder.get("entities?organization_id=3")["total"] == 8
    assert elder.get("organizations/2", 404)
    [line] = elder.get("audit?action=organization%20merged")["audit"]
    assert (line["object"], line["before"]["name"], line["after"]["entities"]) == ("organization 2", "Left", 5)


def test_the_same_entity_or_name_in_both_cannot_be_merged(elder, tree, sql):
    sql.execute("update entities set external_id = '2:3' where organization_id = 3")
    assert "1 entity is in both organizations, such as 2:3" in elder.post("organizations/3/merge", {"into": 2}, 409)["error"]
    sql.execute("update entities set external_id = '3:1' where organization_id = 3")
    sql.execute("insert into organizations (id, name, parent_id) values (7, 'DEEP', 3)")
    assert "both have an organization 'DEEP' below them" in elder.post("organizations/3/merge", {"into": 2}, 409)["error"]


def test_nothing_is_merged_or_deleted_while_a_job_stores_into_it(elder, database, sql):
    job = add_job(sql, organization=1)
    other = elder.post("organizations", {"name": "other"})["id"] if sql.execute("select setval('organizations_id_seq', 5)") else 0
    run = Run(database, job)

    assert f"job {job} is running" in elder.post("organizations/1/merge", {"into": other}, 409)["error"]
    run.scope(resources(3))
    run.finish()
    assert elder.post("organizations/1/merge", {"into": other}, 200)["entities"] == 3
    assert elder.delete(f"organizations/{other}", 409)["error"].startswith(f"organization {other} is not empty, it has 3 entities, 1 job")


def test_what_was_merged_is_known_to_the_next_reading(elder, database, sql):
    job = add_job(sql, organization=1)
    run_once(database, job, resources(3))
    sql.execute("select setval('organizations_id_seq', 5)")
    other = elder.post("organizations", {"name": "other"})["id"]
    elder.post("organizations/1/merge", {"into": other}, 200)
    sql.execute("insert into organizations (id, name) values (1, 'again')")  # what the run of the test stores into

    run_once(database, job, resources(3))

    assert elder.get("entities")["total"] == 3
    assert elder.get("changes?operation=deleted")["total"] == 0


def test_an_empty_organization_is_deleted(elder, tree):
    assert elder.delete("organizations/6") == {"organization_id": 6, "message": "Organization 6 is deleted"}
    assert elder.get("organizations/6", 404)
    assert elder.get("audit?action=organization%20deleted")["audit"][0]["before"]["name"] == "Empty"


def test_on_the_pages(elder, tree):
    def press(path: str, status: int = 303, **form) -> str:
        answer = elder.call("POST", path, data=form, headers=BROWSER)
        assert answer.status_code == status, answer.get_data(as_text=True)
        return answer.headers.get("Location") or answer.get_data(as_text=True)

    made = press("/organizations", name="New")
    assert made.startswith("/organizations/1")
    assert press(made, name="Newer", parent_id="1", description="d") == made
    assert elder.get(made.strip("/"))["parent_id"] == 1
    shown = elder.call("GET", made, headers=BROWSER).get_data(as_text=True)
    assert 'value="Newer"' in shown
    assert '<option value="1" selected>Top (1)</option>' in shown
    assert "has the name" in press("/organizations", 409, name="Top")
    assert "1 to 200 characters" in press("/organizations", 400, name=" ")
    assert "is not empty" in press("/organizations/2/delete", 409)
    assert "hoose the organization" in press("/organizations/2/merge", 400, into="")
    assert press("/organizations/2/merge", into="3") == "/organizations/3"
    assert press("/organizations/6/delete") == "/organizations"
    assert press("/organizations/5", name="LDAP", parent_id="", description="kept") == "/organizations/5"


def test_by_the_command(elder_command, elder, tree):
    assert elder_command("orgs", "edit", "4", "--name", "Deeper", "--top").stdout == "organization 4 is changed\n"
    assert "name what to change" in elder_command("orgs", "edit", "4", code=2).stderr
    assert elder_command("orgs", "merge", "2", "3", code=2).stderr.endswith("nobody has said yes: --yes answers\n")
    merged = elder_command("orgs", "merge", "2", "3", "--yes").stdout
    assert merged == "organization 2 is merged: 5 entities, 0 organizations and 0 jobs are in organization 3 now\n"
    assert elder_command("orgs", "delete", "6", "--yes").stdout == "Organization 6 is deleted\n"
    assert "is not empty" in elder_command("orgs", "delete", "3", "--yes", code=7).stderr
