"""Distinguished names are compared by RFC 4514, 4517 and 4518: whatever the spelling, one name is one name, and two are two."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.ldap import dn

TYPES = ("cn", "ou", "dc", "uid", "sn", "o", "l", "mail")
LONG = {"cn": ("commonName", "2.5.4.3", "OID.2.5.4.3"), "ou": ("organizationalUnitName", "2.5.4.11"), "uid": ("userid", "UID")}
SPECIAL = ' "#+,;<=>\\'
CHARACTERS = st.sampled_from(string.ascii_lowercase + string.digits + SPECIAL + "?*()/.-_@éßΩя字" + "\0")
VALUES = st.text(CHARACTERS, min_size=1, max_size=12).filter(lambda text: text.strip(" \0"))
RDNS = st.dictionaries(st.sampled_from(TYPES), VALUES, min_size=1, max_size=3)
NAMES = st.lists(RDNS, min_size=1, max_size=4)


def spelt(name: list[dict[str, str]], dice: random.Random) -> str:
    """One of the many spellings of a name."""
    return dice.choice([",", ", ", " ,", "  ,  "]).join(_rdn(rdn, dice) for rdn in name)


def _rdn(rdn: dict[str, str], dice: random.Random) -> str:
    parts = list(rdn.items())
    dice.shuffle(parts)
    return dice.choice(["+", " + "]).join(
        f"{_type(name, dice)}{dice.choice(['=', ' = ', '= '])}{_value(value, dice)}" for name, value in parts
    )


def _type(name: str, dice: random.Random) -> str:
    return dice.choice([name, name.upper(), name.title(), *LONG.get(name, ())])


def _value(value: str, dice: random.Random) -> str:
    if dice.random() < 0.1:
        data = value.encode()
        return "#" + (bytes([12, len(data)]) + data).hex()
    if dice.random() < 0.1 and "\0" not in value:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return "".join(_character(one, dice, edge=index in (0, len(value) - 1)) for index, one in enumerate(value))


def _character(one: str, dice: random.Random, *, edge: bool) -> str:
    pair = "".join(f"\\{byte:{dice.choice(['02x', '02X'])}}" for byte in one.encode())
    if one == "\0" or dice.random() < 0.15:
        return pair
    if one in '"+,\\' or (one in "# ;<=>" and (edge or dice.random() < 0.5)):
        return dice.choice([pair, f"\\{one}"])
    return dice.choice([one, one.upper()])


@given(NAMES, st.randoms(use_true_random=False))
def test_case_dir_2_every_spelling_of_a_name_is_that_name(name, dice):
    assert dn.normal(spelt(name, dice)) == dn.normal(spelt(name, dice))


@given(NAMES, NAMES, st.randoms(use_true_random=False))
def test_case_dir_2_two_names_are_two_in_every_spelling(one, other, dice):
    def meaning(name):
        return [{key: " ".join(filter(None, dn._compared(key, value).split(" "))) for key, value in rdn.items()} for rdn in name]

    same = meaning(one) == meaning(other)
    assert (dn.normal(spelt(one, dice)) == dn.normal(spelt(other, dice))) is same


@given(NAMES, st.randoms(use_true_random=False))
def test_the_parent_of_a_name_is_the_name_without_its_first_part(name, dice):
    whole = dn.normal(spelt(name, dice))
    assert dn.parent(whole) == (dn.normal(spelt(name[1:], dice)) if name[1:] else "")
    assert len([whole, *dn.ancestors(whole)]) == len(name)
    assert dn.normal(whole) == whole, "the normal form is a DN itself"


@given(st.text(max_size=60))
def test_whatever_text_it_is_there_is_an_answer_or_a_reason(text):
    try:
        assert isinstance(dn.normal(text), str)
    except dn.DnError as error:
        assert str(error)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cn=x\\\\y,dc=c", "cn=xy,dc=c"),
        ("cn=x\\5Cy,dc=c", "cn=xy,dc=c"),
        ("cn=a\\,dc\\=c", "cn=a,dc=c"),
        ("cn=a+sn=b,dc=c", "cn=a,sn=b,dc=c"),
        ("cn=a\\+sn\\=b,dc=c", "cn=a+sn=b,dc=c"),
        ("cn=ab,dc=c", "cn=a b,dc=c"),
        ("automountKey=Ab,dc=c", "automountKey=ab,dc=c"),
    ],
)
def test_case_dir_2_names_that_look_alike(one, other):
    assert dn.normal(one) != dn.normal(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CN=A, OU=B,DC=c", "cn=a,ou=b,dc=c"),
        ("uid=Comma\\, Joe,dc=c", "UID=Comma\\2C Joe,DC=C"),
        ('cn="Comma, Joe",dc=c', "cn=comma\\, joe,dc=c"),
        ("cn=Lu\\C4\\8Di\\C4\\87", "CN=LUČIĆ"),
        ("sn=b + cn=a,dc=c", "CN=A+SN=B,dc=c"),
        ("cn=\\20x\\20,dc=c", "cn= x ,dc=c"),
        ("cn=a  b,dc=c", "cn=a b,dc=c"),
        ("1.2.3.4=#0401ff,dc=c", "OID.1.2.3.4=#0401FF,dc=c"),
        ("2.5.4.3=#0C0178,dc=c", "cn=x,dc=c"),
        ("cn=Å", "cn=A\u030a"),
        ("automountKey=Ab,dc=c", "AUTOMOUNTKEY=Ab,DC=C"),
    ],
)
def test_case_dir_2_names_that_mean_the_same(one, other):
    assert dn.normal(one) == dn.normal(other)


@pytest.mark.parametrize("text", ["cn", "=x", "cn=a\\", "cn=a,", "cn=a,,dc=b", ",cn=a", "cn=#zz", "cn=a+", "cn=a,dc", "1=2x,y"])
def test_what_is_no_name_is_refused(text):
    with pytest.raises(dn.DnError):
        dn.normal(text)
