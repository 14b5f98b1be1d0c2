"""From an item to a resource: what every provider relies on."""

from __future__ import annotations

import pytest

from providers.catalogue import paths
from providers.catalogue.kinds import LinkRule, ResourceKind
from providers.catalogue.shape import Shape
from providers.errors import DataError
from providers.records import Link

ITEM = {
    "id": "i-1", "title": None, "nick": "blue", "owner": "222", "labels": {"b": 2, "a": 1}, "noise": 7, "gone": None,
    "env": {"KEY": "x", "A": "y"}, "pairs": [{"name": "P", "value": "1"}], "set": ["b", "a"],
    "nics": [{"net": "n2", "who": "333", "etag": "1"}, {"net": "n1", "etag": "2"}, {"net": "n1"}],
}  # fmt: skip
KIND = ResourceKind(
    "thing", "compute", "x:{account}/{id}", name=("title", "nick"), tags="labels", parent="x:{owner|account}/p",
    omit=("noise", "**.etag"), names_only=("env", "pairs"), unordered=("set",),
    links=(
        LinkRule("uses", "nics[].net", "x:{account}/{value}"), LinkRule("met", "nics[]", "x:{who|account}/{net}"),
        LinkRule("never", "id", when=("nick", "red")), LinkRule("is", "id", when=("nick", "blue")),
    ),
)  # fmt: skip
CONTEXT = {"account": "111"}


def test_an_item_becomes_a_resource():
    before = repr(ITEM)
    found = Shape().resource(KIND, ITEM, CONTEXT, organization="org", links=(Link("by", "hand"), Link("is", "i-1")), links_partial=True)

    assert (found.external_id, found.name, found.parent) == ("x:111/i-1", "blue", "x:222/p")
    assert (found.entity_type, found.sub_type, found.organization, found.links_partial) == ("compute", "thing", "org", True)
    assert found.tags == {"a": "1", "b": "2"}
    assert found.attributes == {
        "id": "i-1", "nick": "blue", "owner": "222", "env": ["A", "KEY"], "pairs": ["P"], "set": ["a", "b"],
        "nics": [{"net": "n2", "who": "333"}, {"net": "n1"}, {"net": "n1"}],
    }  # fmt: skip
    assert repr(ITEM) == before, "the item is the caller's"


def test_links_come_once_and_sorted():
    links = Shape().resource(KIND, ITEM, CONTEXT).links

    assert [(link.type, link.target) for link in links] == [
        ("is", "i-1"), ("met", "x:111/n1"), ("met", "x:333/n2"), ("uses", "x:111/n1"), ("uses", "x:111/n2"),
    ]  # fmt: skip


def test_only_the_fields_that_are_kept():
    kind = ResourceKind("thing", "compute", "{id}", kept=("nick", "env.KEY", "title"))

    assert Shape().resource(kind, ITEM, {}).attributes == {"nick": "blue", "env": {"KEY": "x"}}
    assert Shape().resource(ResourceKind("thing", "compute", "{id}", kept=()), ITEM, {}).attributes == {}


def test_fields_that_a_job_ignores():
    found = Shape(ignored=("nick", "nics[].who", "**.net", "absent.too")).resource(KIND, ITEM, CONTEXT)

    assert "nick" not in found.attributes
    assert found.attributes["nics"] == [{}, {}, {}]
    assert found.name == "blue", "names and links are not attributes"


def test_an_item_without_what_its_id_is_made_of():
    with pytest.raises(DataError, match="a thing without account and id"):
        Shape().resource(KIND, {"nick": "blue"}, CONTEXT)


def test_a_name_is_the_end_of_the_id_where_there_is_no_other():
    assert Shape().resource(ResourceKind("thing", "compute", "a:b/{id}"), ITEM, {}).name == "i-1"


def test_holes_with_alternatives_and_without_a_value():
    assert paths.holes("{a|b.c}/{d?}") == ("a", "b.c", "d")
    assert paths.fill("{a|b.c}/{d?}", {"b": {"c": 0}}, {}) == "0/"
    assert paths.fill("{a|b}", {}, {}) == ""
    assert paths.fill("{a|b}", {"a": 1}, {"b": "2"}) == "1"
    assert paths.fill("q:{a/}", {"a": "https://host/1/name"}, {}) == "q:name"
    assert paths.holes("q:{a/|b}") == ("a", "b")
