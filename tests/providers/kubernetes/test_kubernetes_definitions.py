"""Types that a cluster does not announce any more, read by an account that may not list the definitions of custom types."""

from __future__ import annotations

import json

import pytest
from cluster_access import account, permit, read
from peers.http_proxy import Reply
from peers.kube_proxy import at, status
from waiting import until

from providers.errors import Outcome
from providers.records import Scope

GROUP = "short.example"
GADGET = "k8s_gadget__short_example"
DEFINITION = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gadgets.{GROUP}"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr("providers.http.retry.wait", lambda _seconds: None)


@pytest.fixture(scope="module")
def token(kube):
    """A token with the right to list everything but definitions."""
    found = account(kube, "shop", "undefined")
    rules = [
        {"apiGroups": ["", "apps", "acme.example", GROUP], "resources": ["*"], "verbs": ["list"]},
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]},
    ]
    permit(kube, "undefined", rules)
    return found


@pytest.fixture
def gadget(kube):
    """A custom type with one object; gone at the end."""
    kube.define("gadgets", "Gadget", GROUP)
    kube.create(f"/apis/{GROUP}/v1/namespaces/shop/gadgets", {"apiVersion": f"{GROUP}/v1", "kind": "Gadget", "metadata": {"name": "g"}})
    yield
    delete(kube)


def delete(kube) -> None:
    """Deletes the definition; returns once the server announces its group no more."""
    if GROUP in announced(kube):
        kube.call("DELETE", DEFINITION)
        until(lambda: GROUP not in announced(kube), f"{GROUP} is gone")


def announced(kube) -> list[str]:
    return [group["name"] for group in kube.call("GET", "/apis")["groups"]]


def earlier(kube) -> tuple[Scope, ...]:
    return (Scope("kubernetes", kube.call("GET", "/api/v1/namespaces/kube-system")["metadata"]["uid"], "", GADGET),)


def test_a_deleted_definition_is_gone_without_the_right_to_list_definitions(kube, token, gadget):
    before = read({"kubeconfig": kube.kubeconfig(token)})
    delete(kube)
    after = read({"kubeconfig": kube.kubeconfig(token)}, attempted=tuple(before.reports))
    assert before.report("k8s_custom_resource_definition").outcome is Outcome.DENIED
    assert (before.report(GADGET).outcome, before.report(GADGET).resources) == (Outcome.COMPLETE, 1)
    assert (after.report(GADGET).outcome, after.report(GADGET).gone) == (Outcome.COMPLETE, True)


def without_gadgets(kube) -> Reply:
    """The groups as a server announces them that has not read its definitions yet."""
    groups = kube.call("GET", "/apis")
    groups["groups"] = [one for one in groups["groups"] if one["name"] != GROUP]
    return Reply(200, json.dumps(groups).encode(), {"Content-Type": "application/json"})


def test_a_type_that_is_announced_once_the_server_is_ready_is_not_gone(kube, kube_proxy, token, gadget):
    """kubernetes#104342, for who may not look at the definitions: the groups are asked for again behind the server's readiness."""
    starting, asked = without_gadgets(kube), []

    def rule(request):
        if request.path == "/readyz":
            asked.append(request.path)
        return starting if request.path == "/apis" and not asked else None

    with kube_proxy.broken(rule):
        sink = read({"kubeconfig": kube_proxy.kubeconfig(token)}, attempted=earlier(kube))
    assert asked
    assert (sink.report(GADGET).outcome, sink.report(GADGET).gone) == (Outcome.UNSUPPORTED, False)


NOT_READY = Reply(500, b"[-]poststarthook/crd-informer-synced failed: reason withheld\n", {"Content-Type": "text/plain; charset=utf-8"})
HIDDEN = status(403, "Forbidden", 'forbidden: User "jane" cannot get path "/readyz"')


@pytest.mark.parametrize(
    ("answer", "outcome", "words"),
    [
        (NOT_READY, Outcome.TIMEOUT, "crd-informer-synced failed"),
        (HIDDEN, Outcome.DENIED, "allow 'list customresourcedefinitions.apiextensions.k8s.io'"),
        (status(404, "NotFound", "the server could not find the requested resource"), Outcome.DENIED, "is not known"),
    ],
)
def test_what_a_server_that_is_not_known_to_be_ready_does_not_announce_is_not_gone(kube, kube_proxy, token, answer, outcome, words):
    with kube_proxy.broken(at("/readyz", answer)):
        sink = read({"kubeconfig": kube_proxy.kubeconfig(token)}, attempted=earlier(kube))
    report = sink.report(GADGET)
    assert (report.outcome, report.gone) == (outcome, False)
    assert words in report.message
    assert sink.report("k8s_pod").outcome is Outcome.COMPLETE


def test_a_group_that_fails_when_it_is_asked_again_keeps_what_it_had(kube, kube_proxy, token):
    ready: list[str] = []

    def rule(request):
        if request.path == "/readyz":
            ready.append(request.path)
        return (
            status(503, "ServiceUnavailable", "the server is currently unable")
            if ready and request.path == "/apis/acme.example/v1"
            else None
        )

    with kube_proxy.broken(rule):
        sink = read({"kubeconfig": kube_proxy.kubeconfig(token)}, attempted=earlier(kube))
    assert ready
    assert (sink.report(GADGET).outcome, sink.report(GADGET).gone) == (Outcome.TIMEOUT, False)
