"""What changed, as the API, the pages and the command `elder` tell it."""

from __future__ import annotations

import json

import pytest
from store_runs import add_job, run_once

from providers.records import Resource


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

    assert table[0].split() == ["changed_at", "change", "operation", "where", "before", "after"]
    assert len(table) == 3
    assert "attributes.IpPermissions" in table[1]
    assert "8443" in table[1]
    assert "4039" not in table[1]
    steps = json.loads(elder_command("-o", "json", "entities", "diff", str(opened), "--limit", "1").stdout)
    assert [step["after"] for step in steps] == [rule(8443)]
    assert elder_command("entities", "diff", str(opened), "--change", str(steps[0]["change"])).stdout.count("\n") == 2
    assert elder_command("entities", "diff", "99", code=1).stderr == "elder: there is no entity 99\n"
