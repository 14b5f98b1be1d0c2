"""Signatures: whatever a search finds in an entity, the entity's signature has the bits of it."""

from __future__ import annotations

import json
import random
from types import SimpleNamespace

import msgspec
import pytest

from worker.store import signature
from worker.store.search import Term, condition, like
from worker.store.signature import Needle, Signature

ALPHABET = "aAbBkKiI09-.é\u212a\u0130\u0131\u0307ß"
"""With the letters beyond ASCII that have a letter of ASCII as their other case by some rules, or the other way about."""

COLLATIONS = ("C", "C.utf8", "tr-x-icu", "und-x-icu")
"""Rules for upper and lower case: ASCII, one character for one, Turkish, and by which a letter can become two; PostgreSQL may lack the latter."""

ROUNDS = 6_000

VALUES = ("web", "", "1", "1.0", "1.50", "-0", "0", "100", "1e2", "007", "true", "True", "null", "ü", "9" * 19, "0.1", "1" + "0" * 17)
PATHS = (("a",), ("a", "b"), ("b",), ("b", "a"), ("",), ("a.b",), ("ü", "a"))


def meets(bits: str, needle: str) -> bool:
    return not int(needle[1:] or "0", 16) & ~int(bits[1:], 16)


def has(found: Signature, needle: Needle | None) -> bool:
    """True where a signature has all bits of a needle, and so where a search looks at the entities."""
    bits = found.bits()
    if needle is None:
        return True
    if needle.attribute:
        return meets(bits.attributes, needle.attribute)
    return (meets(bits.names, needle.part) or meets(bits.ids, needle.part)) and meets(bits.repeats, needle.repeats)


def signature_of(name: str = "", external_id: str = "", attributes: str = "{}") -> Signature:
    made = Signature()
    made.add(name, external_id, attributes)
    return made


def test_a_text_that_contains_a_word_by_the_rules_of_a_locale_has_its_bits(sql):
    chance = random.Random(7)
    words = ["".join(chance.choices(ALPHABET, k=chance.randint(3, 6))) for _ in range(ROUNDS)]
    words[::3] = [(word[: chance.randint(1, 3)] * 6)[chance.randrange(3) : chance.randint(6, 12)] for word in words[::3]]
    texts = [
        "".join(chance.choices(ALPHABET, k=4)) + chance.choice((word, word.upper(), word.lower(), word.swapcase())) + "x" for word in words
    ]
    pairs = {(word, text) for word, text in zip(words, texts, strict=True) if word.lower() in text.lower()}  # by all rules of Unicode
    known = [name for (name,) in sql.execute("select collname from pg_collation where collname = any(%s)", [[*COLLATIONS]])]
    assert {"C", "C.utf8"} <= {*known}
    for collation in known:
        rows = sql.execute(
            f"""select word, text from unnest(%s::text[], %s::text[], %s::text[]) as of (word, text, pattern)
                where lower(text collate "{collation}") like lower(pattern collate "{collation}")""",
            [words, texts, list(map(like, words))],
        ).fetchall()
        assert len(rows) > ROUNDS / 3
        pairs |= {*rows}
    assert not [(word, text) for word, text in pairs if not has(signature_of(text), signature.of_word(word))]


def test_no_other_character_beyond_ascii_has_a_letter_of_ascii_as_its_lower_case():
    found = {chr(code) for code in range(128, 0x110000) if any(sign.isascii() for sign in chr(code).lower())}
    assert found == {"\u212a", "\u0130"}


def random_value(chance: random.Random, depth: int = 0) -> object:
    kind = chance.randrange(7 if depth < 4 else 4)
    if kind < 2:
        return chance.choice(VALUES)
    if kind < 4:
        return chance.choice((0, 1, -0.0, 1.5, 100, 1e2, 0.1, True, False, None, 10**17, 10**30, 1e300))
    if kind < 6:
        return {key: random_value(chance, depth + 1) for key in chance.sample(("a", "b", "", "a.b", "ü"), k=2)}
    return [random_value(chance, depth + 1) for _ in range(chance.randint(0, 3))]


def test_attributes_that_a_search_finds_have_its_bits(sql):
    """Random documents beside PostgreSQL's own answer: lists in lists, numbers in all ways to write them, words of JSON as texts."""
    chance = random.Random(8)
    found = 0
    for _ in range(400):
        document = json.dumps({key: random_value(chance) for key in ("a", "b", "", "a.b", "ü")}, ensure_ascii=False)
        stored, *_ = sql.execute("select %s::jsonb::text", [document]).fetchone()
        made = signature_of(attributes=stored)
        for path in PATHS:
            for value in (None, *VALUES):
                clause = condition(Term("attr", path, value))
                if sql.execute(
                    f"select 1 from (select %s::jsonb as attributes) as e where {clause.sql}", [document, *clause.values]
                ).fetchone():
                    found += 1
                    assert has(made, clause.needle), (path, value, stored)
    assert found > 2_000


@pytest.mark.parametrize("digits", ["1.50000000000000000000000", "1.5", "15e-1"])
def test_a_number_is_one_in_all_ways_to_write_it(sql, digits):
    stored, *_ = sql.execute("select %s::jsonb::text", [f'{{"n": {digits}}}']).fetchone()
    for typed in ("1.5", "1.50"):
        assert has(signature_of(attributes=stored), signature.of_attribute(("n",), typed))


@pytest.mark.parametrize("word", ["7777", "777777", "7777777777", "abab", "babab", "AbAbAb", "xyxyxyxyxy", "--.--.----"])
def test_what_repeats_is_told_from_what_has_its_parts_of_three_characters(word):
    """The word 777777 has one such part, 777, which many random ids have too."""
    assert has(signature_of("host-" + word + ".example"), signature.of_word(word))
    assert has(signature_of(external_id="i-0" + word.upper()), signature.of_word(word))
    apart = " ".join(word[at : at + 3] for at in range(len(word) - 2))
    assert not has(signature_of(apart), signature.of_word(word))


def test_what_is_not_there_lacks_bits():
    """Of a thousand words and attributes that are not in a block of 32, hardly one has all bits by chance."""
    made, chance = Signature(), random.Random(9)
    for number in range(32):
        external_id = f"arn:aws:ec2:eu-west-1:123456789012:instance/i-{chance.getrandbits(68):017x}"
        values = {f"Value{n}": f"{chance.getrandbits(64):x}" for n in range(20)}
        made.add(f"web-{number}", external_id, json.dumps({"State": {"Name": "running"}, **values}))
    words = sum(has(made, signature.of_word(f"i-{chance.getrandbits(68):017x}")) for _ in range(1_000))
    values = sum(has(made, signature.of_attribute((f"Value{n % 20}",), f"{chance.getrandbits(64):x}")) for n in range(1_000))
    assert words == 0
    assert values < 50
    assert has(made, signature.of_word("WEB-31"))
    assert has(made, signature.of_attribute(("State", "Name"), "running"))
    assert not has(made, signature.of_attribute(("State", "Nome"), None))


def test_a_number_of_thousands_of_digits_hides_nothing_and_stops_nothing(sql):
    """PostgreSQL writes 1e5000 with all its digits, which are more than Python reads."""
    stored, *_ = sql.execute("""select '{"n": 1e5000, "State": "on"}'::jsonb::text""").fetchone()
    assert has(signature_of(attributes=stored), signature.of_attribute(("State",), "on"))


@pytest.mark.parametrize("error", [msgspec.DecodeError("no JSON"), RecursionError("too many levels for this version of Python")])
def test_attributes_that_cannot_be_read_hide_nothing(monkeypatch, error):
    def decode(_: str) -> None:
        raise error

    monkeypatch.setattr(signature, "_DECODER", SimpleNamespace(decode=decode))
    made = signature_of("web-1", "i-1", "{}")
    assert has(made, signature.of_attribute(("any",), "thing"))
    assert not has(made, signature.of_word("db-7"))


@pytest.mark.parametrize("word", ["", "a", "ab", "éèê", "é1é2é3"])
def test_a_word_without_three_characters_of_ascii_in_a_row_asks_for_nothing(word):
    assert signature.of_word(word) is None
