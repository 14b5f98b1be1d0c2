"""docs/setup-kubernetes.md: kubectl runs its commands on an API server, jobs run with its configs, and its denials are told by runs."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest
from cluster_access import account, not_complete, opened, read
from setup_page import SetupPage, vendor_faults

from providers import registry
from providers.errors import ConfigError, ProviderError
from providers.http.response import HttpResponse
from providers.kubernetes.config import KubernetesConfig
from providers.kubernetes.refusal import explain
from providers.schema import parse
from worker.config import sources
from worker.job.admission import check_files

PAGE = SetupPage("docs/setup-kubernetes.md")
WRITES = [text for text in PAGE.commands if re.search(r"kubectl (?:create|apply)", text)]
ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


@pytest.mark.parametrize("words", PAGE.calls("kubectl", "aws", "gcloud", "az"), ids=" ".join)
def test_a_command_is_one_of_the_vendors(words):
    assert vendor_faults(words) == []


@pytest.fixture(scope="module")
def typed(kube, tmp_path_factory):
    """A function that runs commands of the page in a shell, as an administrator of the cluster."""
    home = tmp_path_factory.mktemp("home")
    (home / ".kube").mkdir()
    (home / ".kube" / "config").write_text(json.dumps(kube.kubeconfig()))
    environ = {"HOME": str(home), "PATH": f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"}

    def run(texts: list[str]) -> None:
        for text in texts:
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", text], env=environ, capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, done.stderr

    return run


def _own(kube, **more) -> dict:
    """The job's config of the page, with the values that its commands print."""
    return {"server": kube.server, "token": account(kube, "elder", "elder-worker"), "ca_certificate": kube.ca, **more}


def _denied(sink) -> set[str]:
    return {report.permission for report in not_complete(sink)}


def test_the_commands_let_the_worker_read_everything_then_all_but_secrets_and_then_namespaces(kube, typed):
    """The roles are applied in the order of the page: each replaces the one before, or adds to it."""
    assert len(WRITES) == 9
    kube.create("/api/v1/namespaces", {"metadata": {"name": "web"}})
    typed(WRITES[:5])
    stored = kube.call("GET", "/api/v1/namespaces/elder/secrets/elder-worker-token")
    assert (stored["type"], stored["metadata"]["annotations"]) == (
        "kubernetes.io/service-account-token",
        {"kubernetes.io/service-account.name": "elder-worker"} | _of_kubectl(stored),
    )
    whole = read(_own(kube))
    assert not_complete(whole) == []
    assert whole.ids("k8s_secret")

    typed(WRITES[5:6])
    assert _denied(read(_own(kube))) == {"list secrets"}
    assert not_complete(read(_own(kube, exclude_types=["secrets"]))) == []

    kube.call("DELETE", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/elder-worker")
    typed(WRITES[6:])
    parts = read(_own(kube, namespaces=["shop", "web"]))
    assert not_complete(parts) == []
    assert {scope.coverage for scope in parts.reports if scope.coverage} == {"namespaces=shop", "namespaces=web"}


def _of_kubectl(stored: dict) -> dict:
    """What kubectl itself notes, and what the API server adds."""
    return {key: value for key, value in stored["metadata"]["annotations"].items() if key != "kubernetes.io/service-account.name"}


def test_the_configs_are_a_jobs():
    bodies = PAGE.jobs()
    assert [parse(KubernetesConfig, body["config"]).cluster_name for body in bodies] == ["production", "other"]
    pairs = PAGE.pairs()
    assert [next(iter(pair)) for pair in pairs] == ["aws_account", "kubeconfig_path", "context", "exclude_types", "namespaces"]
    assert all(parse(KubernetesConfig, pair) for pair in pairs)
    assert check_files(bodies[0]["config"], ["/var/run/secrets"]) == (ACCOUNT,)
    assert check_files(pairs[1], ["/var/run/secrets"])


def test_the_settings_are_the_workers():
    assert set(PAGE.settings()) <= {one.name for one in sources.variables(registry.description("kubernetes"))}


def _ended(**config) -> tuple[str, str]:
    """The kind and the sentence with which a run ends."""
    with pytest.raises(ProviderError) as caught, opened(config) as source:
        source.check()
    return caught.value.error_kind, str(caught.value)


def _refused(code: int, message: str) -> tuple[str, str]:
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": "x", "code": code}
    error = explain(
        HttpResponse(code, {"content-type": "application/json"}, json.dumps(body).encode(), "https://k8s.example/api"), "list pods"
    )
    return error.outcome.value, str(error)


def _outside() -> tuple[str, str]:
    with pytest.raises(ConfigError) as caught:
        check_files({"kubeconfig_path": "/etc/kubeconfig"}, ["/var/run/secrets"])
    return caught.value.error_kind, str(caught.value)


def test_every_denial_has_a_sentence_that_a_run_tells(kube):
    nobody = read(_own(kube, token=account(kube, "shop", "without-rights")))
    lost = read({"kubeconfig": kube.kubeconfig(), "namespaces": ["nowhere", "shop"]})
    exec_user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "aws"}}
    told = [
        *((report.outcome.value, report.message) for sink in (nobody, lost) for report in not_complete(sink)),
        _refused(403, 'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" at the cluster scope'),
        _refused(403, 'users "ops" is forbidden: User "jane" cannot impersonate resource "users" in API group "" at the cluster scope'),
        _refused(503, "service unavailable"),
        _ended(**_own(kube, token="wrong")),
        _ended(server=kube.server, token="any"),
        _ended(kubeconfig=kube.kubeconfig(**exec_user)),
        _ended(),
        _outside(),
    ]
    assert len(PAGE.denials()) == 10
    assert PAGE.untold(told) == []
