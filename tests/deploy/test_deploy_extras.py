"""Further volumes, mounts and sources of variables of the chart's pods: beside what the chart has itself, never in place of it."""

from __future__ import annotations

import pytest
from chart_objects import VALUES, normal, rendered
from helm_python.errors import HelmError, HelmValuesError

PODS = {"worker": "Deployment elder-worker", "api": "Deployment elder-api", "migrate": "Job elder-migrate"}
CA = {"name": "ca", "configMap": {"name": "elder-ca"}}
MOUNT = {"name": "ca", "mountPath": "/etc/elder/ca", "readOnly": True}
SOURCES = [{"configMapRef": {"name": "elder-settings"}}, {"secretRef": {"name": "elder-tokens"}}]


def pods(values: dict) -> dict[str, dict]:
    """The specs of the pods of worker, API, migration and single jobs, as far as there are such."""
    objects = normal(rendered(values))
    found = {part: objects[name]["spec"]["template"]["spec"] for part, name in PODS.items() if name in objects}
    single = objects.get("ScaledJob elder-worker")
    return found | ({"single": single["spec"]["jobTargetRef"]["template"]["spec"]} if single else {})


def without_extras(pod: dict) -> dict:
    """A pod's spec without the last volume and the last mount, and without sources of variables."""
    [container] = pod["containers"]
    own = {name: value for name, value in container.items() if name != "envFrom"} | {"volumeMounts": container["volumeMounts"][:-1]}
    return pod | {"containers": [own], "volumes": pod["volumes"][:-1]}


def test_the_example_of_the_docs_adds_to_each_pod_and_changes_nothing_else():
    found, plain = pods(VALUES["extras"]), pods({"migrate": {"enabled": True}})
    assert set(found) == set(plain) == set(PODS)
    for part, pod in found.items():
        assert pod["volumes"][-1] == CA and pod["containers"][0]["volumeMounts"][-1] == MOUNT
        assert pod["containers"][0].get("envFrom") == (SOURCES if part == "worker" else None)
        assert without_extras(pod) == plain[part]


def test_pods_for_single_jobs_have_those_of_the_worker():
    found, plain = pods(VALUES["extras of pods for single jobs"]), pods({"keda": {"enabled": True}})
    assert found["single"]["volumes"][-1] == CA and found["single"]["containers"][0]["volumeMounts"][-1] == MOUNT
    assert found["single"]["containers"][0]["envFrom"] == SOURCES
    assert {part: without_extras(pod) if part != "api" else pod for part, pod in found.items()} == plain


@pytest.mark.parametrize("part", ["api", "migrate"])
def test_variables_come_from_sources_in_the_other_pods_too(part):
    found = pods({"migrate": {"enabled": True}} | {part: {"enabled": True, "extraEnvFrom": SOURCES}})
    assert {name for name, pod in found.items() if pod["containers"][0].get("envFrom") == SOURCES} == {part}


@pytest.mark.parametrize("part", PODS)
@pytest.mark.parametrize("path", [
    "/", "/tmp", "/var", "/run", "/var/run", "/var/run/secrets", "/run/secrets", "/var/run/secrets/elder", "/run/secrets/elder/x",
    "/var/run/secrets/elder-api-tls", "/var/run/secrets/kubernetes.io/serviceaccount", "/opt", "/opt/elder", "/opt/elder/lib", "relative",
    "/etc/../tmp", "/etc/.", "//tmp", "/tmp/", "/a:b",
])  # fmt: skip
def test_a_mount_over_the_charts_own_paths_is_refused(part, path):
    mount = {"extraVolumes": [CA], "extraVolumeMounts": [{"name": "ca", "mountPath": path}]}
    with pytest.raises(HelmValuesError, match=f"/{part}/extraVolumeMounts/0/mountPath"):
        rendered({part: {"enabled": True, **mount} if part != "worker" else mount})


@pytest.mark.parametrize(
    "path", ["/var/run/secrets/tokens/gcp", "/var/run/secrets/elder-more", "/tmp/scratch", "/etc/ssl/private-ca", "/opt/elderberry"]
)
def test_a_mount_beside_them_is_taken(path):
    found = pods({"worker": {"extraVolumes": [CA], "extraVolumeMounts": [{"name": "ca", "mountPath": path}]}})
    assert found["worker"]["containers"][0]["volumeMounts"][-1]["mountPath"] == path


@pytest.mark.parametrize(("values", "complaint"), [
    ({"extraVolumes": [{"name": "tmp", "emptyDir": {}}]}, "/worker/extraVolumes/0/name"),
    ({"extraVolumes": [{"name": "discovery-creds", "secret": {"secretName": "x"}}]}, "/worker/extraVolumes/0/name"),
    ({"extraVolumes": [{"name": "a b", "emptyDir": {}}]}, "/worker/extraVolumes/0/name"),
    ({"extraVolumes": [{"name": "x"}]}, "/worker/extraVolumes/0"),
    ({"extraVolumes": [{"name": "x", "emptyDir": {}, "secret": {"secretName": "x"}}]}, "/worker/extraVolumes/0"),
    ({"extraVolumeMounts": [{"name": "x", "mountPath": "/x", "readonly": True}]}, "/worker/extraVolumeMounts/0"),
    ({"extraEnvFrom": [{"secretRef": {}}]}, "/worker/extraEnvFrom/0/secretRef"),
    ({"extraEnvFrom": [{"secret": {"name": "x"}}]}, "/worker/extraEnvFrom/0"),
    ({"extraEnvFrom": [{"secretRef": {"name": "x"}, "configMapRef": {"name": "x"}}]}, "/worker/extraEnvFrom/0"),
    ({"extraEnvFrom": [{"prefix": "1", "secretRef": {"name": "x"}}]}, "/worker/extraEnvFrom/0/prefix"),
])  # fmt: skip
def test_what_no_pod_could_have_is_refused(values, complaint):
    with pytest.raises(HelmValuesError, match=complaint):
        rendered({"worker": values})


@pytest.mark.parametrize("part", PODS)
@pytest.mark.parametrize("name", ["x", "tmp"])
def test_a_mount_is_of_one_of_the_further_volumes(part, name):
    values = {"extraVolumes": [CA], "extraVolumeMounts": [{"name": name, "mountPath": "/x"}]}
    complaint = f"{part}.extraVolumeMounts names the volume {name}, which is not in {part}.extraVolumes"
    with pytest.raises(HelmError, match=complaint):
        rendered({part: {"enabled": True, **values} if part != "worker" else values})
