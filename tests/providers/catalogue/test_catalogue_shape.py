"""From an item to a resource: what every provider relies on."""

from __future__ import annotations

import msgspec
import pytest

from providers.catalogue import paths
from providers.catalogue.kinds import LinkRule, ResourceKind
from providers.catalogue.masking import Masking
from providers.catalogue.shape import Shape
from providers.errors import DataError
from providers.records import Link, Resource
from providers.schema import REDACTED

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


def test_what_is_made_by_hand_is_stored_as_what_a_kind_declares():
    by_hand = Resource(
        "1", "compute", "thing", "one", {"password": "hunter2", "kept": {"a": 1}, "noise": 7}, {"token": "hunter2", "b": "c"}
    )
    found = Shape(("noise",)).storable(by_hand)

    assert (found.attributes, found.tags) == ({"password": REDACTED, "kept": {"a": 1}}, {"token": REDACTED, "b": "c"})
    assert by_hand.attributes == {"password": "hunter2", "kept": {"a": 1}, "noise": 7}, "the attributes are the caller's"
    assert Shape(masking=Masking(("kept",))).storable(Resource("1", "c", "t", "n", {"keptHere": "x"})).attributes == {"keptHere": REDACTED}


def test_what_a_kind_declares_is_looked_through_once():
    made = Shape().resource(KIND, ITEM, CONTEXT)
    changed = msgspec.structs.replace(made, attributes={**made.attributes, "clientSecret": "hunter2"})

    assert Shape().storable(made) is made
    assert Shape().storable(changed).attributes == {**made.attributes, "clientSecret": REDACTED}


class Login(msgspec.Struct):
    password: str = "hunter2"


@pytest.mark.parametrize(
    "held", [(Login(),), {"x": [Login()]}, msgspec.Raw(b'{"password": "hunter2"}'), frozenset({("--password=hunter2",)})]
)
def test_secrets_in_anything_that_becomes_json_are_masked(held):
    found = Shape().storable(Resource("1", "compute", "thing", "one", {"held": held}))
    assert b"hunter2" not in msgspec.json.encode(found)
    assert REDACTED.encode() in msgspec.json.encode(found)


def test_what_is_no_json_is_left_to_the_sink_and_what_is_too_deep_is_an_error():
    odd = Resource("1", "compute", "thing", "one", {"x": object()})
    deep: dict[str, object] = {}
    for _ in range(400):
        deep = {"x": deep}

    assert Shape().storable(odd) is odd
    with pytest.raises(DataError, match="too deep"):
        Shape().storable(Resource("1", "compute", "thing", "one", deep))
