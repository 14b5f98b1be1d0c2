"""A discovery by the service account of an installed chart, with a token that the API server has issued."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest
from installed_releases import Namespace
from peers.kube import Kube, running


@pytest.fixture
def installed(request, tmp_path):
    """(server, namespace) with the chart installed by Helm 4 with these values."""
    folder = tmp_path / "server"
    folder.mkdir()
    with running(folder) as kube:
        namespace = Namespace(kube, "elder", "4", tmp_path)
        namespace.release("install", request.param)
        yield kube, namespace


def discovered(kube: Kube, namespace: Namespace, folder: pathlib.Path):
    """The run of `elder-worker discover` with what the kubelet mounts into the worker's pod."""
    (folder / "token").write_text(namespace.kubectl("create", "token", "elder-worker"))
    (folder / "ca.crt").write_text(kube.ca)
    host, _, port = kube.server.removeprefix("https://").partition(":")
    environ = {"PATH": os.environ["PATH"], "KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
    command = [sys.executable, "-m", "worker.cli", "discover", "kubernetes", "--config", f"kubeconfig_path={folder}", "--format", "jsonl"]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=240)


@pytest.mark.parametrize("installed", [{}], indirect=True)
def test_the_account_of_a_release_reads_all_of_its_cluster(installed, tmp_path):
    done = discovered(*installed, tmp_path)
    assert done.returncode == 0, done.stderr
    found = {(one["sub_type"], one["name"]): one for one in map(json.loads, done.stdout.splitlines())}
    assert found["k8s_deployment", "elder/elder-worker"]["tags"] == {"app": "elder-worker", "app.kubernetes.io/managed-by": "Helm"}
    assert {("k8s_service_account", "elder/elder-worker"), ("k8s_service", "elder/elder-api"), ("k8s_secret", "elder/elder-db")} <= set(
        found
    )
    assert found["k8s_helm_release", "elder/elder"]["attributes"]["status"] == "deployed"
    assert "change-me" not in done.stdout


@pytest.mark.parametrize("installed", [{"rbac": {"secrets": False}}], indirect=True)
def test_without_the_right_to_secrets_it_reads_everything_else(installed, tmp_path):
    done = discovered(*installed, tmp_path)
    assert set(re.findall(r"the permission '(.*?)' is missing", done.stderr)) == {"list secrets"}
    assert {line.partition(" ")[0] for line in done.stderr.splitlines()} == {
        "denied",
        *re.findall(r"^(\d+) resources in", done.stderr, re.MULTILINE),
    }
    types = {json.loads(line)["sub_type"] for line in done.stdout.splitlines()}
    assert {"k8s_deployment", "k8s_service", "k8s_cluster_role", "k8s_flow_schema"} <= types
    assert types.isdisjoint({"k8s_secret", "k8s_helm_release"})
