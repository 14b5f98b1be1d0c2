"""Values of sources in tables and CSV: no terminal and no spreadsheet acts on them."""

from __future__ import annotations

import csv
import io

import pytest

from worker.logs.cells import cell, csv_text

FORMULAS = (
    '=HYPERLINK("http://evil")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1)",
    " =1+1",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "\u00a0=1",
    "\uff1d1+1",
    '"=1+1',
    "'=1+1",
    "|cmd",
    "%0A=1",
)
INNER = ('x;=HYPERLINK("http://evil")', "x; @SUM(1)", 'x;"=1+1', "x;y;-2+3")


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.parametrize("evil", FORMULAS)
def test_case_sec_7_no_cell_is_a_formula(evil):
    (_, (first, second)) = read(csv_text(("a", "b"), [(evil, "b")]))

    assert first[0] not in "=+-@\t\r\n"
    assert first.lstrip()[0] not in "=+-@"
    assert second == "b"


@pytest.mark.parametrize("evil", INNER)
def test_case_sec_7_no_cell_is_a_formula_where_semicolons_separate(evil):
    """Excel separates cells by semicolons in many languages, and a quote inside a line does not keep such a cell together."""
    line = csv_text(("a", "b"), [("before", evil)]).splitlines()[1]
    assert not [part for part in line.split(";") if part.lstrip(' "\t')[0] in "=+-@"], line


@pytest.mark.parametrize("evil", FORMULAS + INNER)
def test_case_sec_7_programs_get_what_was_there(evil):
    assert read(csv_text(("a",), [(evil,)], raw=True))[1] == [evil.replace("\r", "\r")]


@pytest.mark.parametrize("harmless", ["i-0abc", "a;b; c", "arn:aws:s3:::bucket", "a=b", "10.0.0.1/24", "", "web-1", "Ünïcode 名前"])
def test_ordinary_cells_stay(harmless):
    assert read(csv_text(("a", "b"), [(harmless, 1)]))[1] == [harmless, "1"]


def test_numbers_below_zero_are_no_text():
    assert read(csv_text(("a", "b"), [(-5, -0.5)]))[1] == ["-5", "-0.5"]


@pytest.mark.parametrize(
    "evil", ["\x1b[31mred", "two\nlines", "\u202eback", "nul\x00", "\x9bcsi", "\u2028", "\r", "\t", "\x7f", {"a": "\x1b"}]
)
def test_case_sec_7_no_control_character_is_in_a_cell(evil):
    assert cell(evil).isprintable()
