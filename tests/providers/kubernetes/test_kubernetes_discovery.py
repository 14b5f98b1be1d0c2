"""Discovery of the types that a server serves: a type that it does not name is gone only when that is certain."""

from __future__ import annotations

import json

import pytest
from cluster_access import read
from peers.http_proxy import Reply
from peers.kube_proxy import at, status

from providers.errors import Outcome, ProviderError
from providers.records import Scope

WIDGET = "k8s_widget__acme_example"
EVERYTHING = ("k8s_pod", "k8s_deployment", WIDGET)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr("providers.http.retry.wait", lambda _seconds: None)


def earlier(kube, *types: str) -> tuple[Scope, ...]:
    """The scopes of a run before."""
    uid = kube.call("GET", "/api/v1/namespaces/kube-system")["metadata"]["uid"]
    return tuple(Scope("kubernetes", uid, "", one) for one in types)


def answer(body: object) -> Reply:
    return Reply(200, json.dumps(body).encode(), {"Content-Type": "application/json"})


FAILURE = json.loads(status(503, "ServiceUnavailable", "the server is currently unable to handle the request").body)


@pytest.mark.parametrize("path", ["/api", "/apis"])
@pytest.mark.parametrize(
    "body",
    [{}, FAILURE, {"kind": "APIVersions", "versions": []}, {"kind": "APIGroupList", "groups": []}, {"versions": None, "groups": None}, []],
)
def test_a_server_that_announces_nothing_has_lost_nothing(kube_proxy, kube, path, body):
    """Servers that have only just started answer so, and gateways that answer everything with 200."""
    scopes = earlier(kube, *EVERYTHING)
    with kube_proxy.broken(at(path, answer(body))), pytest.raises(ProviderError) as told:
        read({"kubeconfig": kube_proxy.kubeconfig()}, attempted=scopes)
    assert "currently unable" in str(told.value) if body is FAILURE else path in str(told.value)


@pytest.mark.parametrize("body", [{}, FAILURE, {"kind": "APIResourceList"}])
def test_a_group_that_names_no_types_is_a_scope_that_failed(kube_proxy, kube, body):
    with kube_proxy.broken(at("/apis/acme.example/v1", answer(body))):
        sink = read({"kubeconfig": kube_proxy.kubeconfig()}, attempted=earlier(kube, WIDGET))
    assert WIDGET not in {scope.resource_type for scope in sink.reports}
    assert sink.report("*").outcome in (Outcome.ERROR, Outcome.TIMEOUT)


@pytest.mark.parametrize("resources", [[], None])
def test_an_empty_group_keeps_what_it_had(kube_proxy, kube, resources):
    """An adapter of metrics answers so for ever: it makes no run partial, and keeps nothing of other groups from being gone."""
    gone = "k8s_gone__other_example"
    body = {"kind": "APIResourceList", "groupVersion": "acme.example/v1", "resources": resources}
    with kube_proxy.broken(at("/apis/acme.example/v1", answer(body))):
        sink = read({"kubeconfig": kube_proxy.kubeconfig()}, attempted=earlier(kube, WIDGET, gone))
    assert (sink.report(WIDGET).outcome, sink.report(WIDGET).gone) == (Outcome.UNSUPPORTED, False)
    assert "has not deleted it" in sink.report(WIDGET).message
    assert sink.report(gone).gone
    assert sink.report("k8s_pod").outcome is Outcome.COMPLETE


def test_an_announced_group_without_versions_keeps_what_it_had(kube_proxy, kube):
    groups = json.loads(kube.call("GET", "/apis", raw=True))
    next(one for one in groups["groups"] if one["name"] == "acme.example")["versions"] = []
    with kube_proxy.broken(at("/apis", answer(groups))):
        sink = read({"kubeconfig": kube_proxy.kubeconfig()}, attempted=earlier(kube, "k8s_gadget__acme_example"))
    report = sink.report("k8s_gadget__acme_example")
    assert (report.outcome, report.gone) == (Outcome.UNSUPPORTED, False)


@pytest.mark.parametrize("body", [FAILURE, {}, {"kind": "NamespaceList"}])
@pytest.mark.parametrize("path", ["/version", "/api/v1/namespaces"])
def test_a_success_that_holds_a_failure_changes_neither_the_cluster_nor_its_identity(kube_proxy, path, body):
    """Gateways pass refusals on with the number of a success: to take the identity for unknown would make another cluster of this one."""
    with kube_proxy.broken(at(path, answer(body))), pytest.raises(ProviderError) as told:
        read({"kubeconfig": kube_proxy.kubeconfig()})
    assert "currently unable" in str(told.value) if body is FAILURE else "the answer to" in str(told.value)


def without_widgets(kube):
    """The groups as a server announces them that has not read its definitions yet."""
    groups = json.loads(kube.call("GET", "/apis", raw=True))
    groups["groups"] = [one for one in groups["groups"] if one["name"] != "acme.example"]
    return answer(groups)


def test_a_type_whose_definition_is_there_is_not_gone(kube_proxy, kube):
    """kubernetes#104342: a starting server does not know its custom types yet, and controllers deleted what was theirs."""
    with kube_proxy.broken(at("/apis", without_widgets(kube))):
        sink = read({"kubeconfig": kube_proxy.kubeconfig()}, attempted=earlier(kube, WIDGET, "k8s_gone__acme_example"))
    assert (sink.report(WIDGET).outcome, sink.report(WIDGET).gone) == (Outcome.UNSUPPORTED, False)
    assert sink.report("k8s_gone__acme_example").gone


def test_definitions_that_cannot_be_listed_leave_that_type_unknown_and_the_others_read(kube_proxy, kube):
    rules = [
        at("/apis", without_widgets(kube)),
        at("/customresourcedefinitions", status(500, "InternalError", "etcdserver: leader changed")),
    ]
    with kube_proxy.broken(lambda request: next((found for rule in rules if (found := rule(request))), None)):
        sink = read({"kubeconfig": kube_proxy.kubeconfig()}, attempted=earlier(kube, WIDGET))
    assert sink.report(WIDGET).outcome is Outcome.TIMEOUT
    assert "leader changed" in sink.report(WIDGET).message
    assert sink.report("k8s_pod").outcome is Outcome.COMPLETE


def test_links_to_types_of_a_group_that_does_not_answer_are_not_taken_away(kube_proxy, kube):
    """A claim names its storage class; whether there is such a one is not known."""
    kube.create("/apis/storage.k8s.io/v1/storageclasses", {"metadata": {"name": "fast"}, "provisioner": "example.com/disk"})
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "fast"}
    kube.create("/api/v1/namespaces/shop/persistentvolumeclaims", {"metadata": {"name": "linked"}, "spec": claim})
    whole = read({"kubeconfig": kube_proxy.kubeconfig()}).one("shop/linked")
    assert whole.links
    assert not whole.links_partial
    unavailable = Reply(503, b"unavailable")
    with kube_proxy.broken(lambda request: unavailable if request.path.startswith("/apis/storage.k8s.io/v1") else None):
        part = read({"kubeconfig": kube_proxy.kubeconfig()}).one("shop/linked")
    assert part.links_partial
