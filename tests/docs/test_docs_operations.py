"""docs/operations.md: what operators ask has a heading, its commands exist, and so do its settings and its links."""

from __future__ import annotations

import contextlib
import io
import pathlib
import re

import pytest

from worker.cli.main import parser
from worker.cli.settings import sections

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "operations.md").read_text()
HEADINGS = re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)
ASKED = (
    "Who may do what, and who did",
    "When a key has leaked",
    "TLS",
    "What is promised without Landlock",
    "Backup and restore",
    "Upgrading from an earlier release",
    "Which versions work side by side",
    "Sizing",
    "How long history is kept",
    "Decommissioning an account",
    "Signing in by an identity provider",
    "Behind a proxy",
    "Monitoring",
)
COMMANDS = sorted(set(re.findall(r"`elder-worker ((?:keys|secrets|runs|scopes|jobs|connectors) [a-z]+)", TEXT)))


def anchor(heading: str) -> str:
    """The address of a heading in the page, as GitHub makes it."""
    return re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-")


@pytest.mark.parametrize("heading", ASKED)
def test_what_operators_ask_has_a_heading(heading):
    assert heading in HEADINGS


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_exists(command):
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), pytest.raises(SystemExit) as ended:
        parser().parse_args([*command.split(), "--help"])
    assert ended.value.code == 0, said.getvalue()


def test_commands_are_found_in_the_page():
    assert {"keys revoke", "keys rotate", "secrets rotate", "scopes retire"} <= set(COMMANDS)


def test_each_setting_that_is_named_exists():
    known = {one.name for _, own in sections() for one in own}
    named = set(
        re.findall(r"`((?:ELDER|DISCOVERY|SECRET_REFERENCE|DATABASE|HEALTH_CHECK|LEASE|SHUTDOWN|HISTORY|CONNECTOR|SYNC)_[A-Z_]+)", TEXT)
    )
    assert named - known - {name for name in named if name.removesuffix("_FILE") in known} == set()


def test_links_inside_the_page_lead_to_headings():
    anchors = {anchor(heading) for heading in HEADINGS}
    assert set(re.findall(r"\]\(#([\w-]+)\)", TEXT)) - anchors == set()
