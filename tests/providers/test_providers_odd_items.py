"""Items that are not what a source documents, in every list of every source that is read over HTTP: they end nothing but themselves."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from dying import VENDORS
from recorder import Recorder

from providers.errors import Outcome
from providers.http.response import HttpResponse
from providers.runner import run

ITEMS = {
    "null": None,
    "a text": "x",
    "a list": [1],
    "an empty object": {},
    "an id that is null": {"id": None},
    "names that are no Unicode": dict.fromkeys(("id", "pk", "name", "displayName", "type", "kind"), "a\ud800"),
}
VALUES = {"a text": "x", "a number": 2**80, "a list": [None], "an object": {"a": [None]}}
KEPT = frozenset({"id", "pk", "name", "type", "kind", "projectId", "selfLink"})
"""Fields that name an item."""
BESIDE = frozenset({"pagination", "_links", "error"})
"""Members of an answer beside its items."""
NAMES = ("okta", "authentik", "entra", "azure", "gcp", "google_workspace")
TYPED = frozenset({"azure_vm", "azure_storage_account", "azure_storage_container", "azure_file_share"})
"""Types that are read through a library, which does not read its answers where this test changes them."""


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr("providers.http.retry.wait", lambda _seconds: None)


def grown(found: Any, odd: Any, depth: int = 0) -> Any:
    """An answer with one more item at the end of each of its lists."""
    if isinstance(found, list):
        return [*found, copy.deepcopy(odd)]
    if isinstance(found, dict) and depth < 2:
        return {key: one if key in BESIDE else grown(one, odd, depth + 1) for key, one in found.items()}
    return found


def twisted(found: Any, value: Any, depth: int = 0) -> Any:
    """An answer in whose items every field but the names has the value."""
    if isinstance(found, list):
        return [{key: field if key in KEPT else value for key, field in one.items()} if isinstance(one, dict) else one for one in found]
    if isinstance(found, dict) and depth < 2:
        return {key: one if key in BESIDE else twisted(one, value, depth + 1) for key, one in found.items()}
    return found


def read(vendor, monkeypatch, change) -> Recorder:
    """One run, whose answers are changed once it has signed in."""
    real, sink = HttpResponse.json, Recorder()
    with monkeypatch.context() as patch, vendor.opened() as source:
        source.check()
        patch.setattr(HttpResponse, "json", lambda self: change(real(self)) if self.status < 300 else real(self))
        run(source, sink)
    return sink


@pytest.fixture(params=NAMES)
def vendor(request):
    fixture, made = VENDORS[request.param]
    return made(request.getfixturevalue(fixture))


def unforeseen(sink: Recorder) -> dict[str, str]:
    """The scopes that ended with an exception which nobody had foreseen."""
    reports = {scope.resource_type: report.message for scope, report in sink.reports.items() if scope.resource_type not in TYPED}
    return {name: message for name, message in reports.items() if message.startswith("unexpected")}


@pytest.mark.parametrize("odd", ITEMS)
def test_an_item_of_another_kind_ends_no_scope_without_a_sentence(vendor, monkeypatch, odd):
    sink = read(vendor, monkeypatch, lambda found: grown(found, ITEMS[odd]))
    assert unforeseen(sink) == {}
    believed = [report for report in sink.reports.values() if report.outcome is Outcome.COMPLETE and not report.rejected]
    assert len(believed) < len(sink.reports), "what is not known to be an item makes no complete list"


@pytest.mark.parametrize(
    "vendor", [name for name in NAMES if name != "google_workspace"], indirect=True
)  # its units would contain themselves
@pytest.mark.parametrize("value", VALUES)
def test_fields_of_another_kind_are_that_items_trouble(vendor, monkeypatch, value):
    assert unforeseen(read(vendor, monkeypatch, lambda found: twisted(found, VALUES[value]))) == {}


@pytest.mark.parametrize(
    ("vendor", "sub_type"), [("entra", "entra_group"), ("entra", "entra_user"), ("azure", "azure_management_group")], indirect=["vendor"]
)
def test_an_id_that_is_no_unicode_is_rejected_and_the_others_are_read(vendor, sub_type, monkeypatch):
    sound = read(vendor, monkeypatch, lambda found: found)
    sink = read(vendor, monkeypatch, lambda found: grown(found, ITEMS["names that are no Unicode"]))
    assert sink.report(sub_type).rejected
    assert sink.ids(sub_type) == sound.ids(sub_type) != []
