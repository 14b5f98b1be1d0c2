"""The checker of the set-up pages finds planted faults, and the list of vendors' commands has no entry that no page uses."""

from __future__ import annotations

import pathlib

import pytest
from setup_page import ROOT, SetupPage, calls, vendor_commands, vendor_faults

PAGES = [SetupPage(str(path.relative_to(ROOT))) for path in sorted((ROOT / "docs").glob("setup-*.md"))]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("gcloud iam roles create elder --project my-project --file role.json", ""),
        ("gcloud iam roles create elder --project=my-project --file role.json", ""),
        ("gcloud iam roles create elder --project my-project --from role.json", "no such flag: --from"),
        ("gcloud iam roles create elder --file role.json", "missing: --organization or --project"),
        ("gcloud iam roles create --project my-project --file role.json", "positional arguments: []"),
        ("gcloud iam role create elder", "not in vendor_commands.txt: gcloud iam role create elder"),
    ],
)
def test_a_command_that_the_vendor_does_not_have_is_found(text, fault):
    [words] = calls(text)
    assert vendor_faults(words) == ([fault] if fault else [])


def test_a_command_line_is_taken_apart_as_a_shell_does():
    text = "elder-worker providers gcp --policy | gcloud x --file 'a | b' \\\n  --y > out.json"
    assert list(calls(text)) == [
        ["elder-worker", "providers", "gcp", "--policy"],
        ["gcloud", "x", "--file", "a | b", "--y", ">", "out.json"],
    ]


def test_a_sentence_that_nobody_tells_is_found(tmp_path):
    path: pathlib.Path = tmp_path / "page.md"
    path.write_text(
        '| outcome | the sentence has | what to do |\n|---|---|---|\n| `denied` | "is missing" | grant |\n| `error` | "is missing" | wait |\n'
    )
    page = SetupPage(str(path))
    assert page.untold([("denied", "the permission 'x' is missing")]) == ["is missing"]
    assert page.untold([("denied", "is missing"), ("error", "is missing, too")]) == []


def test_every_command_and_flag_of_the_list_is_used_by_a_page():
    used = [words for page in PAGES for words in page.calls(*{words[0] for words in vendor_commands()})]
    for words, command in vendor_commands().items():
        own = [call for call in used if tuple(call[: len(words)]) == words]
        flags = {word.partition("=")[0] for call in own for word in call}
        assert own, words
        assert command.flags <= flags | {flag for group in command.needed for flag in group}, words
