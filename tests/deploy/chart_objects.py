"""The Helm chart: the values with which it is tested, and the objects that it has with them."""

from __future__ import annotations

import pathlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import yaml
from helm_python.chart import Chart

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "deploy"
CHART = DEPLOY / "helm" / "elder-worker"
EXTRAS = re.search(
    r"<!-- rendered by tests/deploy/test_deploy_extras.py -->\n```yaml\n(.*?)```",
    (DEPLOY.parent / "docs" / "operations.md").read_text(),
    re.DOTALL,
)[1]
"""The values of the docs with volumes, mounts and sources of variables."""

VALUES = {
    "as it comes": {},
    "without secrets": {"rbac": {"secrets": False}},
    "migrate and monitoring": {"migrate": {"enabled": True}, "podMonitor": {"enabled": True}},
    "keda": {"keda": {"enabled": True}},
    "autoscaling": {"autoscaling": {"enabled": True}},
    "as little as possible": {"api": {"enabled": False}, "rbac": {"create": False}, "networkPolicy": {"enabled": False}},
    "chosen": {
        "image": {"repository": "registry.example/elder", "digest": "sha256:" + "0" * 64},
        "networkPolicy": {"metadata": True, "databasePort": 6432, "apiPorts": [443, 8443]},
        "worker": {"env": {"LDAP_ENABLED": True, "LDAP_PORT": 636}},
        "rbac": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/elder"}},
    },
    "extras": yaml.safe_load(EXTRAS),
    "extras of pods for single jobs": {"keda": {"enabled": True}, "worker": yaml.safe_load(EXTRAS)["worker"]},
}


def kubectl(*arguments: object) -> subprocess.CompletedProcess[str]:
    tool = pathlib.Path(sys.executable).parent / "kubectl"
    return subprocess.run([str(tool), *map(str, arguments)], capture_output=True, text=True, timeout=100)


def rendered(values: dict) -> list[dict]:
    """The objects of the chart with these values."""
    with Chart.load(CHART) as chart:
        files = chart.render(values, name="elder", namespace="elder")
    return [document for name, text in files.items() if name.endswith(".yaml") for document in yaml.safe_load_all(text) if document]


def normal(documents: list[dict]) -> dict[str, dict]:
    """Objects by kind and name, without the namespace itself and without Helm's own annotations."""
    for document in documents:
        annotations = document["metadata"].get("annotations", {})
        kept = {name: value for name, value in annotations.items() if not name.startswith("helm.sh/")}
        document["metadata"] = {key: value for key, value in document["metadata"].items() if key != "annotations"} | (
            {"annotations": kept} if kept else {}
        )
    return {f"{one['kind']} {one['metadata']['name']}": one for one in documents if one["kind"] != "Namespace"}


def missing_in(stored: Any, sent: Any, where: str) -> Iterator[str]:
    """The paths of what was sent and is not there."""
    if isinstance(sent, dict):
        for name, value in sent.items():
            if name in (stored or {}):
                yield from missing_in(stored[name], value, f"{where}.{name}")
            elif value != "":
                yield f"{where}.{name}"
    elif isinstance(sent, list):
        for number, value in enumerate(sent):
            yield from missing_in(stored[number], value, f"{where}[{number}]")


def older(folder: pathlib.Path) -> pathlib.Path:
    """A copy of the chart for Kubernetes 1.20, which has no policy/v1."""
    copy = folder / "elder-worker"
    shutil.copytree(CHART, copy)
    for file in (copy / "templates").glob("*.yaml"):
        file.write_text(file.read_text().replace("policy/v1\n", "policy/v1beta1\n"))
    about = yaml.safe_load((copy / "Chart.yaml").read_text())
    (copy / "Chart.yaml").write_text(yaml.safe_dump({name: value for name, value in about.items() if name != "kubeVersion"}))
    return copy
