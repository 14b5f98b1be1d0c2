"""A real kube-apiserver with etcd, as controller-runtime's envtest starts it: KUBEBUILDER_ASSETS names the folder with both."""

from __future__ import annotations

import base64
import contextlib
import json
import lzma
import os
import pathlib
import shutil
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from peers import mortal
from peers.absent import missing
from peers.kept import CACHE, alone
from peers.port import free_port
from waiting import until

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKED = ROOT.parent / "shared" / "envtest" / "kube-apiserver.xz"
CAP = 120.0
ADMIN, NOBODY, READER = "admin-token", "nobody-token", "reader-token"
ISSUER = "https://localhost"


def assets() -> pathlib.Path:
    """The folder with `kube-apiserver` and `etcd`: the named one, the cached one, or one made from the archive beside the checkout."""
    named = os.environ.get("KUBEBUILDER_ASSETS")
    if named:
        return pathlib.Path(named)
    etcd = shutil.which("etcd")
    folder = CACHE / "kubebuilder"
    if (folder / "kube-apiserver").exists() and (folder / "etcd").exists():
        return folder
    if not PACKED.exists() or not etcd:
        missing("KUBEBUILDER_ASSETS names no folder with etcd and kube-apiserver: install them with setup-envtest")
    with alone(folder):
        if not (folder / "kube-apiserver").exists():
            _unpack(folder / "kube-apiserver")
        if not (folder / "etcd").exists():
            (folder / "etcd").symlink_to(etcd)
    return folder


def _unpack(program: pathlib.Path) -> None:
    part = program.with_suffix(".part")
    with lzma.open(PACKED) as source, part.open("wb") as target:
        shutil.copyfileobj(source, target)
    part.chmod(0o755)
    part.rename(program)


class Kube:
    """A running API server."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.server = ""
        self.ca = ""
        self._context = ssl.create_default_context()
        self._context.check_hostname, self._context.verify_mode = False, ssl.CERT_NONE

    def call(
        self, method: str, path: str, body: dict | None = None, *, token: str = ADMIN, kind: str = "application/json", raw: bool = False
    ):
        """A request as `token`; raises `urllib.error.HTTPError`."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
        request = urllib.request.Request(self.server + path, data, headers, method=method)
        with urllib.request.urlopen(request, context=self._context, timeout=30) as response:
            return response.read().decode() if raw else json.loads(response.read())

    def create(self, path: str, body: dict) -> dict:
        """POST; what is there already stays."""
        try:
            return self.call("POST", path, body)
        except urllib.error.HTTPError as error:
            if error.code != 409:
                raise AssertionError(f"{path}: {error.read().decode()}") from error
            return {}

    def define(self, plural: str, kind: str, group: str, served: str = "v1") -> None:
        """A type of a group, of which anything may be stored; returns once it is served."""
        schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        version = {"name": served, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
        names = {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"}
        approved = {"api-approved.kubernetes.io": "unapproved, a type of a test"}
        body = {"group": group, "scope": "Namespaced", "names": names, "versions": [version]}
        metadata = {"name": f"{plural}.{group}", "annotations": approved}
        self.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {"metadata": metadata, "spec": body})
        until(lambda: self._serves(f"/apis/{group}/{served}/{plural}") and group in self._groups(), f"{plural}.{group} is served")

    def _serves(self, path: str) -> bool:
        with contextlib.suppress(urllib.error.HTTPError):
            return bool(self.call("GET", path))
        return False

    def _groups(self) -> list[str]:
        return [group["name"] for group in self.call("GET", "/apis")["groups"]]

    def kubeconfig(self, token: str = ADMIN, **user) -> dict:
        """For a job's config."""
        return kubeconfig(self.server, self.ca, user or {"token": token})


def kubeconfig(server: str, ca: str, user: dict) -> dict:
    """That of one cluster."""
    authority = base64.b64encode(ca.encode()).decode()
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": {"server": server, "certificate-authority-data": authority}}],
        "users": [{"name": "u", "user": user}],
    }


@contextlib.contextmanager
def running(folder: pathlib.Path) -> Iterator[Kube]:
    """etcd and the API server, gone at the end."""
    binaries, kube = assets(), Kube(folder)
    client, peer, port = free_port(), free_port(), free_port()
    key = rsa.generate_private_key(65537, 2048)
    pem = (serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    (folder / "sa.key").write_bytes(key.private_bytes(*pem))
    (folder / "tokens.csv").write_text(f'{ADMIN},admin,1,"system:masters"\n{NOBODY},nobody,2\n{READER},reader,3\n')
    etcd_url, peer_url = f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
    etcd = [binaries / "etcd", f"--data-dir={folder / 'etcd'}", f"--listen-client-urls={etcd_url}", f"--advertise-client-urls={etcd_url}"]
    etcd += [f"--listen-peer-urls={peer_url}", f"--initial-advertise-peer-urls={peer_url}", f"--initial-cluster=default={peer_url}"]
    api = [binaries / "kube-apiserver", f"--etcd-servers={etcd_url}", "--bind-address=127.0.0.1", f"--secure-port={port}"]
    api += [f"--cert-dir={folder}", "--service-cluster-ip-range=10.0.0.0/24", f"--service-account-issuer={ISSUER}"]
    api += [f"--service-account-signing-key-file={folder / 'sa.key'}", f"--service-account-key-file={folder / 'sa.key'}"]
    api += [f"--token-auth-file={folder / 'tokens.csv'}", "--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount"]
    with (folder / "log").open("wb") as log:
        processes = [mortal.start(command, stdout=log, stderr=log) for command in (etcd, api)]
    try:
        kube.server = f"https://127.0.0.1:{port}"
        _await(kube, processes, folder / "log")
        kube.ca = (folder / "apiserver.crt").read_text()
        yield kube
    finally:
        for process in reversed(processes):
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await(kube: Kube, processes: list[subprocess.Popen], log: pathlib.Path) -> None:
    deadline = time.monotonic() + CAP
    while time.monotonic() < deadline:
        assert all(process.poll() is None for process in processes), log.read_text()[-2000:]
        with contextlib.suppress(OSError, urllib.error.URLError, json.JSONDecodeError):
            if kube.call("GET", "/readyz?verbose", raw=True).endswith("readyz check passed\n"):
                kube.call("GET", "/api/v1/namespaces/kube-system")
                return
        time.sleep(0.05)
    raise AssertionError(f"the API server is not ready: {log.read_text()[-2000:]}")


@pytest.fixture(scope="session")
def kube(tmp_path_factory):
    """An API server with more than a page of pods, custom resources and a reader who may not see secrets."""
    with running(tmp_path_factory.mktemp("kube")) as kube:
        fill(kube)
        yield kube


def fill(kube: Kube, pods: int = 130) -> None:
    """A small cluster; there is no kubelet, so statuses stay as they are put."""
    kube.create("/api/v1/namespaces", {"metadata": {"name": "shop"}})
    kube.create("/api/v1/nodes", {"metadata": {"name": "node-1", "labels": {"zone": "a"}}})
    kube.create("/api/v1/namespaces/shop/serviceaccounts", {"metadata": {"name": "web"}})
    container = {"name": "c", "image": "nginx", "env": [{"name": "PASSWORD", "value": "canary-env-value"}]}
    for number in range(pods):
        spec = {"nodeName": "node-1", "serviceAccountName": "web", "containers": [container]}
        kube.create("/api/v1/namespaces/shop/pods", {"metadata": {"name": f"pod-{number}", "labels": {"app": "web"}}, "spec": spec})
    applied = {"kubectl.kubernetes.io/last-applied-configuration": '{"data":{"k":"canary-annotation"}}'}
    secret = {"metadata": {"name": "s", "annotations": applied}, "stringData": {"password": "canary-secret-value"}}
    kube.create("/api/v1/namespaces/shop/secrets", secret)
    kube.create("/api/v1/namespaces/shop/configmaps", {"metadata": {"name": "m"}, "data": {"k": "canary-configmap-value"}})
    kube.create("/api/v1/persistentvolumes", {"metadata": {"name": "pv"}, "spec": _volume()})
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "volumeName": "pv"}
    kube.create("/api/v1/namespaces/shop/persistentvolumeclaims", {"metadata": {"name": "pvc"}, "spec": claim})
    kube.create("/api/v1/namespaces/shop/services", {"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}})
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    rule = {"http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    kube.create("/apis/networking.k8s.io/v1/namespaces/shop/ingresses", {"metadata": {"name": "web"}, "spec": {"rules": [rule]}})
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"}
    crd = {"group": "acme.example", "scope": "Namespaced", "names": names, "versions": [version]}
    kube.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {"metadata": {"name": "widgets.acme.example"}, "spec": crd})
    _custom(kube)
    until(lambda: "acme.example" in [group["name"] for group in kube.call("GET", "/apis")["groups"]], "its group is listed")
    rules = [{"apiGroups": [""], "resources": ["namespaces", "pods", "nodes", "serviceaccounts"], "verbs": ["get", "list"]}]
    kube.create("/apis/rbac.authorization.k8s.io/v1/clusterroles", {"metadata": {"name": "some"}, "rules": rules})
    binding = {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "some"},
        "subjects": [{"kind": "User", "name": "reader"}],
    }
    binding["subjects"].append({"kind": "ServiceAccount", "name": "web", "namespace": "shop"})
    kube.create("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {"metadata": {"name": "some"}, **binding})


def _custom(kube: Kube) -> None:
    deadline = time.monotonic() + CAP
    while True:
        try:
            kube.call(
                "POST",
                "/apis/acme.example/v1/namespaces/shop/widgets",
                {"apiVersion": "acme.example/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": 3}},
            )
            return
        except urllib.error.HTTPError as error:
            if error.code == 409:
                return
            assert error.code == 404 and time.monotonic() < deadline, error.read()
        time.sleep(0.05)


def _volume() -> dict:
    return {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/data"}}
