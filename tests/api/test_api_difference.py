"""The difference of two JSON values: what a person would say has changed, and enough of it to get the new value from the old one."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.difference import DEEPEST, Step, apply, steps, steps_of


def canonical(value) -> bytes:
    """JSON in which true, 1 and 1.0 are three values."""
    return msgspec.json.encode(value, order="deterministic")


def rule(port: int, *sources: str, **more) -> dict:
    return {
        "IpProtocol": "tcp",
        "FromPort": port,
        "ToPort": port,
        "IpRanges": [{"CidrIp": one} for one in sources],
        "Ipv6Ranges": [],
        **more,
    }


RULES = [rule(443, "0.0.0.0/0"), rule(22, "10.0.0.0/8"), rule(80, "0.0.0.0/0")]


def said(old, new) -> list[tuple]:
    """Operation, place, value before and after of each step."""
    found = steps(old, new)
    assert canonical(apply(old, found)) == canonical(new)
    return [(step.operation, step.where, step.before, step.after) for step in found]


@pytest.mark.parametrize("place", range(4))
def test_a_port_that_is_opened_is_one_rule_added_wherever_it_stands(place):
    opened = rule(8443, "10.0.0.0/8")

    assert said({"Rules": RULES}, {"Rules": [*RULES[:place], opened, *RULES[place:]]}) == [("add", "Rules", None, opened)]


def test_a_port_that_is_opened_while_the_list_comes_in_another_order_is_one_rule_added_and_what_has_moved():
    opened = rule(8443, "10.0.0.0/8")

    found = steps(RULES, [RULES[2], opened, *RULES[:2]])

    assert [(step.operation, step.after) for step in found if step.operation != "move"] == [("add", opened)]
    assert [(step.path, step.to) for step in found if step.operation == "move"] == [((2,), 0)]


def test_a_rule_that_gets_another_source_is_that_source_added():
    assert said(RULES, [rule(443, "0.0.0.0/0"), rule(22, "10.0.0.0/8", "192.0.2.0/24"), RULES[2]]) == [
        ("add", "[IpProtocol=tcp FromPort=22 ToPort=22].IpRanges", None, {"CidrIp": "192.0.2.0/24"})
    ]


def test_items_with_a_key_are_told_by_it_and_only_what_differs_in_them():
    old = [{"name": "web", "image": "a:1", "env": []}, {"name": "log", "image": "b:1", "env": []}]
    new = [{"name": "log", "image": "b:2", "env": []}, {"name": "web", "image": "a:1", "env": []}, {"name": "new", "image": "c", "env": []}]

    assert said({"containers": old}, {"containers": new}) == [
        ("move", "containers[web]", old[0], new[1]),
        ("change", "containers[log].image", "b:1", "b:2"),
        ("add", "containers", None, new[2]),
    ]


def test_a_list_of_texts_tells_what_came_and_went():
    assert said(["a", "b", "c", "b"], ["a", "c", "b", "d"]) == [("remove", "", "b", None), ("add", "", None, "d")]


def test_true_is_not_one():
    assert said({"a": True, "b": 1}, {"a": 1, "b": 1}) == [("change", "a", True, 1)]


def test_a_recorded_change_whose_field_came_or_went_is_one_step():
    assert steps_of({"tags.team": [None, "a"], "attributes.x": [[1], None], "name": ["a", "b"]}) == [
        Step("add", ("tags.team",), "tags.team", None, "a"),
        Step("remove", ("attributes.x",), "attributes.x", [1], None),
        Step("change", ("name",), "name", "a", "b"),
    ]


def test_what_is_nested_too_deep_is_compared_whole():
    old, new = "a", "b"
    for _ in range(400):
        old, new = {"x": old}, {"x": new}

    [step] = steps(old, new)

    assert len(step.path) == DEEPEST
    assert canonical(apply(old, [step])) == canonical(new)


def test_long_lists_without_a_key_take_no_time_that_grows_with_their_product():
    """20,000 and 20,000 other items: a table of all pairs would have 400 million cells."""
    old, new = ([{"port": number, "to": side} for number in range(20_000)] for side in ("a", "b"))

    assert len(steps(old, new)) == 40_000
    assert len(steps(["a", "b"] * 10_000, ["b", "c"] * 10_000)) >= 20_000


LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "b", "1"]) | st.sampled_from([0.0, 1.0, 1.5])
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.sampled_from(["id", "name", "Arn", "a", "b"]), inner, max_size=4)
)
KEYED = st.lists(st.fixed_dictionaries({"id": st.integers(0, 9), "a": LEAVES, "b": VALUES}), max_size=8, unique_by=lambda item: item["id"])
PERMUTED = st.lists(st.sampled_from([1, 2, 3, "a", True, {"a": 1}, {"a": 2, "b": 1}, [1]]), max_size=12)


@pytest.mark.parametrize("values", [VALUES, KEYED, PERMUTED], ids=["any", "keyed", "repeated"])
def test_the_steps_applied_to_the_old_value_give_the_new_one(values):
    @given(values, values)
    def holds(old, new):
        found = steps(old, new)
        kept = canonical(old)
        assert canonical(apply(old, found)) == canonical(new)
        assert canonical(old) == kept, "the old value is left alone"
        assert bool(found) == (kept != canonical(new))

    holds()
