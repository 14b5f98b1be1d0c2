"""Releases of the chart on a real API server of Kubernetes 1.20, and a stand-in for what carries Jobs out there."""

from __future__ import annotations

import base64
import json
import os
import pathlib
import subprocess
import sys
import urllib.error
from typing import Any

import yaml
from chart_objects import DEPLOY, kubectl, older
from peers.helm import Helm
from peers.kube import Kube

HELMS_OWN = "helm.sh/release.v1"
"""Type of the Secrets in which Helm keeps its releases."""
KINDS = "deployments,services,serviceaccounts,networkpolicies,poddisruptionbudgets"


class Namespace:
    """A namespace with the Secrets of the docs, in which Helm of one version installs the chart."""

    def __init__(self, kube: Kube, name: str, version: str, folder: pathlib.Path) -> None:
        self.kube, self.name, self.chart = kube, name, older(folder)
        self.helm = Helm(version, folder, kube.kubeconfig())
        kube.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        secrets = folder / "secrets.yaml"
        secrets.write_text((DEPLOY / "kubernetes" / "secrets.yaml").read_text().replace("namespace: elder\n", f"namespace: {name}\n"))
        self.kubectl("create", "-f", secrets)
        self.kubectl("create", "secret", "generic", "elder-api-tls", "--from-literal=tls.key=k", "--from-literal=ca.crt=c")
        self.kubectl("create", "secret", "generic", "elder-monitoring", "--from-literal=read-key=r")

    def kubectl(self, *arguments: object) -> str:
        """The output of kubectl, which must succeed."""
        done = kubectl("--kubeconfig", self.helm.environ["KUBECONFIG"], "-n", self.name, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def values(self, more: dict[str, Any]) -> pathlib.Path:
        """A file of values; cluster roles have no namespace, so each namespace has its own."""
        rbac = {"clusterRoleName": f"elder-{self.name}"} | more.get("rbac", {})
        return self.helm.values(more | {"rbac": rbac})

    def release(self, command: str, values: dict[str, Any], *more: str) -> str:
        """Installs or upgrades the release `elder`."""
        return self.helm(command, "elder", self.chart, "-n", self.name, "--values", self.values(values), *more)

    def history(self) -> list[tuple[int, str]]:
        """Number and status of each revision."""
        revisions = json.loads(self.helm("history", "elder", "-n", self.name, "-o", "json"))
        return [(one["revision"], one["status"]) for one in revisions]

    def secrets(self) -> dict[str, tuple[str, str, dict[str, str]]]:
        """Uid, version and data of each Secret that is not Helm's own."""
        items = self.kube.call("GET", f"/api/v1/namespaces/{self.name}/secrets")["items"]
        return {
            one["metadata"]["name"]: (one["metadata"]["uid"], one["metadata"]["resourceVersion"], one["data"])
            for one in items
            if one["type"] != HELMS_OWN
        }

    def objects(self) -> dict[str, dict[str, Any]]:
        """The objects that the chart as it comes makes in a namespace, by kind and name."""
        items = json.loads(self.kubectl("get", KINDS, "-o", "json"))["items"]
        return {f"{one['kind']} {one['metadata']['name']}": one for one in items if one["metadata"]["name"] != "default"}

    def stored(self, what: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Each document of the release's `manifest` or `hooks`, beside what the server has stored of it."""
        text = self.helm("get", what, "elder", "-n", self.name)
        documents = [one for one in yaml.safe_load_all(text) if one]
        file = pathlib.Path(self.helm.environ["HOME"]) / f"{what}.yaml"
        file.write_text(yaml.safe_dump_all(documents))
        return [(one, json.loads(self.kubectl("get", "-o", "json", one["kind"], one["metadata"]["name"]))) for one in documents]

    def job(self) -> dict[str, Any] | None:
        """The migration's Job, or None where there is none."""
        try:
            return self.kube.call("GET", f"/apis/batch/v1/namespaces/{self.name}/jobs/elder-migrate")
        except urllib.error.HTTPError:
            return None

    def carry_out(self, job: dict[str, Any]) -> str:
        """Runs the command of a Job's container with its variables, and stores how that ended as the Job's status.

        There is neither scheduler nor kubelet; what the process did is real.
        """
        container = job["spec"]["template"]["spec"]["containers"][0]
        secrets = self.secrets()
        variables = {one["name"]: _value(one, secrets) for one in container["env"]}
        program, *arguments = container["command"]
        assert program == "elder-worker"
        command = [sys.executable, "-m", "worker.cli", *arguments]
        environ = {"PATH": os.environ["PATH"], **variables}
        done = subprocess.run(command, cwd=DEPLOY.parent, env=environ, capture_output=True, text=True, timeout=240, check=False)
        kind = "Failed" if done.returncode else "Complete"
        status = {"conditions": [{"type": kind, "status": "True"}], "failed" if done.returncode else "succeeded": 1}
        path = f"/apis/batch/v1/namespaces/{self.name}/jobs/{job['metadata']['name']}/status"
        self.kube.call("PATCH", path, {"status": status}, kind="application/merge-patch+json")
        return done.stdout + done.stderr


def _value(variable: dict[str, Any], secrets: dict[str, tuple[str, str, dict[str, str]]]) -> str:
    if "value" in variable:
        return variable["value"]
    reference = variable["valueFrom"]["secretKeyRef"]
    return base64.b64decode(secrets[reference["name"]][2][reference["key"]]).decode()
