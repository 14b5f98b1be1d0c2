"""Another's JSON object, with a success, is not a list without items."""

from __future__ import annotations

import pytest
from gcp_description import method_of
from peers import google_documents as documents

from providers.errors import BadAnswer
from providers.gcp.catalogue import ALL
from providers.google.answers import ENVELOPE, check_answer, listed, objects

FOREIGN = (
    {"message": "no Route matched"},
    {"status": "ok"},
    {"items_": []},
    {"error": {"code": 500}, "kind": "k"},
    {"error": "x", "items": []},
)


@pytest.mark.parametrize("answer", FOREIGN, ids=str)
def test_what_has_nothing_of_googles_or_an_error_is_refused(answer):
    with pytest.raises(BadAnswer, match="'list things' is not Google's: it has"):
        check_answer(answer, "items", "list things")


@pytest.mark.parametrize("answer", [{}, {"kind": "dns#list"}, {"items": []}, {"nextPageToken": "a"}, {"unreachable": ["x"]}], ids=str)
def test_an_empty_list_of_googles_is_one(answer):
    check_answer(answer, "items", "list things")


@pytest.mark.parametrize("found", [{}, "", 0, False, {"a": 1}], ids=str)
def test_a_member_that_is_no_list_is_refused(found):
    with pytest.raises(BadAnswer, match=r"'list things' has a JSON .* as its items, and not a list"):
        listed({"items": found}, "items", "list things")


@pytest.mark.parametrize("answer", [{}, {"items": None}, {"items": []}], ids=str)
def test_a_member_that_is_not_there_is_a_list_of_nothing(answer):
    assert listed(answer, "items", "list things") == objects(answer, "items", "list things") == []


@pytest.mark.parametrize("item", [None, "x", []], ids=str)
def test_an_item_that_is_no_object_is_refused_where_all_must_be_known(item):
    with pytest.raises(BadAnswer, match="items that are not objects"):
        objects({"items": [{}, item]}, "items", "list things")


@pytest.mark.parametrize("kind", [kind for kind in ALL if kind.items and not kind.is_inline], ids=lambda kind: kind.sub_type)
def test_a_list_of_googles_that_may_say_more_says_something_by_which_it_is_known(kind):
    described = documents.schema(method_of(kind).api, method_of(kind).response)["properties"]
    member = kind.items.partition("[")[0]
    assert member in described or "items" in described
    assert ENVELOPE & set(described) or set(described) <= {member}
