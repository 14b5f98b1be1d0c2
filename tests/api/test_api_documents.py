"""YAML of the command ``elder``, and its manual page."""

from __future__ import annotations

import pathlib
import re
import shutil
import subprocess
import sys

import click
import pytest
import yaml as pyyaml
from peers.absent import missing
from store_runs import add_job, resources, run_once

from api.client import documents, output
from api.client.errors import EXIT_USAGE, ClientError
from api.client.main import main

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "man" / "elder.1"

ONE = {
    "id": 1,
    "name": "=SUM(1)",
    "account": "123456789012",
    "code": "1e3",
    "mode": "0o14",
    "day": "2026-11-28",
    "country": "no",
    "tags": {},
    "rules": [{"port": 22, "open": True}, None],
    "lines": "a\nb",
    "word": "\xe9\x1b[31m\u202e",
}

GOLDEN = r"""id: 1
name: =SUM(1)
account: "123456789012"
code: "1e3"
mode: "0o14"
day: "2026-11-28"
country: 'no'
tags: {}
rules:
- port: 22
  open: true
- null
lines: 'a

  b'
word: "\xE9\e[31m\u202E"
"""


def test_a_list_is_yaml_that_every_reader_takes_for_the_same(capsys):
    """Texts that YAML 1.1 or 1.2 takes for a number, a date or a word stay texts; nothing acts on the terminal."""
    output.many([ONE, ONE], (), "yaml")
    twice = capsys.readouterr().out
    output.many([], (), "yaml")
    nothing = capsys.readouterr().out
    output.show(ONE, "yaml")

    assert pyyaml.safe_load(twice) == [ONE, ONE]
    assert pyyaml.safe_load(nothing) == []
    assert capsys.readouterr().out == GOLDEN
    assert pyyaml.safe_load(GOLDEN) == ONE
    assert "&id" not in twice, "what stands twice is written twice"


def test_commands_print_yaml(elder_command, database, sql):
    run_once(database, add_job(sql), resources(3))

    listed = pyyaml.safe_load(elder_command("-o", "yaml", "entities", "list").stdout)
    shown = pyyaml.safe_load(elder_command("-o", "yaml", "runs", "get", "1").stdout)

    assert [one["external_id"] for one in listed] == [f"arn:ec2_instance:{n}" for n in range(3)]
    assert shown["status"] == "completed"


def test_without_pyyaml_a_sentence_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    documents._dump.cache_clear()

    with pytest.raises(ClientError, match=r"pip install 'elder-worker\[yaml\]'") as refused:
        documents.yaml({})

    assert refused.value.exit_code == EXIT_USAGE


def test_the_manual_page_names_every_command_and_option():
    text = PAGE.read_text().replace("\\-", "-")

    def commands(group: click.Group, path: str):
        for name, command in group.commands.items():
            yield from commands(command, f"{path} {name}") if isinstance(command, click.Group) else [(f"{path} {name}", command)]

    for path, command in commands(main, "elder"):
        section = re.search(rf"^\.SS {re.escape(path)}\n(.*?)^\.S[SH] ", text, re.MULTILINE | re.DOTALL)
        assert section, path
        assert all(option in section[1] for one in command.params for option in one.opts if option.startswith("-")), path


def test_the_manual_page_is_printed_without_a_complaint(elder_command):
    groff = shutil.which("groff") or missing("groff is not installed: deploy/install-peers installs groff-base")
    page = elder_command("manual").stdout
    done = subprocess.run([groff, "-man", "-Tutf8", "-ww"], input=page, capture_output=True, text=True, timeout=60, check=True)
    plain = " ".join(re.sub(".\x08|\x1b\\[[0-9;]*m", "", done.stdout).split())

    assert not done.stderr
    assert "\N{HYPHEN}" not in plain, "no word is cut, as a command would be too"
    assert "-o, --output table|json|jsonl|yaml|csv|csv-raw" in plain
    assert 'eval "$(elder completion bash)"' in plain
    assert "type:vpc -tag:team" in plain
