"""Columns of a terminal that text takes, held against the tables of `wcwidth`, which terminals and emulators use."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import wcswidth

from api.client import columns

WRITINGS = {
    "latin": "Straße, naïve café",
    "marks": "Nga\u0302n ha\u0300ng",
    "chinese": "生产环境",
    "japanese": "ぱ\u309aと ｱｲｳ ＡＢ",
    "korean": "한글 ㅎ",
    "korean letters": "\u1112\u1161\u11ab\u1100\u1173\u11af",
    "thai": "ไทย ที่นี่",
    "devanagari": "नमस्ते",
    "arabic": "مَرْحَبًا",
    "hebrew": "שָׁלוֹם",
    "emoji": "👍 🚀",
    "tone": "👍🏽 done",
    "tall": "❤️ y",
    "key": "1️⃣ one",
    "flag": "🇩🇪",
    "ring": "a\u20dd",
    "marks alone": "\u0301\u0302x",
}
TEXTS = st.text(st.sampled_from("ab é\u0301東京한ไที่👍🏽❤\ufe0f  "), max_size=60)


@pytest.mark.parametrize("text", WRITINGS.values(), ids=WRITINGS)
def test_the_width_is_what_a_terminal_takes(text):
    assert columns.width(text) == wcswidth(text)
    assert wcswidth(columns.padded(text, 40)) == 40


@given(TEXTS, st.integers(1, 30))
def test_what_is_cut_fits_and_is_the_beginning(text, room):
    cut = columns.cut(text, room)
    assert columns.width(cut) <= room
    assert cut == text or (cut.endswith("…") and text.startswith(cut[:-1]))
    assert cut != text or columns.width(text) <= room


@given(TEXTS, st.integers(6, 30))
def test_what_is_wrapped_fits_and_loses_nothing(text, room):
    lines = columns.wrapped(text, room, "    ")
    assert all(columns.width(line) <= room and line.startswith("    ") and line.strip() for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_a_character_is_not_parted_from_its_marks():
    assert columns.cut("東京支社", 6) == "東京…"
    assert columns.cut("東京支社", 5) == "東京…"
    assert columns.cut("e\u0301e\u0301e\u0301", 2) == "e\u0301…"
    assert columns.wrapped("東京支社", 5) == ["東京", "支社"]
    assert columns.wrapped("ab 東京 e\u0301", 5) == ["ab", "東京", "e\u0301"]
