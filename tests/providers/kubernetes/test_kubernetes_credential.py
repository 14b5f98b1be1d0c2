"""A credential that dies while a cluster is read: told once, and never read as absence."""

from __future__ import annotations

import json
import subprocess
import sys
import threading

import pytest
from cluster_access import opened, read
from peers.kube_proxy import as_who_has, at, status
from recorder import Recorder

from providers.errors import CredentialsError, Outcome, TimedOut
from providers.http.credential import TRIES, Credential
from providers.kubernetes.source import Cluster
from providers.runner import run

WIDGET = "k8s_widget__acme_example"
UNAUTHORIZED = status(401, "Unauthorized", "Unauthorized")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr("providers.http.retry.wait", lambda _seconds: None)


def dying(proxy, asked: list[str]):
    """A rule: from the first list of widgets on, the server is asked with a token that has expired; `asked` are the requests since."""
    dead, expired = threading.Event(), as_who_has(proxy.service_account_token(-3600))

    def rule(request):
        if "/widgets" in request.path:
            dead.set()
        if not dead.is_set():
            return None
        asked.append(request.path)
        return expired

    return rule


def test_a_credential_that_dies_ends_the_run_with_one_sentence(kube_proxy):
    """What was under way at that moment is asked once more at most, and nothing else is."""
    whole, sink, asked = read({"kubeconfig": kube_proxy.kubeconfig()}), Recorder(), []
    with (
        kube_proxy.broken(dying(kube_proxy, asked)),
        opened({"kubeconfig": kube_proxy.kubeconfig()}) as source,
        pytest.raises(CredentialsError, match=r"the API server does not accept the credentials \(401\): .*expired"),
    ):
        run(source, sink)
    assert len(asked) <= Cluster.concurrency + TRIES
    assert len(sink.reports) < len(whole.reports)
    assert not {scope for scope in sink.reports if sink.reports[scope].outcome is not Outcome.COMPLETE}, "none is told the same again"
    for scope, report in sink.reports.items():
        assert report.resources == whole.reports[scope].resources, "what was not read is not empty"


def test_discover_tells_it_once(kube_proxy):
    command = [
        sys.executable,
        "-m",
        "worker.cli",
        "discover",
        "kubernetes",
        "--config",
        f"kubeconfig={json.dumps(kube_proxy.kubeconfig())}",
    ]
    with kube_proxy.broken(dying(kube_proxy, [])):
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert done.stderr.count("does not accept the credentials (401)") == 1, done.stderr


def test_an_aggregated_server_that_refuses_everybody_is_that_types_trouble(kube_proxy):
    """The API server itself accepts us: a token that it would refuse is not to blame."""
    with kube_proxy.broken(at("/widgets", UNAUTHORIZED)):
        sink = read({"kubeconfig": kube_proxy.kubeconfig()})
    report = sink.report(WIDGET)
    assert report.outcome is Outcome.ERROR
    assert "though the API server does" in report.message
    assert {scope.resource_type for scope, one in sink.reports.items() if one.outcome is not Outcome.COMPLETE} == {WIDGET}


def test_a_moments_refusal_is_asked_again(kube_proxy):
    """As while a webhook that authenticates is replaced: the list, and discovery once, are refused."""
    left = {"/widgets": 1, "/api": 1}

    def rule(request):
        path = next((path for path in left if request.path.partition("?")[0].endswith(path)), "")
        if not path or not left[path] or (path == "/api" and left["/widgets"]):
            return None
        left[path] -= 1
        return UNAUTHORIZED

    with kube_proxy.broken(rule):
        sink = read({"kubeconfig": kube_proxy.kubeconfig()})
    assert left == {"/widgets": 0, "/api": 0}
    assert (sink.report(WIDGET).outcome, sink.report(WIDGET).resources) == (Outcome.COMPLETE, 1)


@pytest.mark.parametrize("verdict", [TimedOut("silence"), None])
def test_without_a_refusal_of_discovery_nothing_is_certain(verdict):
    def discover():
        if verdict:
            raise verdict

    credential, refusal = Credential("the API server", discover), CredentialsError("refused")
    credential.accepted()
    if verdict:
        with pytest.raises(CredentialsError, match="refused"):
            credential.judge(refusal)
    else:
        credential.judge(refusal)
    assert not credential.is_refused
    credential.ensure_accepted()


def test_a_credential_that_was_never_accepted_is_not_asked_for_again():
    asked: list[int] = []
    credential = Credential("the API server", lambda: asked.append(1))
    with pytest.raises(CredentialsError, match="refused"):
        credential.judge(CredentialsError("refused"))
    assert not asked
