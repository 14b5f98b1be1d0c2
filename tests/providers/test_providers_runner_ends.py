"""How reads end: what counts as gone, and in which order scopes of one read are told."""

from __future__ import annotations

import pytest
from recorder import Recorder

from providers.errors import Denied, Outcome
from providers.provider import Read, Source
from providers.records import Gone, Identity, Incomplete, Rejected, Resource, Scope
from providers.runner import run


class OneRead(Source):
    """A source with one read of two scopes."""

    def __init__(self, *items) -> None:
        self.items = items

    def check(self):
        return Identity("me")

    def plan(self):
        yield Read((scope("a"), scope("b")), self.fetch)

    def fetch(self):
        for item in self.items:
            if isinstance(item, Exception):
                raise item
            yield item


class Order(Recorder):
    """Notes in which order resources and ends are told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def resources(self, scope, resources):
        self.told.append(f"resources of {scope.resource_type}")
        super().resources(scope, resources)

    def end(self, report):
        self.told.append(f"end of {report.scope.resource_type}")
        super().end(report)


def scope(name: str) -> Scope:
    return Scope("test", "acct", "", name)


THING = Resource("a-1", "thing", "a", "a thing")


@pytest.mark.parametrize(
    ("items", "gone"),
    [
        ([Gone("a", "it is served no more")], True),
        ([Gone("a", "it is served no more"), THING], False),
        ([Gone("a", "it is served no more"), Rejected("a", "x", "no id")], False),
        ([Gone("a", "it is served no more"), Incomplete("a", Outcome.TIMEOUT, "a part did not answer")], False),
        ([Gone("a", "it is served no more"), Denied("no")], False),
        ([Gone("a", "it is served no more"), Incomplete("a", Outcome.COMPLETE, "a note")], True),
    ],
)
def test_a_scope_is_gone_by_its_sources_word_only_where_nothing_speaks_against_it(items, gone):
    run(OneRead(*items), sink := Recorder())
    assert sink.report("a").gone is gone
    assert sink.report("b").gone is False


def test_all_of_a_read_is_told_before_the_first_of_its_scopes_ends():
    """A resource that has moved is seen in its new scope before the old scope ends without it."""
    run(OneRead(Resource("b-1", "thing", "b", "moved"), THING), sink := Order())
    assert sink.told == ["resources of a", "resources of b", "end of a", "end of b"]
