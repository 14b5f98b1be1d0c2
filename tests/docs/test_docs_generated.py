"""The generated files are what the code says, `make generated` writes them, and CONTRIBUTING names each."""

from __future__ import annotations

import re

import pytest
from generated import COMMAND, FILES, ROOT, write

MAKEFILE = (ROOT / "Makefile").read_text()


@pytest.mark.parametrize("name", FILES)
def test_a_generated_file_is_what_the_code_says(name):
    current = (ROOT / name).read_text() == FILES[name]()
    assert current, f"{name} is not what the code says: run `{COMMAND}`, and commit what it has written"


def test_a_file_that_differs_is_written_and_no_other(tmp_path):
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text((ROOT / name).read_text())
    stale, missing = "docs/configuration.md", "docs/types.md"
    (tmp_path / stale).write_text("stale")
    (tmp_path / missing).unlink()

    assert list(write(tmp_path)) == [stale, missing]
    assert list(write(tmp_path)) == []
    assert (tmp_path / stale).read_text() == (ROOT / stale).read_text()


def test_the_command_is_a_target_that_runs_this_module():
    target = COMMAND.removeprefix("make ")
    [recipe] = re.findall(rf"^{target}: .*\n\t(.*)$", MAKEFILE, re.MULTILINE)
    assert recipe == "@$(BIN)/python tests/docs/generated.py"


def test_the_command_and_its_files_are_in_contributing():
    section = (ROOT / "CONTRIBUTING.md").read_text().partition("## Generated files")[2].partition("\n## ")[0]
    assert f"`{COMMAND}`" in section
    assert set(re.findall(r"^\| \[`([^`]+)`\]", section, re.MULTILINE)) == set(FILES)
