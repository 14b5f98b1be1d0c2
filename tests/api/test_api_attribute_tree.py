"""Attributes as a tree: keys in order, nothing lost without a word, bounded whatever a source says."""

from __future__ import annotations

from psycopg.types.json import Jsonb
from store_runs import add_job, resources, run_once

from api.attribute_tree import DEEPEST, NODES, WIDEST, tree


def flat(node, path=()):
    """Every node with its path."""
    for child in node.children:
        yield (*path, child.name), child
        yield from flat(child, (*path, child.name))


def test_keys_are_in_order_and_values_are_words():
    root = tree({"state": {"Name": "running", "code": 16}, "Zone": None, "public": False, "Rules": [{"port": 22}, "x"], "a": {}, "b": ""})

    assert [child.name for child in root.children] == ["a", "b", "public", "Rules", "state", "Zone"]
    assert {".".join(path): node.text for path, node in flat(root)} == {
        "a": "empty",
        "b": "empty",
        "public": "no",
        "Rules": "2 items",
        "Rules.1": "1 field",
        "Rules.1.port": "22",
        "Rules.2": "x",
        "state": "2 fields",
        "state.code": "16",
        "state.Name": "running",
        "Zone": "none",
    }


def test_a_long_text_is_cut_and_there_whole():
    [cut] = tree({"policy": "x" * 5000}).children
    [kept] = tree({"policy": "x" * 120}).children

    assert (len(cut.text), cut.whole) == (120, "x" * 5000)
    assert (kept.text, kept.whole) == ("x" * 120, "")


def test_it_is_bounded_and_says_what_it_leaves_out():
    deep: dict = {}
    for _ in range(500):
        deep = {"a": deep, "b": 1}
    many = tree({"list": list(range(5000)), "lists": [[list(range(50))] * 50] * 50, "deep": deep})
    nodes = list(flat(many))

    assert len(nodes) <= NODES
    assert max(len(path) for path, _ in nodes) <= DEEPEST
    listed = next(node for path, node in nodes if path == ("list",))
    assert (len(listed.children), listed.hidden, listed.text) == (WIDEST, 5000 - WIDEST, "5000 items")


def test_the_page_shows_the_tree_and_takes_nothing_for_html(elder, database, sql):
    run_once(database, add_job(sql), resources(1))
    hostile = {"<b>key": ["<script>alert(1)</script>", {"deep": "y" * 500}], "wide": list(range(300))}
    sql.execute("update entities set attributes = %s", [Jsonb(hostile)])

    page = elder.call("GET", "/entities/1", headers={"Accept": "text/html"}).get_data(as_text=True)

    assert "<script>alert" not in page
    assert "&lt;b&gt;key" in page
    assert "y" * 500 in page
    assert "100 more in the JSON" in page
