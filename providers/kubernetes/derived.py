"""Resources without a type of their own in the API: images that pods run, users and groups that bindings name, Helm releases."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from providers.catalogue import paths
from providers.kubernetes.names import Names, UnreadableIndex
from providers.records import UNREADABLE, Link, Resource

IMAGE, RELEASE, USER, GROUP = "k8s_image", "k8s_helm_release", "k8s_user", "k8s_group"
SUBJECTS = {"User": (USER, "users", "user"), "Group": (GROUP, "groups", "group")}
"""Kind of a binding's subject -> sub_type, part of the id, entity_type."""

TYPES = (IMAGE, RELEASE, USER, GROUP)
BINDINGS = ("clusterrolebindings", "rolebindings")
HELM = "helm.sh/release.v1"
CHARTED = ("deployments.apps", "statefulsets.apps", "daemonsets.apps", "services")
"""Types whose labels say of which chart their release is; Helm's own record says so among the release's values, which are never read."""

_CHART = re.compile(r"(.+)-(v?\d+\.\d+.*)")
_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")

Item = Mapping[str, Any]


def of(name: str) -> str:
    """The type that is derived of the objects of a type of the API; empty for most."""
    return {"pods": IMAGE, "secrets": RELEASE}.get(name, "")


def subject_id(cluster: str, kind: str, name: str) -> str:
    """The id of a user or group of a cluster; empty for another kind of subject."""
    return f"{cluster}/{SUBJECTS[kind][1]}/{name}" if kind in SUBJECTS else ""


def subjects(cluster: str, bindings: Iterable[Item]) -> Iterator[Resource]:
    """Each user and group that the bindings name, once."""
    named = {(one.get("kind"), one.get("name")) for binding in bindings for one in binding.get("subjects") or ()}
    for kind, name in sorted((kind, name) for kind, name in named if kind in SUBJECTS and name):
        sub_type, _, entity_type = SUBJECTS[kind]
        yield Resource(subject_id(cluster, kind, name), entity_type, sub_type, name, {"name": name}, parent=cluster)


class Derived:
    """Collects derived resources from the objects of one read."""

    sub_type = ""

    def links(self, item: Item) -> tuple[Link, ...]:  # noqa: ARG002 - for those that override it
        """Takes note of an object, and gives its links to what is derived of it."""
        return ()

    def resources(self) -> Iterable[Resource]:
        """Everything that was gathered, once the read is over."""
        return ()


class Images(Derived):
    """Images by their reference, as pods ask for them, and by their digest, as nodes run them."""

    sub_type = IMAGE

    def __init__(self, cluster: str) -> None:
        self._cluster = cluster
        self._digests: dict[str, set[str]] = {}
        """Image -> the images by digest that it was found to be."""

    def links(self, item: Item) -> tuple[Link, ...]:
        """The images of a pod."""
        running = {one.get("name"): image for list_ in _CONTAINERS for one, image in self._statuses(item, list_)}
        found: set[str] = set()
        for container in (one for list_ in _CONTAINERS for one in paths.values(item, f"spec.{list_}[]")):
            reference, digest = str(container.get("image") or ""), running.get(container.get("name"), "")
            if reference:
                self._digests.setdefault(reference, set()).update({digest} - {"", reference})
                found.add(reference)
            if digest:
                self._digests.setdefault(digest, set())
                found.add(digest)
        return tuple(Link("runs_image", self._id(image)) for image in sorted(found))

    def resources(self) -> Iterator[Resource]:
        """Yields each image once."""
        for image, digests in sorted(self._digests.items()):
            links = tuple(Link("resolves_to", self._id(digest)) for digest in sorted(digests))
            yield Resource(self._id(image), "image", IMAGE, image, parts(image), links=links, parent=self._cluster)

    @staticmethod
    def _statuses(item: Item, list_: str) -> Iterator[tuple[Item, str]]:
        for one in paths.values(item, f"status.{list_.removesuffix('s')}Statuses[]"):
            yield one, str(one.get("imageID") or "").rpartition("://")[2]

    def _id(self, image: str) -> str:
        return f"{self._cluster}/images/{image}"


def parts(image: str) -> dict[str, str]:
    """Repository, tag and digest of an image's reference, as far as it has them."""
    rest, _, digest = image.partition("@")
    if rest.startswith("sha256:"):
        rest, digest = "", rest
    repository, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:  # the colon was that of a registry's port
        repository, tag = rest, ""
    return {key: value for key, value in (("repository", repository), ("tag", tag), ("digest", digest)) if value}


class Releases(Derived):
    """Releases of Helm, by the secrets that it keeps them in: of each the latest revision, and never a value."""

    sub_type = RELEASE

    def __init__(self, cluster: str, names: Names) -> None:
        self._cluster, self._names = cluster, names
        self._latest: dict[tuple[str, str], tuple[int, str, str]] = {}

    def links(self, item: Item) -> tuple[Link, ...]:
        """Takes note of a release's secret."""
        metadata = item["metadata"]
        labels = metadata.get("labels") or {}
        if item.get("type") == HELM and labels.get("owner") == "helm" and str(labels.get("version", "")).isdecimal():
            key, revision = (metadata.get("namespace", ""), labels.get("name", "")), int(labels["version"])
            if revision > self._latest.get(key, (0, "", ""))[0]:
                self._latest[key] = (revision, str(labels.get("status", "")), metadata["uid"])
        return ()

    def resources(self) -> Iterator[Resource]:
        """Yields each release once."""
        for (namespace, name), (revision, status, secret) in sorted(self._latest.items()):
            attributes: dict[str, Any] = {"name": name, "revision": revision, "status": status}
            try:
                attributes |= self._chart(namespace, name)
            except UnreadableIndex:
                attributes |= {UNREADABLE: ["chart", "chartVersion"]}
            stored = Link("stored_in", f"{self._cluster}/{secret}")
            where = f"{self._cluster}/helm/{namespace}/{name}"
            parent = self._parent(namespace)
            yield Resource(
                where,
                "workload",
                RELEASE,
                f"{namespace}/{name}",
                attributes,
                links=(stored,),
                parent=parent or "",
                links_partial=parent is None,
            )

    def _parent(self, namespace: str) -> str | None:
        """The namespace's id; None when it cannot be looked up, so that the stored one is kept."""
        try:
            return self._names.find(f"namespaces/{namespace}")
        except UnreadableIndex:
            return None

    def _chart(self, namespace: str, release: str) -> dict[str, str]:
        """The release's chart and its version, as the labels of what it has installed say."""
        for plural in CHARTED:
            for _, labels in self._names.selected(plural, namespace, {"app.kubernetes.io/instance": release}):
                if found := _CHART.fullmatch(labels.get("helm.sh/chart", "")):
                    return {"chart": found[1], "chartVersion": found[2].replace("_", "+")}
        return {}
