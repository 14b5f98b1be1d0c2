"""Canaries in every place of Kubernetes documents where users put secrets, on a real API server."""

from __future__ import annotations

import base64
import contextlib
import json

import pytest
from recorder import Recorder

from providers import registry
from providers.collected import canonical
from providers.runner import run
from providers.schema import parse
from providers.testing import operator_of

CANARY = "canary-sec-4-zq81"
LINKS = {
    ("sec/pod", "uses_secret", "sec/registry"), ("sec/pod", "uses_config", "sec/settings"), ("sec/pod", "mounts", "sec/claim"),
    ("sec/front", "uses_secret", "sec/registry"), ("sec/front", "routes_to", "sec/back"),
}  # fmt: skip


def documents():
    container = {
        "name": "c",
        "image": "nginx",
        "args": [f"--password={CANARY}", "--token", CANARY, "--port=80"],
        "env": [{"name": "PLAIN", "value": CANARY}],
        "envFrom": [{"configMapRef": {"name": "settings"}}],
        "livenessProbe": {"httpGet": {"port": 80, "httpHeaders": [{"name": "Authorization", "value": CANARY}]}},
    }
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "claim"}}]
    login = base64.b64encode(json.dumps({"auths": {"r": {"password": CANARY}}}).encode()).decode()
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    backend = {"service": {"name": "back", "port": {"number": 80}}}
    ingress = {"tls": [{"secretName": "registry"}], "defaultBackend": backend}
    core, note = "/api/v1/namespaces/sec/", {"tool.example/copy": json.dumps({"spec": {"password": CANARY}})}
    release = {"name": "sh.helm.release.v1.app.v1", "labels": {"owner": "helm", "name": "app", "version": "1", "status": "deployed"}}
    yield (
        core + "secrets",
        {"metadata": {"name": "registry"}, "type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": login}},
    )
    yield core + "secrets", {"metadata": release, "type": "helm.sh/release.v1", "stringData": {"release": CANARY}}
    yield core + "configmaps", {"metadata": {"name": "settings", "annotations": note}, "data": {"application.yaml": f"password: {CANARY}"}}
    yield core + "persistentvolumeclaims", {"metadata": {"name": "claim"}, "spec": claim}
    yield core + "services", {"metadata": {"name": "back", "annotations": note}, "spec": {"ports": [{"port": 80}]}}
    spec = {"containers": [container], "volumes": volumes, "imagePullSecrets": [{"name": "registry"}]}
    yield core + "pods", {"metadata": {"name": "pod", "annotations": note}, "spec": spec}
    yield "/apis/networking.k8s.io/v1/namespaces/sec/ingresses", {"metadata": {"name": "front"}, "spec": ingress}
    custom = {"apiVersion": "acme.example/v1", "kind": "Widget", "metadata": {"name": "w"}}
    custom |= {"spec": {"password": CANARY, "database": {"apiKey": CANARY}, "secretName": "registry"}}
    yield "/apis/acme.example/v1/namespaces/sec/widgets", custom


@pytest.fixture(scope="module")
def whole(kube):
    kube.create("/api/v1/namespaces", {"metadata": {"name": "sec"}})
    for path, body in documents():
        kube.create(path, body)
    provider, sink = registry.get("kubernetes"), Recorder()
    config = parse(provider.config, {"kubeconfig": kube.kubeconfig(), "namespaces": ["sec"]})
    with contextlib.closing(provider.opened(config, operator_of(provider, {}))) as source:
        run(source, sink)
    return sink


def test_case_sec_4_no_canary_is_stored_and_names_are(whole):
    found = {resource.name: canonical(resource).decode() for _, resource in whole.all()}
    assert not [name for name, text in found.items() if CANARY in text]
    assert {"sec/pod", "sec/w", "sec/registry", "sec/settings", "sec/sh.helm.release.v1.app.v1"} <= set(found)
    assert all(part in found["sec/pod"] for part in ("--port=80", "PLAIN", "Authorization"))
    assert '"secretName":"registry"' in found["sec/w"]
    assert whole.one("sec/registry").attributes["keys"] == [".dockerconfigjson"]
    assert whole.one("sec/sh.helm.release.v1.app.v1").tags["status"] == "deployed"


def test_links_to_what_is_named(whole):
    names = {resource.external_id: resource.name for _, resource in whole.all()}
    found = {(resource.name, link.type, names.get(link.target, "")) for _, resource in whole.all() for link in resource.links}
    assert found >= LINKS, LINKS - found
