"""The inventory as it is read: filters, pages, trees, neighbours, changes."""

from __future__ import annotations

import msgspec
import pytest
from store_runs import add_job, resources, run_once

from providers.records import Link, Resource
from worker.store.errors import StoreError


def add_entities(sql, count: int, organization: int = 1, **columns) -> None:
    """Rows as the writer would leave them."""
    sql.execute("insert into organizations (id, name) values (%s, 'one') on conflict do nothing", [organization])
    values = {"entity_type": "compute", "sub_type": "ec2_instance", "provider": "aws", "region": "us-east-1", "account": "1", **columns}
    names, marks = ", ".join(values), ", ".join(["%s"] * len(values))
    sql.execute(
        f"insert into entities (organization_id, external_id, name, scope_id, key, content, {names}) "
        f"select {organization}, '{organization}:{values['sub_type']}:{values['region']}:' || n, 'name ' || n, 1, n, n, {marks} from generate_series(1, {count}) n",
        list(values.values()),
    )


def names(answer) -> list[str]:
    return [entity["name"] for entity in answer["entities"]]


def test_1500_entities_in_pages(elder, sql):
    add_entities(sql, 1500)

    first = elder.get("entities")
    assert (len(first["entities"]), first["total"], first["page"], first["per_page"], first["pages"]) == (50, 1500, 1, 50, 30)
    seen = [entity["id"] for page in range(1, 17) for entity in elder.get(f"entities?per_page=100&page={page}")["entities"]]
    assert len(seen) == len(set(seen)) == 1500
    assert len(elder.get("entities?per_page=1000&page=2")["entities"]) == 500
    assert elder.get("entities?page=31")["entities"] == []


def test_every_filter(elder, sql):
    add_entities(sql, 3)
    add_entities(sql, 2, sub_type="vpc", entity_type="vpc", region="eu-west-1")
    add_entities(sql, 4, sub_type="k8s_pod", provider="kubernetes", region="")
    add_entities(sql, 5, sub_type="iam_user", entity_type="user", is_active=False)
    add_entities(sql, 6, organization=2)

    counts = {
        "": 15,
        "entity_type=vpc": 2,
        "entity_type=user": 0,
        "sub_type=k8s_pod": 4,
        "provider=aws": 11,
        "region=eu-west-1": 2,
        "organization_id=1": 9,
        "organization_id=2": 6,
        "organization_id=3": 0,
        "is_active=false": 5,
        "is_active=null": 20,
        "is_active=true&entity_type=compute&provider=aws&organization_id=1": 3,
        "external_id=1:vpc:eu-west-1:2": 1,
        "q=NAME%203": 3,
        "q=:vpc:": 2,
        "q=%25": 0,
        "q=_": 4 + 9,  # k8s_pod and ec2_instance, in their ids
    }
    assert {query: elder.get(f"entities?{query}")["total"] for query in counts} == counts


def test_a_search_is_paged(elder, sql):
    add_entities(sql, 20)
    add_entities(sql, 5, sub_type="vpc")

    assert names(elder.get("entities?q=name&per_page=4&page=6")) == ["name 1", "name 2", "name 3", "name 4"]
    last = elder.get("entities?q=name&per_page=4&page=7")
    assert (names(last), last["total"], last["pages"]) == (["name 5"], 25, 7)
    assert elder.get("entities?q=:vpc:&external_id=1:vpc:us-east-1:2")["total"] == 1
    assert elder.get("entities?q=:vpc:&external_id=1:vpc:us-east-1:2&organization_id=2")["total"] == 0


def test_hostile_text_is_only_text(elder, sql):
    add_entities(sql, 2)

    for text in ("'; drop table entities; --", "%27%20or%201=1", "\\", "{}", "%s", "name%00"[:-3]):
        assert elder.call("GET", "entities", query_string={"q": text, "region": text, "external_id": text}).status_code == 200
    assert elder.get("entities")["total"] == 2


def test_an_entity_with_its_neighbours_and_its_changes(elder, database, sql):
    job = add_job(sql)
    web = Resource(
        "arn:web",
        "compute",
        "ec2_instance",
        "web",
        {"state": "running"},
        {"team": "a"},
        (Link("in_vpc", "arn:vpc"), Link("runs_image", "arn:ami")),
    )
    vpc = Resource("arn:vpc", "vpc", "vpc", "main")
    run_once(database, job, [web, vpc])
    run_once(database, job, [Resource("arn:web", "compute", "ec2_instance", "web", {"state": "stopped"}, {"team": "a"}, web.links), vpc])
    ids = dict(sql.execute("select external_id, id from entities").fetchall())

    entity = elder.get(f"entities/{ids['arn:web']}")

    assert [(one["dependency_type"], one["target_id"], one["target_name"]) for one in entity["dependencies"]] == [
        ("in_vpc", ids["arn:vpc"], "main"),
        ("runs_image", None, None),
    ]
    change, created = entity["changes"]
    assert created["operation"] == "created"
    assert (change["operation"], change["changes"]) == ("updated", {"attributes.state": ["running", "stopped"]})
    [dependent] = elder.get(f"entities/{ids['arn:vpc']}")["dependents"]
    assert (dependent["source_id"], dependent["dependency_type"]) == (ids["arn:web"], "in_vpc")
    assert elder.get("dependencies?resolved=false")["dependencies"][0]["target_external_id"] == "arn:ami"
    assert elder.get(f"dependencies?entity_id={ids['arn:vpc']}&dependency_type=in_vpc")["total"] == 1
    assert elder.get("changes?operation=updated")["changes"][0]["external_id"] == "arn:web"
    assert [one["operation"] for one in elder.get(f"changes?entity_id={ids['arn:vpc']}")["changes"]] == ["created"]


def test_what_is_gone_is_told(elder, database, sql):
    job = add_job(sql)
    run_once(database, job, resources(3))
    run_once(database, job, resources(2))

    [gone] = elder.get("entities?is_active=false")["entities"]

    assert gone["deleted_at"].endswith("Z")
    assert elder.get("changes?operation=deleted")["changes"][0]["entity_id"] == gone["id"]


def test_organizations(elder):
    top = elder.post("organizations", {"name": " Top ", "description": "d"})
    below = elder.post("organizations", {"name": "Below", "parent_id": top["id"]})

    listed = elder.get("organizations")

    assert [(one["name"], one["parent_id"]) for one in listed["organizations"]] == [("Top", None), ("Below", top["id"])]
    assert elder.get(f"organizations?parent_id={top['id']}")["total"] == 1
    assert elder.get("organizations?q=bel")["organizations"][0]["id"] == below["id"]
    assert elder.get(f"organizations/{below['id']}") == below
    assert "there is no organization 99" in elder.post("organizations", {"name": "x", "parent_id": 99}, 400)["error"]
    assert elder.get("organizations/99", 404)["error"] == "there is no organization 99"


def test_the_tree_and_what_is_below(elder, sql):
    sql.execute("insert into organizations (id, name, parent_id) values (1, 'a', null), (2, 'b', 1), (3, 'c', 2), (4, 'd', null)")
    for organization in (1, 2, 3, 4):
        add_entities(sql, organization, organization)

    a, d = elder.get("organizations/tree")["organizations"]

    assert (a["name"], a["children"][0]["children"][0]["name"], d["name"]) == ("a", "c", "d")
    assert a["children"][0]["entities"] == 2
    assert [elder.get(f"entities?organization_id={number}")["total"] for number in (1, 2, 3, 4)] == [6, 5, 3, 4]


def test_parents_that_go_round_in_a_circle_hang_nothing(elder, sql):
    sql.execute("insert into organizations (id, name) values (1, 'a'), (2, 'b')")
    sql.execute("update organizations set parent_id = 3 - id")
    add_entities(sql, 1, 2)

    assert elder.get("entities?organization_id=1")["total"] == 1
    assert elder.get("organizations/tree")["total"] == 2
    assert elder.call("GET", "/organizations").status_code == 200


def test_calls_that_read_cannot_write(elder_app, sql):
    pool = elder_app.extensions["elder"].pool
    with pytest.raises(StoreError, match="read-only transaction"), pool.reading() as connection:
        connection.execute("insert into organizations (name) values ('x')")
    with pool.connection() as connection:  # and the connection is as it was
        connection.execute("insert into organizations (name) values ('y')")

    assert sql.execute("select name from organizations").fetchall() == [("y",)]


def test_asking_for_fingerprints_makes_no_scope(elder, sql):
    assert elder.get("sync/fingerprints?owner=connector:x&provider=ldap")["count"] == 0
    assert sql.execute("select count(*) from elder_worker.scopes").fetchone() == (0,)


class TestSync:
    """The connectors' calls over HTTP."""

    def batch(self, found: list[Resource], **changes):
        body = {"owner": "connector:ldap", "run": "1", "scope": ["ldap", "dc=x", "", "ldap_user"], "organizations": [["dc=x", "LDAP: x"]]}
        return {**body, "resources": msgspec.to_builtins(found), **changes}

    def test_case_aws_7_a_user_read_in_part_keeps_what_could_not_be_read(self, elder, sql):
        user = Resource("user-0", "user", "ldap_user", "User", {"mail": "a@x", "n": 1}, organization="dc=x")
        in_part = msgspec.structs.replace(user, attributes={"n": 1, "Unreadable": ["mail"]})
        elder.post("sync/batch", self.batch([user]), 200)

        first, second = (elder.post("sync/batch", self.batch([in_part]), 200) for _ in range(2))

        assert [(answer["updated"], answer["unchanged"]) for answer in (first, second)] == [(0, 1), (0, 1)]
        assert elder.get("entities")["entities"][0]["attributes"] == {"mail": "a@x", "n": 1, "Unreadable": ["mail"]}
        assert sql.execute("select count(*) from entity_changes where operation = 'updated'").fetchone() == (0,)

    def test_case_dir_3_memberships_that_a_server_hides_are_held_back_listed_and_released(self, elder, sql):
        whole = [msgspec.structs.replace(user, links=(Link("member_of", "group"),)) for user in self.users(30)]
        closed = {"owner": "connector:ldap", "scope": ["ldap", "dc=x", "", "ldap_user"], "outcome": "complete", "resources": 30}
        for run, found in (("1", whole), ("2", self.users(30)), ("3", self.users(30))):
            elder.post("sync/batch", self.batch(found, run=run), 200)
            answer = elder.post("sync/scopes", closed | {"run": run}, 200)
            elder.post("sync/runs", {"owner": "connector:ldap", "run": run, "status": "completed"}, 200)

        assert answer == {"deleted": 0, "held_back": 0, "held_links": 30, "held_attributes": 0}
        assert elder.get("dependencies?dependency_type=member_of")["total"] == 30
        held = elder.get("sync/held?owner=connector:ldap&per_page=10&page=2")
        assert (held["total"], len(held["held"]), held["pages"]) == (30, 10, 3)
        assert {(one["kind"], one["name"], one["target"], one["run_id"]) for one in held["held"]} == {("link", "member_of", "group", None)}
        [second] = [one["id"] for one in elder.get("connectors/ldap/history")["results"] if one["run"] == "2"]
        assert {one["sync_id"] for one in held["held"]} == {second}, "the one that held it back first"
        assert f"by sync {second}" in elder.call("GET", "/connectors/ldap").text
        assert elder.get("sync/held?owner=connector:ldap&page=7") == {"held": [], "total": 30, "page": 7, "per_page": 50, "pages": 1}

        released = elder.post("sync/release", {"owner": "connector:ldap"}, 200)
        assert released == {"owner": "connector:ldap", "released": 0, "links": 30, "attributes": 0}
        assert elder.get("dependencies?dependency_type=member_of")["total"] == 0
        assert elder.get("sync/held?owner=connector:ldap")["total"] == 0

    def users(self, count: int) -> list[Resource]:
        return [Resource(f"user-{n}", "user", "ldap_user", f"User {n}", {"n": n}, organization="dc=x") for n in range(count)]

    def test_a_batch_may_be_sent_twice(self, elder, sql):
        body = self.batch(self.users(30))

        first, second = (elder.post("sync/batch", body, 200) for _ in range(2))

        assert (first["created"], second["created"], second["unchanged"], second["rejected"]) == (30, 0, 30, [])
        assert sql.execute("select count(*) from entities").fetchone() == (30,)
        assert elder.get("sync/fingerprints?owner=connector:ldap&provider=ldap&account=dc%3Dx&resource_type=ldap_user")["count"] == 30
        assert elder.get("organizations")["organizations"][0]["name"] == "LDAP: x"

    @pytest.mark.parametrize("owner", ["organization:1", "", "ldap"])
    def test_a_connector_has_no_say_in_what_jobs_have_found(self, elder, owner):
        assert "`owner`" in elder.post("sync/batch", self.batch([], owner=owner), 400)["error"]
        assert "`owner`" in elder.get(f"sync/fingerprints?owner={owner}&provider=ldap", 400)["error"]
        opened = {"owner": owner, "run": "1", "scope": ["ldap", "", "", "x"]}
        assert "`owner`" in elder.post("sync/scopes/begin", opened, 400)["error"]
        closed = opened | {"outcome": "complete", "resources": 0}
        assert "`owner`" in elder.post("sync/scopes", closed, 400)["error"]

    def test_bodies_that_make_no_sense(self, elder):
        assert "`run` is missing" in elder.post("sync/batch", {"owner": "connector:x"}, 400)["details"][0]
        closed = {
            "owner": "connector:x",
            "run": "1",
            "scope": ["ldap", "", "", "x"],
            "outcome": "complete",
            "resources": 0,
            "unseen": "AAAA",
        }
        assert "`unseen`" in elder.post("sync/scopes", closed, 400)["details"][0]

    def test_one_bad_resource_does_not_cost_its_batch(self, elder):
        body = self.batch(self.users(2))
        body["resources"].append({"not": "a resource"})

        answer = elder.post("sync/batch", body, 200)

        assert (answer["created"], len(answer["rejected"])) == (2, 1)

    def test_each_refused_resource_is_told_with_its_reason(self, elder):
        """However many: a connector counts them, and so does whoever reads its log."""
        refused = [Resource("", "user", "ldap_user", f"nobody {n}", {"n": n}, organization="dc=x") for n in range(50)]

        answer = elder.post("sync/batch", self.batch(self.users(2) + refused), 200)

        assert (answer["created"], len(answer["rejected"])) == (2, 50)
        assert all("its external id" in one["reason"] for one in answer["rejected"])
