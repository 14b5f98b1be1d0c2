"""The test base of catalogues says what is wrong: whoever adds a type with a typo reads which word it is, in the failure itself."""

from __future__ import annotations

import re

import pytest
from catalogue_suite import CatalogueSuite, FieldType, OpenDescription, Unknown

from providers.catalogue.kinds import ResourceKind

DESK = ResourceKind("library_desk", "furniture", "{id}", name="name", permission="desks.list")


class Library(OpenDescription):
    """A vendor whose items have an id and a name."""

    def listing_faults(self, kind):
        return ()

    def field(self, kind, path):
        if path not in ("id", "name"):
            raise Unknown(f"there is no {path}, but id, name")
        return FieldType.VALUE


def suite(**fields) -> CatalogueSuite:
    kind = ResourceKind(**{name: getattr(DESK, name) for name in DESK.__struct_fields__} | fields)
    made = {"kinds": (kind,), "description": Library(frozenset({"desks.list", "books.list"})), "permissions_from": "LIBRARY of this test"}
    return type("Suite", (CatalogueSuite,), made)()


def failure(test) -> str:
    with pytest.raises(AssertionError) as caught:
        test()
    return str(caught.value)


def test_a_catalogue_without_a_fault_passes():
    suite().test_every_word_of_every_kind_is_the_vendors()
    suite().test_a_typo_in_any_word_is_named()


def test_a_misspelt_field_is_named_with_what_there_is():
    wrong = suite(name="nmae")
    assert "library_desk: nmae: there is no nmae, but id, name" in failure(wrong.test_every_word_of_every_kind_is_the_vendors)


def test_a_misspelt_permission_is_named_with_those_that_may_be_meant_and_where_they_are_kept():
    wrong = suite(permission="desk.list")
    sentence = "library_desk: desk.list: LIBRARY of this test has no such permission, but desks.list"
    assert sentence in failure(wrong.test_every_word_of_every_kind_is_the_vendors)


def test_a_check_that_lets_a_typo_pass_is_named(monkeypatch):
    monkeypatch.setattr(Library, "field", lambda self, kind, path: FieldType.VALUE)
    assert re.search(r"^ *library_desk: names: name$", failure(suite().test_a_typo_in_any_word_is_named), re.MULTILINE)


def test_an_assert_without_a_sentence_tells_what_it_compared():
    """A type that users are not told of: pytest rewrites the asserts of the harness like those of tests."""
    assert "library_desk" in failure(suite().test_types_are_unique_and_told)
