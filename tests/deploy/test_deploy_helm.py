"""The Helm chart and the kustomize base: the same objects, valid in old and new Kubernetes, and no apply of them changes a Secret."""

from __future__ import annotations

import json
import pathlib
import re
import shutil

import kubernetes_validate
import pytest
import yaml
from chart_objects import CHART, DEPLOY, VALUES, kubectl, normal, rendered
from helm_python.chart import lint
from helm_python.errors import HelmError, HelmValuesError
from peers.kube import running

from providers.address import METADATA
from worker.version import __version__

VERSIONS = ("1.25", "1.37")
OF_OPERATORS = {"PodMonitor", "ScaledJob", "ScaledObject"}
"""Kinds that Kubernetes itself has no schema for."""
SCALED_OBJECT = {"scaleTargetRef", "pollingInterval", "cooldownPeriod", "minReplicaCount", "maxReplicaCount", "triggers"}
"""Those fields of KEDA's schema (keda.sh/v1alpha1) that are used."""
COMPONENTS = {
    "as it comes": (),
    "without secrets": ("without-secrets",),
    "migrate and monitoring": ("migrate", "monitoring"),
    "keda": ("keda",),
    "autoscaling": ("autoscaling",),
}


def kustomized(folder: pathlib.Path, components: tuple[str, ...] = ()) -> list[dict]:
    """The objects of the base with these components, built in a copy of the folder."""
    shutil.copytree(DEPLOY / "kubernetes", folder / "copy")
    overlay = folder / "copy" / "overlays" / "test"
    overlay.mkdir()
    wanted = {"resources": ["../../base"], "components": [f"../../components/{name}" for name in components]}
    (overlay / "kustomization.yaml").write_text(json.dumps(wanted))
    done = kubectl("kustomize", overlay)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


@pytest.mark.parametrize("name", COMPONENTS)
def test_chart_and_base_are_the_same_objects(tmp_path, name):
    assert normal(rendered(VALUES[name])) == normal(kustomized(tmp_path, COMPONENTS[name]))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", VALUES)
def test_what_is_rendered_is_valid_in_old_and_new_kubernetes(name, version):
    documents = rendered(VALUES[name])
    jobs = [
        {"apiVersion": "batch/v1", "kind": "Job", "metadata": one["metadata"], "spec": one["spec"]["jobTargetRef"]}
        for one in documents
        if one["kind"] == "ScaledJob"
    ]
    for document in [*documents, *jobs]:
        if document["kind"] not in OF_OPERATORS:
            kubernetes_validate.validate(document, version, strict=True)
    assert {one["metadata"].get("namespace", "elder") for one in documents} == {"elder"}


def test_a_misspelt_field_is_no_valid_object():
    """Else the test above would hold for anything."""
    [worker] = [one for one in rendered({}) if one["kind"] == "Deployment" and one["metadata"]["name"] == "elder-worker"]
    worker["spec"]["replica"] = 2
    with pytest.raises(kubernetes_validate.ValidationError, match="replica"):
        kubernetes_validate.validate(worker, "1.37", strict=True)


@pytest.mark.parametrize("name", VALUES)
def test_helm_lint_has_no_complaint(name):
    found = lint(CHART, VALUES[name], strict=True)
    assert found["errors"] == [] and [one for one in found["messages"] if one["severity"] > 1] == []


@pytest.mark.parametrize(("values", "complaint"), [
    ({"worker": {"replica": 1}}, "additional properties 'replica' not allowed"),
    ({"worker": {"replicas": "two"}}, "/worker/replicas"),
    ({"image": {"digest": "latest"}}, "/image/digest"),
    ({"worker": {"env": {"ldap-enabled": "true"}}}, "/worker/env"),
    ({"worker": {"resources": {"claims": []}}}, "'claims' not allowed"),
    ({"networkPolicy": {"databasePort": 70000}}, "/networkPolicy/databasePort"),
    ({"autoscaling": {"jobsPerWorker": 0}}, "/autoscaling/jobsPerWorker"),
    ({"worker": {"podLabels": {"app": "another"}}}, "/worker/podLabels"),
    ({"api": {"podLabels": {"team": "a b"}}}, "/api/podLabels"),
    ({"api": {"podAnnotations": {"count": 1}}}, "/api/podAnnotations"),
])  # fmt: skip
def test_a_value_that_is_wrong_is_refused_by_its_name(values, complaint):
    with pytest.raises(HelmValuesError, match=re.escape(complaint)):
        rendered(values)


def test_two_ways_to_make_workers_for_due_jobs_are_refused():
    with pytest.raises(HelmError, match=r"keda\.enabled and autoscaling\.enabled"):
        rendered({"keda": {"enabled": True}, "autoscaling": {"enabled": True}})


def test_who_scales_sets_the_replicas_and_nobody_else():
    """Else each upgrade would set them back."""
    found = normal(rendered(VALUES["autoscaling"]))
    scaled, worker = found["ScaledObject elder-worker"]["spec"], found["Deployment elder-worker"]
    assert scaled["scaleTargetRef"] == {"name": worker["metadata"]["name"]} and "replicas" not in worker["spec"]
    [trigger] = scaled["triggers"]
    assert trigger["metadata"]["connectionFromEnv"] in {one["name"] for one in worker["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert set(scaled) <= SCALED_OBJECT and set(trigger) <= {"type", "metadata"}


def test_every_value_has_a_schema_and_the_versions_are_the_programs():
    schema, values = json.loads((CHART / "values.schema.json").read_text()), yaml.safe_load((CHART / "values.yaml").read_text())
    assert {name: set(one) for name, one in values.items()} == {
        name: set(one["properties"]) for name, one in schema["properties"].items() if name != "global"
    }
    about = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert about["version"] == about["appVersion"] == __version__


def test_a_pod_for_each_job_has_what_a_job_has_in_a_worker():
    """But for what connectors need, which stay with the worker."""
    chosen = {"keda": {"enabled": True}, "worker": {"env": {"AWS_REGION": "eu-west-1", "DISCOVERY_MAX_CONCURRENT": "4"}}}
    found = normal(rendered(chosen))
    worker, single = (
        found["Deployment elder-worker"]["spec"]["template"]["spec"],
        found["ScaledJob elder-worker"]["spec"]["jobTargetRef"]["template"]["spec"],
    )
    variables, own = ({one["name"]: one for one in pod["containers"][0]["env"]} for pod in (worker, single))
    assert own.pop("DISCOVERY_MAX_CONCURRENT")["value"] == "1"
    assert own == {name: one for name, one in variables.items() if not name.startswith(("ELDER_API_", "DISCOVERY_MAX"))}
    assert single["volumes"] == [one for one in worker["volumes"] if one["name"] != "api-ca"]
    assert single["containers"][0]["volumeMounts"] == [one for one in worker["containers"][0]["volumeMounts"] if one["name"] != "api-ca"]
    assert single["automountServiceAccountToken"] is worker["automountServiceAccountToken"] is True


def test_labels_and_annotations_of_pods_are_added_to_their_own():
    more = {"podLabels": {"azure.workload.identity/use": "true"}, "podAnnotations": {"linkerd.io/inject": "enabled"}}
    found = normal(rendered({"worker": more, "api": more, "keda": {"enabled": True}}))
    pods = [found[f"Deployment {name}"]["spec"]["template"] for name in ("elder-worker", "elder-api")]
    pods.append(found["ScaledJob elder-worker"]["spec"]["jobTargetRef"]["template"])
    for pod, app in zip(pods, ("elder-worker", "elder-api", "elder-worker"), strict=True):
        assert pod["metadata"]["labels"] == {"app": app, "azure.workload.identity/use": "true"}
        assert pod["metadata"]["annotations"]["linkerd.io/inject"] == "enabled"
    assert found["Deployment elder-worker"]["spec"]["selector"] == {"matchLabels": {"app": "elder-worker"}}


def test_no_metadata_service_is_left_in_where_addresses_are_named():
    """The link-local ones are those of AWS (machines, ECS tasks, EKS pods), Google and Azure; 168.63.129.16 is the DNS of Azure's machines too."""
    services = {"169.254.169.254", "169.254.170.2", "169.254.170.23", *map(str, METADATA)}
    found = normal(rendered({}))
    for policy, rule in (("elder-worker", 0), ("elder-api", 1)):
        blocks = [one["ipBlock"]["except"] for one in found[f"NetworkPolicy {policy}"]["spec"]["egress"][rule]["to"]]
        assert {address.partition("/")[0] for block in blocks for address in block} == services
    unit = (DEPLOY / "systemd" / "elder-worker.service").read_text()
    assert set(re.search(r"^IPAddressDeny=(.*)$", unit, re.MULTILINE)[1].split()) == services - {"168.63.129.16"}


def test_values_reach_the_objects_that_they_are_meant_for():
    found = normal(rendered(VALUES["chosen"]))
    worker = found["Deployment elder-worker"]["spec"]["template"]["spec"]["containers"][0]
    assert worker["image"] == "registry.example/elder@sha256:" + "0" * 64
    assert {"name": "LDAP_ENABLED", "value": "true"} in worker["env"] and {"name": "LDAP_PORT", "value": "636"} in worker["env"]
    assert "except" not in json.dumps(found["NetworkPolicy elder-worker"])
    api = found["NetworkPolicy elder-api"]["spec"]["egress"]
    assert api[0]["ports"][-1]["port"] == 6432
    assert [one["port"] for one in api[1]["ports"]] == [443, 8443], "receivers of webhooks, the issuer of the login"
    assert len(normal(rendered({"networkPolicy": {"apiPorts": []}}))["NetworkPolicy elder-api"]["spec"]["egress"]) == 1
    assert found["ServiceAccount elder-worker"]["metadata"]["annotations"]
    assert {kind.split()[0] for kind in normal(rendered(VALUES["as little as possible"]))} == {
        "ServiceAccount",
        "Deployment",
        "PodDisruptionBudget",
    }


@pytest.fixture
def cluster(tmp_path):
    """An API server of its own, since what is applied would be found by tests that read the shared one; and kubectl for it."""
    folder = tmp_path / "server"
    folder.mkdir()
    with running(folder) as kube:
        (tmp_path / "kubeconfig").write_text(json.dumps(kube.kubeconfig()))
        yield kube, lambda *arguments: kubectl("--kubeconfig", tmp_path / "kubeconfig", *arguments)


def test_a_second_apply_changes_no_secret_and_the_rights_are_those_of_the_variant(cluster, tmp_path):
    """Kubernetes 1.20 has no policy/v1: the disruption budgets are sent as policy/v1beta1."""
    kube, run = cluster
    text = yaml.safe_dump_all(kustomized(tmp_path, ("without-secrets", "migrate"))).replace("policy/v1\n", "policy/v1beta1\n")
    (tmp_path / "all.yaml").write_text(text)
    for command in (("create", "namespace", "elder"), ("create", "-f", DEPLOY / "kubernetes" / "secrets.yaml")):
        done = run(*command)
        assert done.returncode == 0, done.stderr
    chosen = {"stringData": {"database-url": "postgresql://chosen"}}
    secret = "/api/v1/namespaces/elder/secrets/elder-db"
    kube.call("PATCH", secret, chosen, kind="application/merge-patch+json")
    before = kube.call("GET", secret)
    for _ in range(2):
        done = run("apply", "--validate=false", "-f", tmp_path / "all.yaml")
        assert done.returncode == 0, done.stderr
    changed = [line for line in done.stdout.splitlines() if not line.endswith(" unchanged")]
    assert changed == ["job.batch/elder-migrate configured"], "1.20 does not keep ttlSecondsAfterFinished, so it is sent each time"
    again = run("create", "-f", DEPLOY / "kubernetes" / "secrets.yaml")
    assert again.returncode != 0 and "already exists" in again.stderr
    after = kube.call("GET", secret)
    assert (after["data"], after["metadata"]["resourceVersion"]) == (before["data"], before["metadata"]["resourceVersion"])
    assert may(kube, "list", "", "pods") and may(kube, "list", "apps", "deployments") and may(kube, "list", "", "configmaps")
    assert not any((may(kube, "list", "", "secrets"), may(kube, "get", "", "secrets"), may(kube, "delete", "", "pods")))


def may(kube, verb: str, group: str, resource: str) -> bool:
    """True when the server permits that to the worker's service account."""
    asked = {"user": "system:serviceaccount:elder:elder-worker", "resourceAttributes": {"verb": verb, "group": group, "resource": resource}}
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": asked}
    return kube.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body)["status"]["allowed"]


def test_the_example_overlay_is_the_base_with_its_components():
    done = kubectl("kustomize", DEPLOY / "kubernetes" / "overlays" / "production")
    assert done.returncode == 0, done.stderr
    found = normal(list(yaml.safe_load_all(done.stdout)))
    assert {"Job elder-migrate", "PodMonitor elder-api", "Deployment elder-worker"} <= set(found)
    assert found["Deployment elder-worker"]["spec"]["replicas"] == 3
    assert not [rule for rule in found["ClusterRole elder-worker"]["rules"] if rule.get("apiGroups") == ["*"]]
