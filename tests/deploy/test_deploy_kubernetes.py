"""The manifests, as a real API server reads them: a dry run, after which nothing that was sent may be missing.

An API server drops a field that it does not know, and only newer ones can be told to refuse it: so what comes back is compared.
"""

from __future__ import annotations

import contextlib
import pathlib
import ssl
import subprocess
import urllib.error

import pytest
import yaml
from chart_objects import missing_in

from providers.http.tls import tls
from providers.kubernetes.catalogue import BUILT_IN_GROUPS
from worker.web.tls import load

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "kubernetes"
PATHS = {
    "Namespace": "/api/v1/namespaces",
    "Secret": "/api/v1/namespaces/shop/secrets",
    "Service": "/api/v1/namespaces/shop/services",
    "ServiceAccount": "/api/v1/namespaces/shop/serviceaccounts",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "Deployment": "/apis/apps/v1/namespaces/shop/deployments",
    "Job": "/apis/batch/v1/namespaces/shop/jobs",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies",
    "PodDisruptionBudget": "/apis/policy/v1/namespaces/shop/poddisruptionbudgets",
}


def documents(name: str) -> list[dict]:
    return list(yaml.safe_load_all((FOLDER / name).read_text()))


KEDA = "components/keda/scaledjob.yaml"
FILES = ("base/worker.yaml", "base/api.yaml", "secrets.yaml", "components/migrate/job.yaml", "components/without-secrets/role.yaml")
EVERYTHING = [(name, document) for name in FILES for document in documents(name)]


def dry_run(kube, document: dict) -> dict:
    """What the server would store; every field of the document is in it. Other tests may have made an object of the same name."""
    path, metadata = PATHS[document["kind"]], document["metadata"]
    own = {"namespace": "shop"} if metadata.get("namespace") else {"name": f"{metadata['name']}-dry-run"}
    sent = document | {"metadata": metadata | own}
    if document["kind"] == "PodDisruptionBudget" and not serves(kube, "/apis/policy/v1"):
        path, sent = path.replace("/v1/", "/v1beta1/"), sent | {"apiVersion": "policy/v1beta1"}  # the same fields
    stored = kube.call("POST", f"{path}?dryRun=All", sent)
    lost = set(missing_in(stored, {name: value for name, value in sent.items() if name != "stringData"}, document["kind"]))
    if not serves(kube, "/apis/policy/v1"):
        lost -= {"Job.spec.ttlSecondsAfterFinished"}  # kept from 1.21 on, as policy/v1 is
    assert not lost, lost
    return stored


def serves(kube, path: str) -> bool:
    try:
        return bool(kube.call("GET", path))
    except urllib.error.HTTPError:
        return False


@pytest.mark.parametrize(("name", "document"), EVERYTHING, ids=[f"{name}-{d['kind']}-{d['metadata']['name']}" for name, d in EVERYTHING])
def test_a_server_takes_it(kube, name, document):
    assert dry_run(kube, document)["metadata"]["uid"]


def test_the_scaled_jobs_pod_is_one_that_a_server_takes(kube):
    """KEDA makes Jobs of it; what is around them is KEDA's own."""
    [scaled] = documents(KEDA)
    spec = dict(scaled["spec"]["jobTargetRef"])
    made = dry_run(kube, {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "one", "namespace": "elder"}, "spec": spec})
    assert made["spec"]["template"]["spec"]["containers"][0]["command"] == ["elder-worker", "run", "--once"]


def test_keda_counts_the_jobs_that_are_due(sql):
    """Its query is one of our tables."""
    [scaled] = documents(KEDA)
    query = scaled["spec"]["triggers"][0]["metadata"]["query"]
    assert sql.execute(query).fetchone() == (0,)
    sql.execute(
        "insert into discovery_jobs (name, provider, config, next_run_at) values ('due', 'aws', '{}', now()), ('no', 'aws', '{}', now() + '1 h')"
    )
    assert sql.execute(query).fetchone() == (1,)


def test_keda_counts_the_jobs_that_need_a_worker(sql):
    """Those that run, too; not those that nobody runs."""
    [scaled] = documents("components/autoscaling/scaledobject.yaml")
    sql.execute(
        "insert into discovery_jobs (name, provider, config, next_run_at, status, enabled) values ('due', 'aws', '{}', now(), 'pending', true),"
        " ('runs', 'aws', '{}', now() + '1 h', 'running', true), ('later', 'aws', '{}', now() + '1 h', 'completed', true),"
        " ('parked', 'aws', '{}', now(), 'parked', true), ('off', 'aws', '{}', now(), 'pending', false)"
    )
    assert sql.execute(scaled["spec"]["triggers"][0]["metadata"]["query"]).fetchone() == (2,)


def test_a_misspelt_field_is_refused(kube):
    """Else the tests above would hold for anything."""
    [worker] = [
        document for name, document in EVERYTHING if document["kind"] == "Deployment" and document["metadata"]["name"] == "elder-worker"
    ]
    with pytest.raises(AssertionError, match=r"spec\.replica"):
        dry_run(kube, worker | {"spec": worker["spec"] | {"replica": 2}})


def test_every_pod_is_as_restricted_as_the_namespace_demands():
    pods = [document["spec"]["template"]["spec"] for _, document in EVERYTHING if document["kind"] in ("Deployment", "Job")]
    assert len(pods) == 3
    [scaled] = documents(KEDA)
    for pod in (*pods, scaled["spec"]["jobTargetRef"]["template"]["spec"]):
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"]
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["limits"]["memory"]


def container(deployment: str) -> tuple[dict, dict[str, str], dict]:
    """The container of a deployment, its plain variables and its volumes by name."""
    [found] = [d for _, d in EVERYTHING if d["kind"] == "Deployment" and d["metadata"]["name"] == deployment]
    pod = found["spec"]["template"]["spec"]
    variables = {one["name"]: one["value"] for one in pod["containers"][0]["env"] if "value" in one}
    return pod["containers"][0], variables, {volume["name"]: volume for volume in pod["volumes"]}


def test_worker_and_api_speak_https_and_the_worker_has_the_ca_alone():
    api, variables, volumes = container("elder-api")
    [folder] = [
        mount["mountPath"] for mount in api["volumeMounts"] if volumes[mount["name"]].get("secret", {}) == {"secretName": "elder-api-tls"}
    ]
    assert (variables["ELDER_API_TLS_CERT"], variables["ELDER_API_TLS_KEY"]) == (f"{folder}/tls.crt", f"{folder}/tls.key")
    assert api["readinessProbe"]["httpGet"]["scheme"] == "HTTPS"

    worker, variables, volumes = container("elder-worker")
    assert variables["ELDER_API_URL"] == "https://elder-api:5000"
    [mount] = [one for one in worker["volumeMounts"] if variables["ELDER_API_CA_BUNDLE"] == f"{one['mountPath']}/ca.crt"]
    assert volumes[mount["name"]]["secret"] == {"secretName": "elder-api-tls", "items": [{"key": "ca.crt", "path": "ca.crt"}]}


def test_the_certificate_that_the_docs_make_is_taken_by_the_api_and_trusted_by_the_worker(tmp_path):
    text = (FOLDER.parents[1] / "docs" / "operations.md").read_text().partition("test_deploy_kubernetes.py: certificate -->")[2]
    command = text.partition("```bash\n")[2].partition("kubectl")[0]
    subprocess.run(["sh", "-ec", command], cwd=tmp_path, check=True, capture_output=True, timeout=60)
    certificate, key = str(tmp_path / "tls.crt"), str(tmp_path / "tls.key")
    server, client = load(certificate, key), tls(certificate)
    ours, theirs, near, far = ssl.MemoryBIO(), ssl.MemoryBIO(), ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(ours, theirs, server_hostname="elder-api"), server.wrap_bio(near, far, server_side=True)]
    for _ in range(4):
        for end in ends:
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
            near.write(theirs.read())
            ours.write(far.read())
    assert ends[0].getpeercert()["subjectAltName"] == (("DNS", "elder-api"), ("DNS", "elder-api.elder.svc"))


def test_the_service_account_may_read_the_cluster_and_change_nothing():
    roles = [document for _, document in EVERYTHING if document["kind"] == "ClusterRole"]
    assert len(roles) == 2
    for role in roles:
        assert {verb for rule in role["rules"] for verb in rule["verbs"]} == {"get", "list"}


def test_the_role_without_secrets_has_every_group_of_kubernetes():
    """But those of which nothing is listed: they answer questions."""
    [role] = documents("components/without-secrets/role.yaml")
    groups = {group for rule in role["rules"] for group in rule.get("apiGroups", ())}
    assert BUILT_IN_GROUPS - {"authentication.k8s.io", "authorization.k8s.io"} == groups - {"gateway.networking.k8s.io"}
