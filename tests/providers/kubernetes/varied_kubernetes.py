"""Fills a cluster with something of many types, whose number and shape another seed makes another one."""

from __future__ import annotations

import random
from typing import Any

from peers.kube import Kube

TEAMS = ("shop", "stock", "ledger")


def fill(kube: Kube, seed: int) -> None:
    """Fills it beside what is there already."""
    chance = random.Random(seed)
    kube.create("/apis/storage.k8s.io/v1/storageclasses", {"metadata": {"name": "fast"}, "provisioner": "example.com/disks"})
    kube.create("/apis/scheduling.k8s.io/v1/priorityclasses", {"metadata": {"name": "urgent"}, "value": 1000})
    kube.create("/apis/networking.k8s.io/v1/ingressclasses", {"metadata": {"name": "edge"}, "spec": {"controller": "example.com/edge"}})
    for team in TEAMS:
        _team(kube, team, chance)


def _labels(chance: random.Random) -> dict[str, str]:
    return {key: chance.choice(("a", "b", "")) for key in chance.sample(("app", "tier", "example.com/owner", "v.1"), chance.randint(0, 4))}


def _pod(chance: random.Random, numbers: list[int]) -> dict[str, Any]:
    """A pod's spec with references to some of the things that there are, and to some that there are not."""
    some = lambda kind: f"{kind}{chance.choice(numbers)}"  # noqa: E731
    volumes = [
        {"name": "one", "configMap": {"name": some("config")}},
        {"name": "two", "secret": {"secretName": some("secret")}},
        {"name": "three", "persistentVolumeClaim": {"claimName": some("claim")}},
        {"name": "four", "projected": {"sources": [{"secret": {"name": some("secret")}}, {"configMap": {"name": some("config")}}]}},
        {"name": "five", "emptyDir": {}},
    ]
    env = [
        {"name": "A", "valueFrom": {"secretKeyRef": {"name": some("secret"), "key": "k"}}},
        {"name": "B", "valueFrom": {"configMapKeyRef": {"name": some("config"), "key": "k"}}},
        {"name": "C", "value": "canary"},
    ]
    container = {"name": "c", "image": f"example.com/app:{chance.randint(1, 3)}", "env": chance.sample(env, chance.randint(0, 3))}
    first = {
        "name": "i",
        "image": "busybox",
        "envFrom": [{"configMapRef": {"name": some("config")}}, {"secretRef": {"name": some("secret")}}],
    }
    spec: dict[str, Any] = {
        "containers": [container],
        "volumes": chance.sample(volumes, chance.randint(0, 5)),
        "serviceAccountName": some("account"),
    }
    spec |= {"initContainers": [first]} if chance.random() < 0.5 else {}
    spec |= {"priorityClassName": "urgent", "priority": 1000} if chance.random() < 0.3 else {}
    return spec | ({"imagePullSecrets": [{"name": some("secret")}]} if chance.random() < 0.5 else {})


def _team(kube: Kube, team: str, chance: random.Random) -> None:
    def put(path: str, name: str, **body: Any) -> dict[str, Any]:
        return kube.create(path, {"metadata": {"name": name, "labels": _labels(chance)}, **body})

    core, apps, batch = f"/api/v1/namespaces/{team}", f"/apis/apps/v1/namespaces/{team}", f"/apis/batch/v1/namespaces/{team}"
    rights, net = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{team}", f"/apis/networking.k8s.io/v1/namespaces/{team}"
    kube.create("/api/v1/namespaces", {"metadata": {"name": team, "labels": _labels(chance)}})
    numbers = list(range(chance.randint(2, 4)))
    for n in numbers[1:]:  # what has the number 0 is referred to and is not there
        put(f"{core}/configmaps", f"config{n}", data={"k": "v"})
        put(f"{core}/secrets", f"secret{n}", stringData={"k": "canary"})
        put(f"{core}/serviceaccounts", f"account{n}", imagePullSecrets=[{"name": f"secret{n}"}, {"name": "secret0"}])
        claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "fast"}
        put(f"{core}/persistentvolumeclaims", f"claim{n}", spec=claim)
    for n in numbers:
        labels = _labels(chance)
        put(f"{core}/services", f"service{n}", spec={"ports": [{"port": 80}], **({"selector": labels} if labels else {})})
        put(f"{net}/networkpolicies", f"policy{n}", spec={"podSelector": {"matchLabels": _labels(chance)} if n else {}})
        template = {"metadata": {"labels": {"app": "a"}}, "spec": _pod(chance, numbers)}
        body = {"selector": {"matchLabels": {"app": "a"}}, "template": template}
        owner = put(f"{apps}/replicasets", f"replicas{n}", spec=body)
        put(f"{apps}/deployments", f"deployment{n}", spec=body)
        put(f"{apps}/statefulsets", f"state{n}", spec={**body, "serviceName": "service0"})
        put(f"{batch}/jobs", f"job{n}", spec={"template": {"spec": {**_pod(chance, numbers), "restartPolicy": "Never"}}})
        reference = [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"replicas{n}", "uid": owner.get("metadata", {}).get("uid")}]
        for part in range(chance.randint(1, 4)):
            metadata = {"name": f"varied-{n}-{part}", "labels": _labels(chance), **({"ownerReferences": reference} if owner else {})}
            kube.create(
                f"{core}/pods", {"metadata": metadata, "spec": {**_pod(chance, numbers), "nodeName": chance.choice(("node-1", "node-x"))}}
            )
        subjects = [{"kind": "ServiceAccount", "name": f"account{n}", "namespace": team}]
        subjects += [{"kind": kind, "name": f"{kind}-{n}", "apiGroup": "rbac.authorization.k8s.io"} for kind in ("User", "Group")]
        put(f"{rights}/roles", f"role{n}", rules=[])
        role = {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": chance.choice(("Role", "ClusterRole")),
            "name": chance.choice((f"role{n}", "view")),
        }
        put(f"{rights}/rolebindings", f"binding{n}", roleRef=role, subjects=subjects)
        backend = {"service": {"name": f"service{chance.choice((n, 99))}", "port": {"number": 80}}}
        rules = [{"http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}]
        put(f"{net}/ingresses", f"ingress{n}", spec={"rules": rules, "tls": [{"secretName": f"secret{n}"}], "ingressClassName": "edge"})
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": f"deployment{n}"}
        put(
            f"/apis/autoscaling/v1/namespaces/{team}/horizontalpodautoscalers",
            f"scaler{n}",
            spec={"scaleTargetRef": target, "maxReplicas": 3},
        )
        put(f"/apis/acme.example/v1/namespaces/{team}/widgets", f"widget{n}", apiVersion="acme.example/v1", kind="Widget", spec={"size": n})
