"""Conditions of a search over entities: what the rough pattern of a word rules out has the word in no case."""

from __future__ import annotations

import random

import pytest

from worker.store.search import Term, case_blind, condition, like

ALPHABET = "aAbB09-_%\\./ éÉßſKİıΣςﬁ"
"""Letters of one, two and three bytes, those whose other case is of another length, and the signs of LIKE."""
ROUNDS = 5000


@pytest.mark.parametrize(
    ("word", "pattern"),
    [
        ("host-777777", "%-777777%"),
        ("i-0a1b", "%-0_1%"),
        ("Web_Shop 2.prod", r"%\_____ 2.%"),
        ("50%", "%50\\%%"),
        ("a\\b", "%\\\\%"),
        ("größe-1-ö", "%-1-%"),
        ("1é2", "%1%2%"),
        ("payments", None),
        ("é", None),
        ("", None),
    ],
)
def test_the_rough_pattern_of_a_word_begins_and_ends_with_what_has_no_case(word, pattern):
    assert case_blind(word) == pattern


def samples():
    """Words, and a text for each that mostly contains it in some case."""
    chance = random.Random(20261129)
    words = ["".join(chance.choices(ALPHABET, k=chance.randint(1, 5))) for _ in range(ROUNDS)]
    return words, ["".join(chance.choices(ALPHABET, k=4)) + chance.choice((word, word.upper(), word.lower(), "")) + "x" for word in words]


@pytest.mark.parametrize("collation", ["C", "C.utf8"])
def test_no_text_that_contains_a_word_is_ruled_out_by_its_rough_pattern(sql, collation):
    words, texts = samples()
    found = sql.execute(
        f"""select count(*) filter (where contained), array_agg(word) filter (where contained and text not like rough) from (
            select word, text, rough, lower(text collate "{collation}") like lower(pattern collate "{collation}") as contained
            from unnest(%s::text[], %s::text[], %s::text[], %s::text[]) as of (word, text, rough, pattern)) as texts""",
        [words, texts, [case_blind(word) or "%" for word in words], list(map(like, words))],
    ).fetchone()
    assert found[0] > ROUNDS / 4
    assert found[1] is None


def test_nor_by_the_full_rules_of_unicode_by_which_a_letter_can_become_two(sql):
    """Python has these rules, as ICU has them; PostgreSQL without ICU has not."""
    contained = [(word, text) for word, text in zip(*samples(), strict=True) if word.lower() in text.lower() and case_blind(word)]
    assert len(contained) > ROUNDS / 4
    assert not [pair for pair in contained if not sql.execute("select %s like %s", [pair[1], case_blind(pair[0])]).fetchone()[0]]


def test_a_word_without_digit_or_sign_has_no_rough_pattern_in_its_condition():
    assert condition(Term("word", (), "payments")).values == ("%payments%", "%payments%")
    assert condition(Term("word", (), "Web-1")).values == ("%-1%", "%Web-1%", "%-1%", "%Web-1%")
