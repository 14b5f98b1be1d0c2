"""The change feed and the steps of a change: in the API, on the pages and by the command `elder`."""

from __future__ import annotations

import json
import re

import msgspec
import pytest
from store_runs import Run, add_job, run_once

from api.changes import ignorable
from providers.records import Resource, Scope


def rule(port: int) -> dict:
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}


def group(*ports: int) -> Resource:
    return Resource("arn:sg", "security_group", "security_group", "web", {"IpPermissions": [rule(port) for port in ports]})


PORTS = tuple(range(4000, 4040))


@pytest.fixture
def opened(database, sql) -> int:
    """A security group of 40 rules in which a run found port 8443 opened; returns its id."""
    job = add_job(sql)
    run_once(database, job, [group(*PORTS)])
    run_once(database, job, [group(*PORTS[:7], 8443, *PORTS[7:])])
    return int(sql.execute("select id from entities where external_id = 'arn:sg'").fetchone()[0])


def test_a_port_that_is_opened_is_one_step(elder, opened):
    answer = elder.get(f"entities/{opened}/diff")

    assert (answer["entity_id"], answer["total"]) == (opened, 2)
    [step] = answer["changes"][0]["steps"]
    assert (step["operation"], step["where"], step["before"]) == ("add", "attributes.IpPermissions", None)
    assert step["after"] == rule(8443)
    assert step["path"] == ["attributes.IpPermissions", 7]
    assert (answer["changes"][1]["operation"], answer["changes"][1]["steps"]) == ("created", [])
    assert "there is no entity 99" in elder.get("entities/99/diff", 404)["error"]


@pytest.mark.parametrize("path", ["/changes", "/entities/{}"])
def test_pages_show_that_one_rule_and_none_of_the_others(elder, opened, path):
    text = elder.call("GET", path.format(opened), headers={"Accept": "text/html"}).get_data(as_text=True)

    changed = text[text.index("Step by step") : text.index("</table>", text.index("Step by step"))]
    assert changed.count("8443") == 2, "FromPort and ToPort"
    assert "added" in changed
    assert "4039" not in changed


def test_the_command_shows_the_same(elder_command, opened):
    table = elder_command("entities", "diff", str(opened)).stdout.splitlines()

    assert table[0].split() == ["changed", "change", "operation", "where", "before", "after"]
    assert len(table) == 3
    assert "attributes.IpPermissions" in table[1]
    assert "8443" in table[1]
    assert "4039" not in table[1]
    assert not re.search(r"\s-\d", "\n".join(table)), "no id of a change that is none of its own"
    every = json.loads(elder_command("-o", "json", "entities", "diff", str(opened)).stdout)
    assert (every[-1]["operation"], every[-1]["change"]) == ("created", None)
    assert all(step["change"] > 0 for step in every[:-1])
    steps = json.loads(elder_command("-o", "json", "entities", "diff", str(opened), "--limit", "1").stdout)
    assert [step["after"] for step in steps] == [rule(8443)]
    assert elder_command("entities", "diff", str(opened), "--change", str(steps[0]["change"])).stdout.count("\n") == 2
    assert elder_command("entities", "diff", "99", code=6).stderr == "elder: there is no entity 99\n"


@pytest.fixture
def feed(elder, database, sql, opened) -> dict[str, int]:
    """Changes of two jobs, of AWS and of Kubernetes; returns the jobs' ids."""
    other = elder.post("discovery/jobs", {"name": "cluster", "provider": "kubernetes", "config": {}})["id"]
    pod = Resource("pod", "workload", "k8s_pod", "web", {"status": {"seen": 1, "phase": "Running"}, "list": [{"id": 1, "n.m": 1}]})
    scope = Scope("kubernetes", "c", "", "k8s_pod")
    for seen in (1, 2):
        run = Run(database, other)
        changed = {"status": {"seen": seen, "phase": "Running"}, "list": [{"id": 1, "n.m": seen}]}
        run.scope([msgspec.structs.replace(pod, attributes=changed)], scope)
        run.finish()
        sql.execute("update discovery_jobs set next_run_at = now() where id = %s", [other])
    sql.execute("update entity_changes set changed_at = now() - interval '3 days' where entity_id = %s and operation = 'updated'", [opened])
    sql.execute("update elder_worker.created set created_at = created_at - interval '5 days' where first_id = %s", [opened])
    sql.execute("update entities set first_seen_at = first_seen_at - interval '5 days' where id = %s", [opened])
    return {"aws": sql.execute("select min(id) from discovery_jobs").fetchone()[0], "kubernetes": other}


FILTERS = {
    "": 4,
    "job_id={aws}": 2,
    "job_id={kubernetes}": 2,
    "job_id=999": 0,
    "provider=aws": 2,
    "provider=kubernetes&operation=created": 1,
    "sub_type=k8s_pod": 2,
    "sub_type=security_group&operation=updated": 1,
    "field=IpPermissions": 1,
    "field=status": 1,
    "field=nothing": 0,
    "since=24h": 2,
    "since=4d": 3,
    "until=24h": 2,
    "until=4d": 1,
    "since=4d&until=1h&provider=aws": 1,
    "since=2026-01-01&until=2026-01-02": 0,
    "since=2000-01-01T00:00:00Z": 4,
    "provider=aws&until=4d": 1,
}


def test_changes_are_filtered_by_time_job_provider_type_and_field(elder, feed):
    counts = {}
    for query in FILTERS:
        answer = elder.get(f"changes?{query.format(**feed)}")
        assert len(answer["changes"]) == answer["total"], query
        counts[query] = answer["total"]

    assert counts == FILTERS
    assert [elder.get(f"changes?sub_type=k8s_pod&per_page=1&page={page}")["changes"][0]["operation"] for page in (1, 2)] == [
        "updated",
        "created",
    ]
    assert {(one["job_id"], one["job"], one["provider"]) for one in elder.get(f"changes?job_id={feed['kubernetes']}")["changes"]} == {
        (feed["kubernetes"], "cluster", "kubernetes")
    }
    for wrong in ("since=soon", "until=9999999d", "since=0001-01-01"):
        assert wrong.partition("=")[0] in elder.get(f"changes?{wrong}", 400)["details"][0]


@pytest.mark.parametrize("name", ["since", "until"])
def test_an_empty_time_filters_nothing(elder, opened, name):
    assert elder.get(f"changes?{name}=")["total"] == elder.get("changes")["total"] == 2


def test_the_page_filters_and_ignores_a_field_in_its_job(elder, feed, sql):
    def page(query: str, status: int = 200) -> str:
        answer = elder.call("GET", f"/changes?{query}", headers={"Accept": "text/html"})
        assert answer.status_code == status
        return answer.get_data(as_text=True)

    shown = page("provider=kubernetes&operation=updated&since=24h&sub_type=&field=")
    assert shown.count('<tr><td><a href="/entities/') == 1
    assert 'value="status.seen"' in shown
    assert 'value="list[].&#34;n.m&#34;"' in shown
    assert "No change fits these filters" in page("field=nothing")
    assert "is a date, a time" in page("since=soon", 400)

    done = elder.call("POST", f"/jobs/{feed['kubernetes']}/ignore", data={"field": "status.seen"}, headers={"Accept": "text/html"})

    assert (done.status_code, done.headers["Location"]) == (303, f"/jobs/{feed['kubernetes']}")
    assert elder.get(f"discovery/jobs/{feed['kubernetes']}")["config"]["ignore_fields"] == ["status.seen"]
    again = elder.post(f"discovery/jobs/{feed['kubernetes']}/ignore", {"field": "**.etag"}, 200)
    assert again["config"]["ignore_fields"] == ["status.seen", "**.etag"]
    assert elder.post(f"discovery/jobs/{feed['kubernetes']}/ignore", {"field": "**.etag"}, 200)["config"] == again["config"]
    [line, *_] = elder.get("audit?action=field%20ignored")["audit"]
    assert line["after"] == {"ignore_fields": ["status.seen", "**.etag"]}
    assert elder.post("discovery/jobs/999/ignore", {"field": "x"}, 404)["error"] == "there is no job 999"
    assert "`field`" in elder.post(f"discovery/jobs/{feed['kubernetes']}/ignore", {"field": " "}, 400)["details"][0]
    assert elder.call("POST", f"/jobs/{feed['kubernetes']}/ignore", data={}).status_code == 400


def test_a_secret_stays_when_a_field_is_ignored(elder, sql):
    job = elder.job()["id"]
    before = sql.execute("select config -> 'secret_access_key' from discovery_jobs where id = %s", [job]).fetchone()[0]

    elder.post(f"discovery/jobs/{job}/ignore", {"field": "LastSeen"}, 200)

    [(config,)] = sql.execute("select config from discovery_jobs where id = %s", [job]).fetchall()
    assert (config["ignore_fields"], config["regions"]) == (["LastSeen"], ["us-east-1"])
    assert config["secret_access_key"].keys() == before.keys()


def test_the_command_filters_and_ignores(elder_command, feed):
    rows = json.loads(elder_command("-o", "json", "changes", "--provider", "kubernetes", "--since", "24h", "--field", "status").stdout)
    assert [row["name"] for row in rows] == ["web"]
    assert elder_command("changes", "--job", "999").stdout == ""
    assert "`since`" in elder_command("changes", "--since", "soon", code=2).stderr
    assert (
        elder_command("jobs", "ignore", str(feed["kubernetes"]), "status.seen").stdout == f"job {feed['kubernetes']} ignores status.seen\n"
    )


@pytest.mark.parametrize(
    ("recorded", "paths"),
    [
        ({"attributes.a": [1, 2]}, ["a"]),
        ({"attributes.a": [[1], [1, 2]]}, ["a"]),
        ({"attributes.a": [[{"id": 1, "b": 1}], [{"id": 1, "b": 2}]]}, ["a[].b"]),
        ({"attributes.a": [{"b": {"c.d": 1}}, {"b": {"c.d": 2}}]}, ['a.b."c.d"']),
        ({"attributes.a.b": [1, 2]}, ['"a.b"']),
        ({"attributes.a": [[{"id": n, "b": 1} for n in range(9)], [{"id": n, "b": 2} for n in range(9)]]}, ["a[].b"]),
        ({"tags.team": ["a", "b"], "name": ["a", "b"], 'attributes.x"': [1, 2], "attributes.x[]": [1, 2]}, []),
    ],
)
def test_the_path_by_which_a_field_is_ignored(recorded, paths):
    """The paths are those that `providers.catalogue.paths` reads."""
    assert ignorable(recorded) == paths


@pytest.mark.parametrize(("bound", "said"), [(2, "more than 2"), (4, "4")])
def test_the_page_says_when_there_are_more_than_it_counts(elder, feed, monkeypatch, bound, said):
    monkeypatch.setattr("api.changes.COUNTED", bound)
    page = elder.call("GET", "/changes", headers={"Accept": "text/html"}).get_data(as_text=True)
    assert f'Entity by entity <span class="quiet">{said}</span>' in page


def test_changes_are_read_from_cursor_to_cursor(elder, elder_command, feed):
    everything = elder.get("changes?per_page=1000")
    assert everything["next_cursor"] is None
    assert everything["total"] == len(everything["changes"]) > 3
    found, cursor, pages = [], "", 0
    while cursor is not None:
        answer = elder.get("changes", query_string={"cursor": cursor, "per_page": 2})
        assert (answer["total"], answer["page"], answer["pages"]) == (None, None, None)
        found += answer["changes"]
        cursor, pages = answer["next_cursor"], pages + 1
    assert found == everything["changes"]
    assert pages > 1
    page = elder.get("changes?per_page=2")
    assert elder.get("changes", query_string={"cursor": page["next_cursor"], "per_page": 1000})["changes"] == found[2:]
    assert [json.loads(line)["id"] for line in elder_command("-o", "jsonl", "changes").stdout.splitlines()] == [one["id"] for one in found]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("cursor=nonsense", "take it from `next_cursor`"),
        ("cursor=&page=2", "`cursor` and `page` exclude each other"),
        ("cursor=WyJpZCIsMSwxXQ", "sorted by 'id', not by '-changed_at'"),
        ("cursor=WyItY2hhbmdlZF9hdCIsMSwxXQ", "take it from `next_cursor`"),
        ("cursor=WyItY2hhbmdlZF9hdCIsIjIwMjYtMDEtMDFUMDA6MDA6MDBaIiwtOTIyMzM3MjAzNjg1NDc3NTgwOF0", "out of range"),
    ],
)
def test_a_cursor_that_is_not_one_of_changes_is_refused(elder, query, said):
    assert said in str(elder.get(f"changes?{query}", 400))


def test_more_changes_than_are_counted_have_no_total_and_are_read_on(elder, feed, monkeypatch):
    monkeypatch.setattr("api.changes.COUNTED", 2)
    query = {"provider": "kubernetes", "per_page": 1}
    everything = elder.get("changes?cursor=&provider=kubernetes")["changes"]
    assert len(everything) == 2
    counted = elder.get("changes", query_string=query)
    assert (counted["total"], counted["pages"]) == (2, 2)
    monkeypatch.setattr("api.changes.COUNTED", 0)
    found = elder.call("GET", "/api/v1/changes", query_string=query)
    answer = found.get_json()
    assert (answer["total"], answer["page"], answer["pages"]) == (None, 1, None)
    assert 'rel="next"' in found.headers["Link"]
    assert answer["changes"] + elder.get("changes", query_string=query | {"cursor": answer["next_cursor"]})["changes"] == everything
    assert elder.get("changes", query_string=query | {"page": 2})["changes"] == everything[1:]
    assert elder.get("changes", query_string=query | {"page": 3})["next_cursor"] is None
    assert elder.get("changes?per_page=1")["total"] > 2, "more are counted where an index has them"
    monkeypatch.setattr("api.changes.COUNTED_BY_INDEX", 2)
    bounded = elder.get("changes?per_page=1")
    assert (bounded["total"], bounded["pages"], bool(bounded["next_cursor"])) == (None, None, True)


def test_what_a_day_has_changed_is_counted_by_type_each_number_a_link_to_those_changes(elder, feed):
    answer = elder.get("changes/types")

    assert answer == {
        "types": [{"provider": "kubernetes", "sub_type": "k8s_pod", "created": 1, "updated": 1, "deleted": 0, "restored": 0}],
        "counted": None,
    }
    page = elder.call("GET", "/changes", headers={"Accept": "text/html"}).get_data(as_text=True)
    links = re.findall(r'href="/changes\?(since=24h&amp;operation=[^"]+)">(\d+)<', page)
    assert [count for _, count in links] == ["1", "1"]
    for query, count in links:
        assert elder.get(f"changes?{query.replace('&amp;', '&')}")["total"] == int(count)
    assert "Within a day, by type" not in elder.call("GET", "/changes?provider=aws", headers={"Accept": "text/html"}).get_data(as_text=True)


def test_the_page_says_when_it_has_not_counted_all_changes_of_the_day(elder, feed, monkeypatch):
    monkeypatch.setattr("worker.store.changes.by_type.__defaults__", (1,))
    page = elder.call("GET", "/changes", headers={"Accept": "text/html"}).get_data(as_text=True)
    assert "the latest 1 are counted" in page
