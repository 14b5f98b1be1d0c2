"""The chart by Helm itself, versions 3 and 4: lint and template, which need no cluster."""

from __future__ import annotations

import pytest
import yaml
from chart_objects import CHART, VALUES, older, rendered
from peers.helm import PACKAGES, Helm


@pytest.fixture(params=PACKAGES)
def helm(request, tmp_path):
    return Helm(request.param, tmp_path)


def test_the_program_is_the_version_that_it_is_taken_for(helm):
    assert helm("version", "--template", "{{.Version}}").startswith(f"v{helm.version}.")


@pytest.mark.parametrize("name", VALUES)
def test_the_strict_lint_has_no_complaint(helm, name):
    assert "1 chart(s) linted, 0 chart(s) failed" in helm("lint", "--strict", CHART, "--values", helm.values(VALUES[name]))


def test_the_strict_lint_finds_an_object_that_newer_kubernetes_does_not_have(helm, tmp_path):
    """Else the test above would hold for anything."""
    done = helm.run("lint", "--strict", older(tmp_path))
    assert done.returncode != 0 and "policy/v1beta1 PodDisruptionBudget is deprecated" in done.stdout


@pytest.mark.parametrize("name", VALUES)
def test_the_program_and_its_library_make_the_same_objects(helm, name):
    """Most tests of the chart use the library, which starts no process."""
    made = helm("template", "elder", CHART, "-n", "elder", "--values", helm.values(VALUES[name]))
    documents = [document for document in yaml.safe_load_all(made) if document]
    assert sorted(map(repr, documents)) == sorted(map(repr, rendered(VALUES[name])))


@pytest.mark.parametrize(("values", "complaint"), [
    ({"worker": {"replica": 1}}, "replica"),
    ({"worker": {"replicas": "two"}}, "worker"),
    ({"keda": {"enabled": True}, "autoscaling": {"enabled": True}}, "keda.enabled and autoscaling.enabled"),
])  # fmt: skip
def test_a_wrong_value_stops_the_program(helm, values, complaint):
    done = helm.run("template", "elder", CHART, "--values", helm.values(values))
    assert done.returncode != 0 and complaint in done.stderr and done.stdout == ""
