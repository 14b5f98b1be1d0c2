"""The audit log: each change by a person leaves one line, in the transaction of the change, with secrets as marks."""

from __future__ import annotations

import inspect
import re

from peers.elder import FIRST
from store_runs import claim

from api.endpoints import ENDPOINTS

SECRET = "s3cret-canary"
AWS = {"access_key_id": "AKIAXXXXXXXXXXXXXXXX", "secret_access_key": SECRET, "regions": ["us-east-1"]}


def lines(elder, query: str = "") -> list[dict]:
    return elder.get(f"audit{query}")["audit"]


def test_a_job_from_its_making_to_its_end(elder):
    job = elder.job()
    path = f"discovery/jobs/{job['id']}"
    elder.patch(path, {"config": {"secret_access_key": "an0ther-canary"}})
    elder.patch(path, {"name": "renamed", "config": {"secret_access_key": "***REDACTED***"}})
    elder.post(f"{path}/queue", status=202)
    elder.post(f"{path}/cancel", status=202)
    elder.post(f"{path}/accept-identity", status=200)
    elder.delete(path)

    found = lines(elder, f"?object=job%20{job['id']}")[::-1]

    assert [line["action"] for line in found] == [
        "job made", "job changed", "job changed", "job queued", "job cancelled", "identity accepted", "job deleted",
    ]  # fmt: skip
    made, anew, renamed, *_, deleted = found
    assert {(line["actor"], line["role"], line["address"]) for line in found} == {("local", "admin", "127.0.0.1")}
    assert (made["before"], made["after"]["config"]["secret_access_key"]) == (None, "***REDACTED***")
    assert (anew["before"]["config"]["secret_access_key"], anew["after"]["config"]["secret_access_key"]) == (
        "***REDACTED***",
        "***CHANGED***",
    )
    assert (renamed["before"]["name"], renamed["after"]["name"]) == ("scan", "renamed")
    assert renamed["after"]["config"]["secret_access_key"] == "***REDACTED***"
    assert (deleted["before"]["name"], deleted["after"]) == ("renamed", None)
    assert "canary" not in str(found)


def test_who_and_from_where(keyed):
    key = keyed.make("night shift", "operate")["key"]

    keyed.call("POST", "organizations", key, json={"name": "o"}, environ_overrides={"REMOTE_ADDR": "10.9.8.7"})
    page = keyed.call("POST", "/jobs/new", key, data={"provider": "aws", "action": "save", "name": "by a page", "queue": "default"})

    assert page.status_code == 303
    found = keyed.call("GET", "audit").json["audit"]
    assert [(line["actor"], line["role"], line["address"], line["action"]) for line in found] == [
        ("key:night shift", "operate", "127.0.0.1", "job made"),
        ("key:night shift", "operate", "10.9.8.7", "organization made"),
        ("ELDER_API_KEY", "admin", "127.0.0.1", "key made"),
    ]
    assert keyed.call("GET", "audit?actor=ELDER_API_KEY").json["total"] == 1
    assert keyed.call("GET", "audit?action=job%20made").json["total"] == 1
    assert keyed.call("GET", "audit?per_page=1").json["pages"] == 3


def test_what_is_refused_leaves_no_line_and_what_cannot_be_told_does_not_happen(elder, sql, database):
    elder.post("discovery/jobs", {"name": "x", "provider": "aws", "organization_id": 99}, 400)
    job = elder.job()
    claim(database)
    elder.delete(f"discovery/jobs/{job['id']}", 409)
    assert [line["action"] for line in lines(elder)] == ["job made"]

    sql.execute("alter table audit_log add constraint full_disk check (action <> 'organization made')")
    assert elder.call("POST", "organizations", {"name": "o"}).status_code == 400
    assert sql.execute("select count(*) from organizations").fetchone() == (0,)


def test_keys_are_told_without_the_keys(keyed):
    made = keyed.make("ci", "read")
    keyed.call("POST", f"keys/{made['id']}/rotate", json={"grace_seconds": 60})
    keyed.call("DELETE", f"keys/{made['id']}")

    text = keyed.call("GET", "audit").get_data(as_text=True)

    assert re.findall(r'"action":"([^"]+)"', text) == ["key revoked", "key rotated", "key made"]
    assert made["key"] not in text
    assert FIRST not in text


def test_the_end_of_a_sync_is_one_line(elder):
    for status in ("running", "running", "completed"):
        elder.post("sync/runs", {"owner": "connector:ldap", "run": "r", "status": status, "created": 3}, 200)

    assert [(line["action"], line["object"], line["after"]["status"]) for line in lines(elder)] == [
        ("connector synced", "connector:ldap", "completed")
    ]


def test_scopes_that_are_retired_and_deletions_that_are_released(elder):
    elder.post("scopes/retire", {"provider": "aws", "region": "eu-west-1"}, 200)
    elder.post("sync/release", {"owner": "connector:ldap"}, 200)

    assert [(line["action"], line["object"]) for line in lines(elder)] == [
        ("deletions released", "connector:ldap"),
        ("scopes retired", "provider=aws region=eu-west-1"),
    ]


def test_every_endpoint_that_changes_something_writes_its_line():
    """Found by their source, so that a new one that does not open `audited` is seen. A connector's own requests are told once a sync."""
    quiet = [
        f"{endpoint.method} {endpoint.path}"
        for endpoint in ENDPOINTS
        if endpoint.method != "GET" and endpoint.role != "sync" and "audited(" not in inspect.getsource(endpoint.handle)
    ]
    assert not quiet
