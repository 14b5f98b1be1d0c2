"""The manual page of `elder-worker`: every command with every option, and a source that groff reads without a complaint."""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest
from generated import ROOT
from peers.absent import missing
from worker_manual import EXIT_CODES, page

from worker.cli.main import EXIT_CONFIG, EXIT_FAILED, EXIT_INTERRUPTED, parser

SOURCE = ROOT / "docs" / "man" / "elder-worker.1"


def parsers(above: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The parsers of the commands that do something, as argparse has them."""
    below = [action for action in above._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield above
    for action in below:
        for one in action.choices.values():
            yield from parsers(one)


COMMANDS = {one.prog: one for one in parsers(parser())}


@pytest.mark.parametrize("path", COMMANDS)
def test_the_manual_page_names_the_command_and_its_options(path):
    text = SOURCE.read_text().replace("\\-", "-")
    section = re.search(rf"^\.SS {re.escape(path)}\n(.*?)^\.S[SH] ", text, re.MULTILINE | re.DOTALL)
    assert section, path
    for action in COMMANDS[path]._actions:
        assert "-h" in action.option_strings or all(f'.BI "{option}"' in section[1] for option in action.option_strings), path
        assert action.help or not action.option_strings, f"{path} {action.dest} needs a sentence"


def test_exit_codes_are_those_of_the_command_line():
    assert {str(code) for code in (0, 2, EXIT_FAILED, EXIT_CONFIG, EXIT_INTERRUPTED)} == set(EXIT_CODES)


def test_arguments_and_switches_and_defaults_are_told_apart():
    made = argparse.ArgumentParser(prog="elder-worker", description="Does.")
    one = made.add_subparsers(metavar="COMMAND").add_parser("one", help="does one thing")
    one.add_argument("place", nargs="?", help="where it is")
    one.add_argument("--form", choices=("a", "b"), default="a", help="what it is like")
    one.add_argument("--dry-run", action="store_true", help=".profile and a back\\slash")

    section = page(made).partition(".SS ")[2].partition(".SH ")[0].splitlines()

    assert section == [
        "elder\\-worker one",
        ".B elder\\-worker one",
        ".I [OPTIONS] [PLACE]",
        ".PP",
        "Does one thing.",
        ".TP",
        '.BI "PLACE" ""',
        "Where it is.",
        ".TP",
        '.BI "\\-\\-form" " a|\\:b"',
        "What it is like. [default: a]",
        ".TP",
        '.BI "\\-\\-dry\\-run" ""',
        "\\&.profile and a back\\eslash.",
    ]


def test_the_manual_page_is_read_without_a_complaint():
    groff = shutil.which("groff") or missing("groff is not installed: deploy/install-peers installs groff-base")
    done = subprocess.run([groff, "-man", "-Tutf8", "-ww", SOURCE], capture_output=True, text=True, timeout=60, check=True)
    plain = re.sub(".\x08|\x1b\\[[0-9;]*m", "", done.stdout)

    assert not done.stderr
    assert "--format table|jsonl|csv" in plain
    assert "elder-worker keys make" in plain
