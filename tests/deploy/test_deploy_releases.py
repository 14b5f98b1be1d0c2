"""Releases of the chart by Helm 3 and 4 on a real API server: installed, upgraded, rolled back, uninstalled; no Secret is touched.

Kubernetes 1.20 has no policy/v1: a copy of the chart sends the disruption budgets as policy/v1beta1.
"""

from __future__ import annotations

import concurrent.futures
import itertools
import os
import re
import shutil
import subprocess
import sys

import psycopg
import pytest
from chart_objects import CHART, DEPLOY, VALUES, missing_in, older
from installed_releases import Namespace
from peers.helm import PACKAGES, Helm
from peers.kube import running
from waiting import until

_numbers = itertools.count()
MIGRATE = {"migrate": {"enabled": True}}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """An API server of these tests' own, with the types of the operators."""
    with running(tmp_path_factory.mktemp("server")) as kube:
        kube.define("podmonitors", "PodMonitor", "monitoring.coreos.com")
        kube.define("scaledjobs", "ScaledJob", "keda.sh", "v1alpha1")
        kube.define("scaledobjects", "ScaledObject", "keda.sh", "v1alpha1")
        yield kube


@pytest.fixture(params=PACKAGES)
def namespace(request, server, tmp_path):
    return Namespace(server, f"elder-{next(_numbers)}", request.param, tmp_path)


def test_a_release_is_upgraded_rolled_back_and_uninstalled_and_no_secret_is_touched(namespace):
    secrets = namespace.secrets()
    assert set(secrets) == {"elder-db", "elder-discovery-creds", "elder-api-tls", "elder-monitoring"}
    namespace.release("install", {})
    installed = namespace.objects()
    assert set(installed) == {
        "Deployment elder-api", "Deployment elder-worker", "Service elder-api", "ServiceAccount elder-worker", "NetworkPolicy elder-api",
        "NetworkPolicy elder-worker", "PodDisruptionBudget elder-api", "PodDisruptionBudget elder-worker",
    }  # fmt: skip
    assert namespace.secrets() == secrets

    namespace.release("upgrade", {})
    assert {name: one["spec"] for name, one in namespace.objects().items() if "spec" in one} == {
        name: one["spec"] for name, one in installed.items() if "spec" in one
    }
    assert generations(namespace) == {"elder-api": 1, "elder-worker": 1}, "the same values start no pod anew"
    assert namespace.secrets() == secrets

    namespace.release("upgrade", {"worker": {"replicas": 3}, "image": {"tag": "next"}})
    assert image_and_replicas(namespace) == ("elder-worker:next", 3)
    assert namespace.secrets() == secrets

    namespace.helm("upgrade", "elder", namespace.chart, "-n", namespace.name, "--reuse-values", "--set", "worker.replicas=4")
    assert image_and_replicas(namespace) == ("elder-worker:next", 4)
    assert namespace.secrets() == secrets

    namespace.helm("rollback", "elder", "1", "-n", namespace.name)
    assert image_and_replicas(namespace) == ("elder-worker:latest", 2)
    assert namespace.secrets() == secrets
    assert namespace.history() == [(number, "superseded") for number in (1, 2, 3, 4)] + [(5, "deployed")]

    namespace.helm("uninstall", "elder", "-n", namespace.name)
    assert namespace.objects() == {} and namespace.secrets() == secrets


def generations(namespace: Namespace) -> dict[str, int]:
    return {one["metadata"]["name"]: one["metadata"]["generation"] for one in namespace.objects().values() if one["kind"] == "Deployment"}


def image_and_replicas(namespace: Namespace) -> tuple[str, int]:
    spec = namespace.objects()["Deployment elder-worker"]["spec"]
    return spec["template"]["spec"]["containers"][0]["image"], spec["replicas"]


def test_helm_4_takes_a_release_of_helm_3_over(server, tmp_path):
    namespace = Namespace(server, f"elder-{next(_numbers)}", "3", tmp_path)
    secrets = namespace.secrets()
    namespace.release("install", {})
    namespace.helm = Helm("4", tmp_path, server.kubeconfig())
    namespace.release("upgrade", {})
    assert generations(namespace) == {"elder-api": 1, "elder-worker": 1}
    namespace.release("upgrade", {"worker": {"replicas": 3}})
    assert image_and_replicas(namespace) == ("elder-worker:latest", 3)
    namespace.helm("rollback", "elder", "1", "-n", namespace.name)
    assert image_and_replicas(namespace) == ("elder-worker:latest", 2)
    assert namespace.secrets() == secrets


@pytest.mark.parametrize("name", VALUES)
def test_a_server_stores_every_field_of_what_is_installed(namespace, name):
    """An API server drops a field that it does not know. Hooks, of which there is one, have tests of their own."""
    namespace.release("install", VALUES[name], "--no-hooks")
    documents = namespace.stored("manifest")
    assert {one["kind"] for one, _ in documents} >= {"Deployment", "ServiceAccount"}
    assert "Secret" not in {one["kind"] for one, _ in documents}
    assert [lost for sent, stored in documents for lost in missing_in(stored, sent, sent["kind"])] == []


def test_a_server_that_is_too_old_is_refused(namespace):
    done = namespace.helm.run("install", "elder", CHART, "-n", namespace.name)
    assert done.returncode != 0 and "chart requires kubeVersion: >=1.25.0-0" in done.stderr
    assert namespace.objects() == {}


@pytest.fixture
def owned(namespace, empty_database):
    """The namespace, whose Secret has the URL of an empty database's owner."""
    own(namespace, empty_database)
    return namespace


def own(namespace: Namespace, url: str) -> None:
    body = {"stringData": {"owner-url": url}}
    namespace.kube.call("PATCH", f"/api/v1/namespaces/{namespace.name}/secrets/elder-db", body, kind="application/merge-patch+json")


def released(namespace: Namespace, command: str, *, seen: str = ""):
    """The migration of an install or upgrade, carried out while Helm waits for it: (job, what it printed, what Helm said, objects before)."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        arguments = (command, "elder", namespace.chart, "-n", namespace.name, "--values", namespace.values(MIGRATE), "--timeout", "200s")
        helm = pool.submit(namespace.helm.run, *arguments)
        job = until(lambda: helm.done() or ((one := namespace.job()) and one["metadata"]["uid"] != seen and one), "the Job is made")
        assert job is not True, helm.result()
        before = namespace.objects()
        printed = namespace.carry_out(job)
        return job, printed, helm.result(), before


def test_the_migration_comes_before_the_pods_of_an_install_and_of_an_upgrade(owned, empty_database):
    secrets = owned.secrets()
    first, printed, helm, before = released(owned, "install")
    assert helm.returncode == 0, f"{helm.stderr}{printed}"
    assert not [name for name in before if name.startswith("Deployment")]
    with psycopg.connect(empty_database) as connection:
        assert connection.execute("select count(*) from discovery_jobs").fetchone() == (0,)
    assert generations(owned) == {"elder-api": 1, "elder-worker": 1}

    _, printed, helm, _ = released(owned, "upgrade", seen=first["metadata"]["uid"])
    assert helm.returncode == 0, f"{helm.stderr}{printed}"
    assert generations(owned) == {"elder-api": 1, "elder-worker": 1}
    job = owned.job()
    owned.helm("rollback", "elder", "1", "-n", owned.name)
    assert owned.job() == job, "a rollback does not migrate"
    assert owned.secrets() == secrets


def test_a_migration_that_fails_keeps_the_pods_as_they_were(owned, empty_database):
    own(owned, re.sub(r"/test_\w+", "/no_such_database", empty_database))
    first, printed, helm, _ = released(owned, "install")
    assert helm.returncode != 0 and "no_such_database" in printed
    assert owned.history() == [(1, "failed")]
    assert not [name for name in owned.objects() if name.startswith("Deployment")]

    own(owned, empty_database)
    _, printed, helm, _ = released(owned, "upgrade", seen=first["metadata"]["uid"])
    assert helm.returncode == 0, f"{helm.stderr}{printed}"
    assert owned.history() == [(1, "superseded"), (2, "deployed")]
    assert generations(owned) == {"elder-api": 1, "elder-worker": 1}


def documented(name: str) -> str:
    """The commands of that name in the docs."""
    text = (DEPLOY.parent / "docs" / "operations.md").read_text()
    return re.search(rf"<!-- executed by tests/deploy/test_deploy_releases.py: {name} -->\n```bash\n(.*?)```", text, re.DOTALL)[1]


def test_the_commands_of_the_docs(server, tmp_path):
    """Each block of them ends well and does what stands before it."""
    helm = Helm("4", tmp_path, server.kubeconfig())
    shutil.copytree(DEPLOY / "kubernetes", tmp_path / "deploy" / "kubernetes")
    (tmp_path / "deploy" / "helm").mkdir()
    older(tmp_path / "deploy" / "helm")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "helm").symlink_to(helm.path)
    (programs / "kubectl").symlink_to(os.path.join(os.path.dirname(sys.executable), "kubectl"))
    environ = helm.environ | {"PATH": f"{programs}:{os.environ['PATH']}"}

    def execute(name: str, values: str) -> str:
        (tmp_path / "my-values.yaml").write_text(values)
        done = subprocess.run(["sh", "-ec", documented(name)], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, f"{done.stdout}{done.stderr}"
        return done.stdout

    def replicas() -> int:
        return server.call("GET", "/apis/apps/v1/namespaces/elder/deployments/elder-worker")["spec"]["replicas"]

    execute("secrets", "")
    secrets = server.call("GET", "/api/v1/namespaces/elder/secrets")["items"]
    execute("install", "worker: {replicas: 1}")
    assert replicas() == 1
    assert "Upgrade complete" in execute("upgrade", "worker: {replicas: 3}")
    assert replicas() == 3
    execute("rollback", "")
    assert replicas() == 1
    execute("uninstall", "")
    assert server.call("GET", "/apis/apps/v1/namespaces/elder/deployments")["items"] == []
    assert server.call("GET", "/api/v1/namespaces/elder/secrets")["items"] == secrets
