"""docs/security.md against the tests: each threat names a test, and every test that is named exists; the links of SECURITY.md lead somewhere."""

from __future__ import annotations

import pathlib
import re

import pytest
from named_tests import all_tests

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "security.md").read_text()
THREATS = re.findall(r"^\| (.+?) \| .+? \| (.+) \|$", TEXT[TEXT.index("## Threats") : TEXT.index("## Not covered")], re.MULTILINE)
ROWS = [(threat, tests) for threat, tests in THREATS if threat not in ("threat", "---")]


def test_the_page_has_threats_of_every_kind():
    kinds = re.findall(r"^### (.+)$", TEXT, re.MULTILINE)
    assert kinds == ["Secrets", "The API and its pages", "Signing in", "On the way", "Jobs", "What is shipped"]
    assert len(ROWS) >= 25


@pytest.mark.parametrize(("threat", "tests"), ROWS)
def test_each_threat_names_a_test(threat, tests):
    assert re.findall(r"`(test_\w+)`", tests), threat


def test_every_test_that_is_named_exists():
    assert set(re.findall(r"`(test_\w+)`", TEXT)) - all_tests() == set()


@pytest.mark.parametrize("page", ["SECURITY.md", "docs/security.md"])
def test_links_lead_to_files_and_headings_that_exist(page):
    text = (ROOT / page).read_text()
    for target, heading in re.findall(r"\]\(([\w./-]+\.md)(?:#([\w-]+))?\)", text):
        linked = ((ROOT / page).parent / target).read_text()
        anchors = {re.sub(r"[^\w -]", "", line).lower().replace(" ", "-") for line in re.findall(r"^#+ (.+)$", linked, re.MULTILINE)}
        assert not heading or heading in anchors, f"{page}: {target}#{heading}"
