"""Every list of the API in the same way: orders, cursors, fields, the header Link, CSV; none of it by another code."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from listed_api import LISTS, ROWS, address, populated
from peers.elder import bearer
from store_runs import add_job

from api.client.main import main
from api.listing import sorts

UNBOUNDED = {
    "/entities", "/changes", "/dependencies", "/audit", "/runs", "/runs/{run_id}/scopes", "/scopes", "/discovery/jobs",
    "/webhooks/{webhook_id}/deliveries", "/connectors/{name}/syncs", "/connectors/{name}/syncs/{sync_id}/scopes",
}  # fmt: skip


@pytest.fixture
def api(database, sql):
    with populated(database, sql) as api:
        yield api


def name_of(path: str) -> str:
    [name] = set(LISTS[path].answer.__struct_encode_fields__) - {"total", "page", "per_page", "pages", "next_cursor"}
    return name


def walked(api, path: str, **query) -> list[dict]:
    """The rows from cursor to cursor, by the header Link."""
    found, place = [], f"?{'&'.join(f'{key}={value}' for key, value in {**query, 'cursor': ''}.items())}"
    while place:
        response = api.call("GET", address(path) + place)
        assert response.status_code == 200, response.text
        assert response.json["total"] is None
        found += response.json[name_of(path)]
        following = re.search(r'<([^>]*)>; rel="next"', response.headers["Link"])
        place = following[1] if following else ""
        assert bool(place) == (response.json["next_cursor"] is not None)
    return found


def test_the_lists_that_grow_without_bound_are_all_of_this_kind():
    assert set(LISTS) >= UNBOUNDED
    for endpoint in LISTS.values():
        assert set(endpoint.streams) == {"text/csv", "application/x-ndjson"}


def test_every_order_of_every_list_is_the_same_by_page_by_cursor_and_as_an_export(api):
    for path, endpoint in LISTS.items():
        name = name_of(path)
        for sort in sorts(endpoint.query.sortings):
            whole = api.get(f"{address(path)}?sort={sort}&per_page=1000")
            rows, pages = whole[name], []
            assert whole["total"] == len(rows) >= ROWS, path
            for page in range(1, -(-len(rows) // 50) + 1):
                pages += api.get(f"{address(path)}?sort={sort}&page={page}")[name]
            lines = api.export(f"{address(path)}?sort={sort}&format=jsonl").text.splitlines()
            assert pages == rows == walked(api, path, sort=sort, per_page=5) == [json.loads(line) for line in lines], (path, sort)
            check_order(rows, sort, path)


def check_order(rows, sort: str, path: str) -> None:
    """Rows are in the order of the field that the order is named after; entities have names of their own for sortings."""
    field = sort.removeprefix("-")
    if rows and field in rows[0] and field != "name":
        values = [row[field] if row[field] is not None else "" for row in rows]
        assert values == sorted(values, reverse=sort.startswith("-")), (path, sort)


def test_what_a_list_cannot_be_sorted_by_is_refused_with_what_it_can_be(api):
    for path, endpoint in LISTS.items():
        answer = api.get(f"{address(path)}?sort=payload", 400)
        assert ", ".join(endpoint.query.sortings) in " ".join([answer["error"], *answer["details"]]), path
        [parameter] = [one for one in api.document["paths"][f"/api/v1{path}"]["get"]["parameters"] if one["name"] == "sort"]
        assert parameter["schema"]["enum"] == sorts(endpoint.query.sortings)
        assert parameter["schema"]["default"] in parameter["schema"]["enum"]


def test_fields_of_every_list_leave_the_others_out(api):
    for path in LISTS:
        rows = api.get(f"{address(path)}?per_page=3")[name_of(path)]
        chosen = list(rows[0])[1:3]
        for query in (f"fields={','.join(chosen)}&per_page=3", f"fields={','.join(chosen)}&per_page=3&cursor="):
            found = api.get(f"{address(path)}?{query}")
            assert found[name_of(path)] == [{name: row[name] for name in chosen} for row in rows], path
            assert found["next_cursor"] is not None
        assert "its fields: " in " ".join(api.get(f"{address(path)}?fields=nothing", 400)["details"])


def test_csv_of_every_list_has_all_rows_and_runs_no_formula(api, sql):
    sql.execute("update discovery_jobs set name = '=cmd' where id = 1")
    for path in LISTS:
        rows = api.get(f"{address(path)}?per_page=1000")[name_of(path)]
        response = api.export(address(path), Accept="text/csv")
        found = list(csv.DictReader(io.StringIO(response.text)))
        assert response.headers["Content-Disposition"] == f'attachment; filename="{name_of(path)}.csv"'
        assert len(found) == len(rows), path
        assert list(found[0]) == list(rows[0]), path
    assert "'=cmd" in {row["name"] for row in csv.DictReader(io.StringIO(api.export("discovery/jobs", "csv").text))}
    refused = api.get("audit?format=csv&page=2", 400)
    assert "leave out `page`" in refused["error"]


def test_exports_need_the_same_role_and_show_no_secret(api):
    body = {"name": "secret", "provider": "aws", "config": {"access_key_id": "AKIA", "secret_access_key": "s3cret-canary"}}
    api.post("discovery/jobs", body)
    read = api.post("keys", {"name": "reader", "role": "read"})["key"]
    for path, endpoint in LISTS.items():
        allowed = api.http.get(f"/api/v1/{address(path)}?format=csv", headers=bearer(read)).status_code
        assert allowed == (200 if endpoint.role == "read" else 403), path
        assert "s3cret-canary" not in api.export(address(path), "csv-raw").text


def test_a_cursor_leaves_nothing_out_while_rows_come(api, sql):
    """Lists to which rows are added at their head: what was there is read once, whatever comes in between."""
    for path in ("/audit", "/runs", "/discovery/jobs", "/webhooks/{webhook_id}/deliveries", "/connectors/{name}/syncs"):
        before = [row["id"] for row in api.get(f"{address(path)}?per_page=1000")[name_of(path)]]
        first = api.get(f"{address(path)}?cursor=&per_page=3")
        api.post("organizations", {"name": f"between {path}"})
        job = add_job(sql, None, name="between")
        sql.execute("insert into discovery_history (job_id, status) values (%s, 'completed')", [job])
        sql.execute("insert into connector_history (connector, run) values ('ldap', %s)", [path])
        api.post("webhooks/1/test", status=202)
        rest = api.get(f"{address(path)}?cursor={first['next_cursor']}&per_page=1000")
        assert [row["id"] for row in first[name_of(path)] + rest[name_of(path)]] == before, path


def test_a_ledger_of_a_run_that_is_not_there_is_not_found(api):
    assert api.get("runs/999/scopes", 404)["error"] == "there is no run 999"
    assert "has no sync 999" in api.get("connectors/ldap/syncs/999/scopes", 404)["error"]
    assert "no connector 'x'" in api.get("connectors/x/syncs", 404)["error"]
    assert api.export("runs/999/scopes", "csv").status_code == 404


def test_runs_and_ledgers_are_filtered(api):
    assert {run["provider"] for run in api.get("runs?provider=gcp")["runs"]} == {"gcp"}
    assert {run["job_id"] for run in api.get("runs?job_id=7")["runs"]} == {7}
    assert api.get("runs?status=completed")["total"] == 0
    assert api.get("runs?since=1h")["total"] == api.get("runs")["total"]
    assert api.get("runs?until=1h")["total"] == 0
    assert "`since`" in " ".join(api.get("runs?since=never", 400)["details"])
    lines = api.get("runs/1/scopes?outcome=denied")["scopes"]
    assert [line["resource_type"] for line in lines] == ["kind_1"]
    assert api.get("runs/1/scopes?region=r0")["total"] == 3
    shown = api.get("runs/1")["scopes"]
    assert len(shown) == api.get("runs/1/scopes")["total"]


def test_more_runs_than_are_counted_have_no_totals(api, monkeypatch):
    monkeypatch.setattr("worker.store.history.COUNTED", 3)
    found = api.get("runs?per_page=2")
    assert (found["total"], found["pages"], len(found["runs"])) == (None, None, 2)
    assert found["next_cursor"] is not None


def test_jobs_are_filtered_by_what_a_person_looks_for(api):
    api.patch("discovery/jobs/1", {"enabled": False, "description": "The Payments account", "organization_id": 4})
    assert [job["id"] for job in api.get("discovery/jobs?enabled=false")["jobs"]] == [1]
    assert [job["id"] for job in api.get("discovery/jobs?q=payments")["jobs"]] == [1]
    assert [job["id"] for job in api.get("discovery/jobs?organization_id=1")["jobs"]] == [1], "its organization is below the first"
    assert api.get("discovery/jobs?organization_id=2")["total"] == 0


def test_each_row_type_can_be_told_apart_from_a_whole_thing(api):
    """A list's rows may lack fields in the document; a single job may not."""
    schemas = api.document["components"]["schemas"]
    assert "required" not in schemas["ListedJob"] or schemas["ListedJob"]["required"] == []
    assert set(schemas["Job"]["required"]) == set(schemas["ListedJob"]["properties"])


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ("jobs list", "/discovery/jobs"),
        ("runs list", "/runs"),
        ("runs scopes", "/runs/{run_id}/scopes"),
        ("scopes list", "/scopes"),
        ("entities list", "/entities"),
        ("orgs list", "/organizations"),
        ("keys list", "/keys"),
        ("webhooks list", "/webhooks"),
        ("audit", "/audit"),
    ],
)
def test_the_command_line_names_what_each_list_can_be_sorted_by(words, path):
    command = main
    for word in words.split():
        command = command.commands[word]
    [option] = [one for one in command.params if one.name == "sort"]
    *names, last = LISTS[path].query.sortings
    assert option.help.startswith(f"{', '.join(names)} or {last};")
