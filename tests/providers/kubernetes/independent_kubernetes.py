"""A second reader of a cluster, by plain HTTP: it shares no line with ours, and says what there is in the same words.

It is written from Kubernetes' API reference. `get` is a request that gives JSON. Nothing here may import `providers` or `worker`: a test
holds it to that.
"""

from __future__ import annotations

import collections
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

Get = Callable[[str], dict[str, Any]]
LEFT_OUT = {"events", "leases", "endpoints", "endpointslices"}
"""Types that are not read unless they are asked for."""


class Found(NamedTuple):
    """A resource: its type, its labels, and its links as (type, id)."""

    type: str
    tags: dict[str, str]
    links: set[tuple[str, str]]


class Cluster:
    """Reads everything of a cluster."""

    def __init__(self, get: Get) -> None:
        self._get = get
        self._id = get("/api/v1/namespaces/kube-system")["metadata"]["uid"]
        self._objects: dict[str, list[dict[str, Any]]] = {}
        self._kinds: dict[str, tuple[str, str]] = {}
        self._ids: dict[tuple[str, str, str], str] = {}

    def read(self) -> dict[str, Found]:
        """Everything, by id."""
        for name, path, kind, group in self._types():
            items = self._get(path).get("items", [])
            self._objects[name], self._kinds[name] = items, (kind, group)
            for item in items:
                meta = item["metadata"]
                self._ids[kind, meta.get("namespace", ""), meta["name"]] = f"{self._id}/{meta['uid']}"
        found = {self._id: Found("k8s_cluster", {}, set())}
        for name, items in self._objects.items():
            for item in items:
                kind, group = self._kinds[name]
                links = {(type_, target) for type_, target in self._links(kind, item) if target}
                key = f"{self._id}/{item['metadata']['uid']}"
                found[key] = Found(_named(kind, group), dict(item["metadata"].get("labels") or {}), links)
        return found | self._images() | self._subjects()

    def _types(self) -> Iterator[tuple[str, str, str, str]]:
        """(plural, path, kind, group) of each type that can be listed, in the version that the server prefers."""
        roots = [("", "/api/v1")]
        roots += [(group["name"], f"/apis/{group['preferredVersion']['groupVersion']}") for group in self._get("/apis")["groups"]]
        for group, root in roots:
            for one in self._get(root)["resources"]:
                old = group in ("extensions", "events.k8s.io", "metrics.k8s.io", "custom.metrics.k8s.io")
                if (
                    "list" in one["verbs"]
                    and "/" not in one["name"]
                    and one["name"] not in LEFT_OUT
                    and not old
                    and one["name"] != "componentstatuses"
                ):
                    yield f"{one['name']}.{group}", f"{root}/{one['name']}", one["kind"], group

    def _at(self, kind: str, name: str | None, namespace: str = "") -> str:
        return self._ids.get((kind, namespace, name or ""), "")

    def _links(self, kind: str, item: dict[str, Any]) -> Iterator[tuple[str, str]]:
        meta, spec = item["metadata"], item.get("spec") or {}
        space = meta.get("namespace", "")
        for owner in meta.get("ownerReferences", ()):
            yield "owned_by", f"{self._id}/{owner['uid']}"
        if kind == "Pod":
            yield from self._of_pod(spec, space)
            yield "runs_on", self._at("Node", spec.get("nodeName"))
            yield from (("runs_image", f"{self._id}/images/{image}") for image in _images(item))
            yield from self._selecting(meta.get("labels") or {}, space)
        elif kind in ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "ReplicationController"):
            yield from self._of_pod(spec["template"]["spec"], space)
        elif kind == "CronJob":
            yield from self._of_pod(spec["jobTemplate"]["spec"]["template"]["spec"], space)
        elif kind == "HorizontalPodAutoscaler":
            yield "scales", self._at(spec["scaleTargetRef"]["kind"], spec["scaleTargetRef"]["name"], space)
        elif kind == "Ingress":
            yield from self._of_ingress(spec, space)
        elif kind == "PersistentVolumeClaim":
            yield "bound_to", self._at("PersistentVolume", spec.get("volumeName"))
            yield "has_class", self._at("StorageClass", spec.get("storageClassName"))
        elif kind == "PersistentVolume":
            uid = (spec.get("claimRef") or {}).get("uid")
            yield "bound_to", f"{self._id}/{uid}" if uid else ""
            yield "has_class", self._at("StorageClass", spec.get("storageClassName"))
        elif kind == "ServiceAccount":
            names = [one["name"] for key in ("secrets", "imagePullSecrets") for one in item.get(key) or ()]
            yield from (("uses_secret", self._at("Secret", name, space)) for name in names)
        elif kind in ("RoleBinding", "ClusterRoleBinding"):
            role = item["roleRef"]
            yield "has_role", self._at(role["kind"], role["name"], space if role["kind"] == "Role" else "")
            yield from (("granted_to", self._subject(one, space)) for one in item.get("subjects") or ())
        elif kind == "FlowSchema":
            yield "has_priority", self._at("PriorityLevelConfiguration", spec["priorityLevelConfiguration"]["name"])

    def _of_pod(self, spec: dict[str, Any], space: str) -> Iterator[tuple[str, str]]:
        yield "runs_as", self._at("ServiceAccount", spec.get("serviceAccountName"), space)
        yield "has_priority", self._at("PriorityClass", spec.get("priorityClassName"))
        yield from (("uses_secret", self._at("Secret", one["name"], space)) for one in spec.get("imagePullSecrets") or ())
        for volume in spec.get("volumes") or ():
            yield "mounts", self._at("PersistentVolumeClaim", (volume.get("persistentVolumeClaim") or {}).get("claimName"), space)
            for part in (volume, *((volume.get("projected") or {}).get("sources") or ())):
                secret = part.get("secret") or {}
                yield "uses_config", self._at("ConfigMap", (part.get("configMap") or {}).get("name"), space)
                yield "uses_secret", self._at("Secret", secret.get("secretName") or secret.get("name"), space)
        for container in (*spec["containers"], *(spec.get("initContainers") or ())):
            for whole in container.get("envFrom") or ():
                yield "uses_config", self._at("ConfigMap", (whole.get("configMapRef") or {}).get("name"), space)
                yield "uses_secret", self._at("Secret", (whole.get("secretRef") or {}).get("name"), space)
            for one in container.get("env") or ():
                origin = one.get("valueFrom") or {}
                yield "uses_config", self._at("ConfigMap", (origin.get("configMapKeyRef") or {}).get("name"), space)
                yield "uses_secret", self._at("Secret", (origin.get("secretKeyRef") or {}).get("name"), space)

    def _of_ingress(self, spec: dict[str, Any], space: str) -> Iterator[tuple[str, str]]:
        paths = [path for rule in spec.get("rules") or () for path in (rule.get("http") or {}).get("paths", ())]
        backends = [spec.get("defaultBackend") or {}, *(path["backend"] for path in paths)]
        yield from (("routes_to", self._at("Service", (one.get("service") or {}).get("name"), space)) for one in backends)
        yield from (("uses_secret", self._at("Secret", one.get("secretName"), space)) for one in spec.get("tls") or ())
        yield "has_class", self._at("IngressClass", spec.get("ingressClassName"))

    def _selecting(self, labels: dict[str, str], space: str) -> Iterator[tuple[str, str]]:
        """What selects a pod of these labels: a Service without a selector selects none, an empty policy all."""
        for name, type_, key in (
            ("services.", "served_by", "selector"),
            ("poddisruptionbudgets.policy", "protected_by", "selector"),
            ("networkpolicies.networking.k8s.io", "governed_by", "podSelector"),
        ):
            for one in self._objects.get(name, ()):
                selector = one["spec"].get(key)
                wanted = selector if name == "services." else (selector or {}).get("matchLabels") or {}
                nothing = not selector if name == "services." else selector is None
                if one["metadata"]["namespace"] == space and not nothing and wanted.items() <= labels.items():
                    yield type_, f"{self._id}/{one['metadata']['uid']}"

    def _subject(self, subject: dict[str, Any], space: str) -> str:
        if subject["kind"] == "ServiceAccount":
            return self._at("ServiceAccount", subject["name"], subject.get("namespace", space))
        return f"{self._id}/{subject['kind'].lower()}s/{subject['name']}"

    def _images(self) -> dict[str, Found]:
        images = {image for pod in self._objects["pods."] for image in _images(pod)}
        return {f"{self._id}/images/{image}": Found("k8s_image", {}, set()) for image in images}

    def _subjects(self) -> dict[str, Found]:
        bindings = [
            one for name, items in self._objects.items() if name.split(".")[0] in ("rolebindings", "clusterrolebindings") for one in items
        ]
        named = [one for binding in bindings for one in binding.get("subjects") or () if one["kind"] in ("User", "Group")]
        return {self._subject(one, ""): Found(f"k8s_{one['kind'].lower()}", {}, set()) for one in named}


def _images(pod: dict[str, Any]) -> set[str]:
    spec = pod["spec"]
    return {one["image"] for key in ("containers", "initContainers", "ephemeralContainers") for one in spec.get(key) or ()}


_OURS = {"PersistentVolumeClaim": "k8s_pvc"}
_BUILT_IN = re.compile(r"|apps|batch|autoscaling|policy|[a-z.]+\.k8s\.io")


def _named(kind: str, group: str) -> str:
    """The kind in small letters with underscores; of a group that is not Kubernetes' own, with the group."""
    name = _OURS.get(kind) or "k8s_" + "_".join(re.findall(r"[A-Z]+(?=[A-Z][a-z]|$)|[A-Z][a-z0-9]*", kind)).lower()
    return name if _BUILT_IN.fullmatch(group) else f"{name}__{re.sub('[^a-z0-9]+', '_', group)}"


def differences(ours: dict[str, Found], theirs: dict[str, Found]) -> list[str]:
    """What one of two readings has and the other has not."""
    apart = collections.Counter({f"only ours: {key} ({ours[key].type})": 1 for key in ours.keys() - theirs.keys()})
    apart.update(f"only theirs: {key} ({theirs[key].type})" for key in theirs.keys() - ours.keys())
    for key in ours.keys() & theirs.keys():
        for name in Found._fields:
            left, right = getattr(ours[key], name), getattr(theirs[key], name)
            if left != right:
                apart[f"{name} of {key} ({ours[key].type}): ours {left}, theirs {right}"] += 1
    return sorted(apart)
