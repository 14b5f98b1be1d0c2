"""What the tests of the Kubernetes provider share: runs, service accounts and their rights, types that a proxy adds, and kubectl."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import time
import urllib.error

import jwt
from peers.absent import missing
from peers.http_proxy import Reply
from peers.kube import ISSUER
from recorder import Recorder

from providers import registry
from providers.errors import Outcome
from providers.provider import Source
from providers.runner import run
from providers.schema import parse
from providers.testing import operator_of

ROLES = "/apis/rbac.authorization.k8s.io/v1"


def opened(config, operator=None) -> contextlib.closing[Source]:
    provider = registry.get("kubernetes")
    return contextlib.closing(provider.open(parse(provider.config, config), operator_of(provider, operator or {})))


def read(config, operator=None, attempted=()) -> Recorder:
    sink = Recorder()
    with opened(config, operator) as source:
        sink.tally = run(source, sink, attempted=attempted)
    return sink


def as_token(kube, token, **config) -> Recorder:
    return read({"kubeconfig": kube.kubeconfig(token), **config})


def account(kube, namespace: str, name: str) -> str:
    """A token of a service account, which is made, signed with the cluster's own key."""
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    kube.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
    kube.create(path, {"metadata": {"name": name}})
    uid = kube.call("GET", f"{path}/{name}")["metadata"]["uid"]
    now = int(time.time())
    claims = {
        "iss": ISSUER, "aud": [ISSUER], "sub": f"system:serviceaccount:{namespace}:{name}", "nbf": now - 60, "iat": now - 60, "exp": now + 3600,
        "kubernetes.io": {"namespace": namespace, "serviceaccount": {"name": name, "uid": uid}},
    }  # fmt: skip
    return jwt.encode(claims, (kube.folder / "sa.key").read_text(), algorithm="RS256")


def permit(kube, name: str, rules: list[dict], namespace: str = "") -> None:
    """A role of that name, given to the service account of that name in `shop`."""
    where = f"{ROLES}/namespaces/{namespace}/" if namespace else f"{ROLES}/cluster"
    kind = "Role" if namespace else "ClusterRole"
    with contextlib.suppress(urllib.error.HTTPError):
        kube.call("DELETE", f"{where}roles/{name}")
    kube.create(f"{where}roles", {"metadata": {"name": name}, "rules": rules})
    bind(kube, kind, name, namespace)


def bind(kube, kind: str, name: str, namespace: str = "", account: str = "") -> None:
    where = f"{ROLES}/namespaces/{namespace}/" if namespace else f"{ROLES}/cluster"
    subject = {"kind": "ServiceAccount", "name": account or name, "namespace": "shop"}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}
    kube.create(f"{where}rolebindings", {"metadata": {"name": name}, "roleRef": role, "subjects": [subject]})


def not_complete(sink: Recorder) -> list:
    return [report for report in sink.reports.values() if report.outcome is not Outcome.COMPLETE]


def served(proxy, group: str, plural: str, kind: str, items, **resource):
    """A rule for the proxy: a further group with one type, as an aggregated API server brings it."""
    version = {"groupVersion": f"{group}/v1", "version": "v1"}
    groups = json.loads(proxy.call("/apis"))
    groups["groups"].append({"name": group, "versions": [version], "preferredVersion": version})
    one = {"name": plural, "singularName": "", "namespaced": False, "kind": kind, "verbs": ["get", "list"], **resource}
    answers = {
        "/apis": groups,
        f"/apis/{group}/v1": {"kind": "APIResourceList", "groupVersion": f"{group}/v1", "resources": [one]},
        f"/apis/{group}/v1/{plural}": {"kind": f"{kind}List", "apiVersion": f"{group}/v1", "metadata": {}, "items": items},
    }
    return lambda request: (
        Reply(200, json.dumps(answers[path]).encode(), {"Content-Type": "application/json"})
        if (path := request.path.partition("?")[0]) in answers
        else None
    )


def kubectl() -> str:
    return shutil.which("kubectl") or missing("kubectl is not there")


def printed(kube, tmp_path, *arguments: str) -> str:
    """What `elder-worker providers kubernetes --policy` prints."""
    config = tmp_path / "admin.json"
    config.write_text(json.dumps(kube.kubeconfig()))
    pairs = [part for pair in arguments for part in ("--config", pair.replace("ADMIN", str(config)))]
    command = [sys.executable, "-m", "worker.cli", "providers", "kubernetes", "--policy", *pairs]
    return subprocess.run(command, capture_output=True, check=True, text=True, timeout=60).stdout


def apply(kube, tmp_path, document: str) -> None:
    config = tmp_path / "admin.json"
    command = [kubectl(), "--kubeconfig", str(config), "apply", "-f", "-"]
    subprocess.run(command, input=document, check=True, text=True, timeout=60, capture_output=True)
