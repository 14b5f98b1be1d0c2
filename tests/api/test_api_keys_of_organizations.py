"""Keys of an organization: they read it and those below it, and nothing of others by any way."""

from __future__ import annotations

import hashlib
import json

import pytest
from peers.elder import routes

from worker.store import keys

OPEN = {
    "/api/v1/entities",
    "/api/v1/entities/<id:entity_id>",
    "/api/v1/entities/<id:entity_id>/diff",
    "/api/v1/organizations",
    "/api/v1/organizations/<id:organization_id>",
    "/api/v1/organizations/tree",
}
"""Routes that are open to such keys: each needs a test below that it shows nothing of others."""


@pytest.fixture
def world(keyed, sql):
    """Two organizations, one of which has another one below it, with an entity in each; links from each entity to each other one."""
    numbers = {}
    for name, above in (("ours", None), ("ours below", "ours"), ("theirs", None), ("theirs below", "theirs")):
        body = {"name": name, "parent_id": numbers.get(above)}
        numbers[name] = keyed.call("POST", "organizations", json=body).json["id"]
    found = {}
    for name, number in numbers.items():
        found[name] = sql.execute(
            "insert into entities (organization_id, external_id, entity_type, sub_type, name, provider, scope_id, key, content) "
            "values (%s, %s, 'compute', 'vm', %s, 'aws', 0, %s, 0) returning id",
            [number, f"id of {name}", f"vm of {name}", number],
        ).fetchone()[0]
    for source, number in found.items():
        for target in found.keys() - {source}:
            values = [number, found[target], f"link {found[target]}", "uses"]
            sql.execute(
                "insert into dependencies (source_id, target_id, target_external_id, dependency_type) values (%s, %s, %s, %s)", values
            )
    key = keyed.make("dashboards of ours", "read", organization_id=numbers["ours"])
    assert key["organization_id"] == numbers["ours"]
    return keyed, key["key"], numbers, found


def test_every_route_that_is_not_open_to_such_keys_is_closed(world):
    """A new route is closed until somebody decides otherwise."""
    keyed, key, *_ = world
    open_ = {rule.rule for rule in keyed.app.url_map.iter_rules() if rule.endpoint in keyed.context.narrowed}
    assert open_ == OPEN
    tried = 0
    for method, path, name in routes(keyed.app):
        if name in keyed.context.roles and name not in keyed.context.narrowed:
            assert keyed.call(method, path, key).status_code == 403, (method, path)
            tried += 1
    assert tried > 100


@pytest.mark.parametrize("path", [
    "entities", "entities?cursor=", "entities?format=csv", "entities?format=jsonl", "entities?q=vm", "entities?sort=-name", "entities?sort=-name&per_page=1",
    "entities?external_id=id of theirs", "entities?is_active=true", "entities?entity_type=compute", "entities?q=type:vm", "entities?sort=changed&cursor=",
    "entities?q=-nothing", "organizations", "organizations?cursor=", "organizations?format=csv", "organizations?q=e", "organizations/tree",
])  # fmt: skip
def test_no_list_has_anything_of_others(world, path):
    keyed, key, *_ = world
    response = keyed.call("GET", path, key)
    text = response.get_data(as_text=True)
    assert response.status_code == 200, text
    assert "theirs" not in text
    assert ("ours" in text) == ("external_id" not in path)
    assert "theirs" in keyed.call("GET", path).get_data(as_text=True), "a key without a limit sees them"


def test_the_numbers_of_a_list_are_those_of_what_is_seen(world):
    keyed, key, numbers, _ = world
    assert keyed.call("GET", "entities?entity_type=compute", key).json["total"] == 2
    assert keyed.call("GET", "organizations", key).json["total"] == 2
    assert keyed.call("GET", "organizations/tree", key).json["organizations"][0]["entities_in_all"] == 2
    for name, number in numbers.items():
        seen = keyed.call("GET", f"entities?organization_id={number}", key).json["total"]
        assert seen == {"ours": 2, "ours below": 1}.get(name, 0), name


@pytest.mark.parametrize("name", ["ours", "ours below"])
def test_one_of_its_own_has_no_name_and_no_number_of_others(world, name):
    keyed, key, numbers, found = world
    one = keyed.call("GET", f"entities/{found[name]}", key).json
    assert "theirs" not in json.dumps(one)
    [known] = [link for link in one["dependencies"] if link["target_id"] is not None]
    assert known["target_name"].startswith("vm of ours")
    assert len(one["dependencies"]) == 3, "that there is a link is said by the entity itself"
    assert [link["source_name"].startswith("vm of ours") for link in one["dependents"]] == [True]
    assert len(keyed.call("GET", f"entities/{found[name]}").json["dependents"]) == 3
    assert keyed.call("GET", f"entities/{found[name]}/diff", key).status_code == 200
    assert keyed.call("GET", f"organizations/{numbers[name]}", key).json["name"] == name


@pytest.mark.parametrize("name", ["theirs", "theirs below"])
def test_one_of_others_is_not_there(world, name):
    """The answers are those to a number that nobody has."""
    keyed, key, numbers, found = world
    for path in ("entities/{}", "entities/{}/diff"):
        absent, other = (keyed.call("GET", path.format(number), key) for number in (999999, found[name]))
        assert (other.status_code, other.json["error"]) == (404, absent.json["error"].replace("999999", str(found[name])))
    absent, other = (keyed.call("GET", f"organizations/{number}", key) for number in (999999, numbers[name]))
    assert (other.status_code, other.json["error"]) == (404, absent.json["error"].replace("999999", str(numbers[name])))
    absent, other = (keyed.call("GET", f'entities?q=org:"{name}"', key) for name in ("nobody", name))
    assert (other.status_code, other.json["error"]) == (400, absent.json["error"].replace("nobody", name))


def test_one_above_it_is_not_there_either(world):
    """The names and the places of the organizations above are as secret as those beside it."""
    keyed, _, numbers, _ = world
    key = keyed.make("below alone", "read", organization_id=numbers["ours below"])["key"]
    absent, above = (keyed.call("GET", f'entities?q=org:"{name}"', key) for name in ("nobody", "ours"))
    assert (above.status_code, above.json["error"]) == (400, absent.json["error"].replace("nobody", "ours"))
    assert keyed.call("GET", 'entities?q=org:"ours below"', key).json["total"] == 1
    for name in ("ours", "ours below", "theirs"):
        path = f"entities?organization_id={numbers[name]}"
        assert keyed.call("GET", path, key).json["total"] == (name == "ours below"), name
        assert len(keyed.call("GET", f"{path}&cursor=", key).json["entities"]) == (name == "ours below"), name


def test_an_organization_that_moves_takes_its_entities_into_sight_and_out_of_it(world):
    keyed, key, numbers, _ = world
    moved = f"organizations/{numbers['ours below']}"
    assert keyed.call("PATCH", moved, json={"parent_id": numbers["theirs"]}).status_code == 200
    assert [one["name"] for one in keyed.call("GET", "entities", key).json["entities"]] == ["vm of ours"]
    assert keyed.call("PATCH", moved, json={"parent_id": numbers["ours"]}).status_code == 200
    assert keyed.call("GET", "entities", key).json["total"] == 2


def test_where_its_organization_is_merged_into_another_one_it_sees_nothing(world):
    keyed, key, numbers, _ = world
    assert keyed.call("POST", f"organizations/{numbers['ours']}/merge", json={"into": numbers["theirs"]}).status_code == 200
    assert keyed.call("GET", "entities", key).json["total"] == 0
    assert keyed.call("GET", "organizations", key).json["total"] == 0


def test_rotated_it_keeps_its_limit_and_so_does_the_key_before(world):
    keyed, key, numbers, _ = world
    [made] = [one for one in keyed.call("GET", "keys").json["keys"] if one["organization_id"]]
    rotated = keyed.call("POST", f"keys/{made['id']}/rotate", json={"grace_seconds": 60}).json
    assert rotated["organization_id"] == numbers["ours"]
    for one in (key, rotated["key"]):
        assert (keyed.status(one, "entities"), keyed.status(one, "changes")) == (200, 403)
        assert keyed.call("GET", "entities", one).json["total"] == 2


def test_a_release_that_does_not_know_of_the_limit_does_not_know_the_key(world, sql):
    """It looks for the plain hash, and would let the key read everything."""
    keyed, key, *_ = world
    [made] = [one for one in keyed.call("GET", "keys").json["keys"] if one["organization_id"]]
    rotated = keyed.call("POST", f"keys/{made['id']}/rotate", json={"grace_seconds": 60}).json["key"]
    stored = {bytes(one) for row in sql.execute("select hash, previous_hash from elder_worker.api_keys") for one in row if one}
    assert len(stored) == 2
    assert not stored & {hashlib.sha256(one.encode()).digest() for one in (key, rotated)}
    assert stored == {keys._hashes(one)["limited"] for one in (key, rotated)}


@pytest.mark.parametrize("role", ["operate", "admin", "sync"])
def test_only_the_role_read_can_be_limited(world, role):
    keyed, _, numbers, _ = world
    refused = keyed.call("POST", "keys", json={"name": "x", "role": role, "organization_id": numbers["ours"]})
    assert refused.status_code in (400, 422)
    assert f"a key of an organization has the role `read`, not `{role}`" in refused.get_data(as_text=True)


def test_an_organization_that_is_not_there_is_refused(keyed):
    refused = keyed.call("POST", "keys", json={"name": "x", "role": "read", "organization_id": 999999})
    assert (refused.status_code, "there is no organization 999999" in refused.json["error"]) == (400, True)


def test_the_page_makes_one_and_shows_its_limit(world):
    keyed, _, numbers, _ = world
    form = {"name": "by page", "role": "read", "expires_in_days": "30", "organization_id": str(numbers["theirs"])}
    made = keyed.call("POST", "/keys", data=form)
    assert made.status_code == 201, made.get_data(as_text=True)
    [row] = [one for one in keyed.call("GET", "keys").json["keys"] if one["name"] == "by page"]
    assert row["organization_id"] == numbers["theirs"]
    for path in ("/keys", f"/keys/{row['id']}"):
        assert f"organization {numbers['theirs']}" in keyed.call("GET", path).get_data(as_text=True)
    refused = keyed.call("POST", "/keys", data={**form, "name": "y", "role": "admin"})
    assert "has the role `read`" in refused.get_data(as_text=True)


@pytest.mark.parametrize("number", ["0", "00", "-1", "ours", "999999"])
def test_the_page_makes_no_key_without_a_limit_where_one_is_given(world, number):
    """An id that nobody has is refused; only an empty field is a key that sees everything."""
    keyed, *_ = world
    before = len(keyed.call("GET", "keys").json["keys"])
    form = {"name": "by mistake", "role": "read", "expires_in_days": "30", "organization_id": number}
    refused = keyed.call("POST", "/keys", data=form)
    assert refused.status_code in (400, 422), refused.get_data(as_text=True)
    assert "Not made" in refused.get_data(as_text=True)
    assert len(keyed.call("GET", "keys").json["keys"]) == before
