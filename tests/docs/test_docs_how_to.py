"""docs/how-to.md: each task that people have is listed, and the guide to organizations does what it says."""

from __future__ import annotations

import pathlib
import re
import shlex

import pytest

from providers import registry

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "how-to.md"
TEXT = PAGE.read_text()
ROWS = dict(re.findall(r"^\| (.+?) \| (.+) \|$", TEXT, re.MULTILINE))
BLOCKS = dict(re.findall(r"<!-- executed by tests/docs/test_docs_how_to.py: (\w+) -->\n```bash\n(.*?)```", TEXT, re.DOTALL))
TASKS = (
    "organizations", "LDAPS", "EKS", "GKE", "AKS", "reverse proxy", "https", "SSO", "back up", "restore", "upgrade", "rollback", "rotate",
    "retention", "sizing", "decommission", "monitor", "view",
)  # fmt: skip
NAMES = {"aws": "AWS", "azure": "Azure", "gcp": "Google Cloud", "entra": "Entra ID", "ldap": "OpenLDAP"}
"""Names of providers for people, where they differ from the title."""


@pytest.mark.parametrize("task", TASKS)
def test_each_task_has_a_row(task):
    assert any(task in row for row in ROWS)


def test_each_provider_has_a_row():
    names = {NAMES.get(name, name.replace("_", " ")) for name in registry.names() if name != "hostile"}
    assert len(names) >= 8
    assert not [name for name in names if not any(f"read {name}".lower() in row.lower() for row in ROWS)]


def test_the_guide_to_organizations_command_by_command(elder_command, elder):
    def typed(block):
        """The answers to the lines of a block, each of which has to end with 0."""
        return [elder_command(*shlex.split(line)[1:]) for line in BLOCKS[block].splitlines()]

    typed("make")
    tree = {one["name"]: one["parent_id"] for one in elder.get("organizations")["organizations"]}
    assert tree == {"Example": None, "Payments": 1, "Search": 1}
    [key] = typed("key")
    assert "elder_" in key.stdout
    elder_command("orgs", "delete", "1", "--yes", code=7)
    typed("change")
    assert [one["name"] for one in elder.get("organizations")["organizations"]] == ["Example"]
    assert set(BLOCKS) == {"make", "key", "change"}
    assert TEXT.count("```bash") == len(BLOCKS)
