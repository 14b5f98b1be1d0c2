"""Fields that move at a source although nobody has changed the resource, by provider and list, and how a fake moves them.

docs/providers.md, "What changes without meaning", has the same table for people, with the place where each is left out.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import urllib.error
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from peers.kube import Kube

Value = Callable[[int], Any]
"""The value of a field at a time: 0, 1 ..."""


def stamp(time: int) -> str:
    """A time of day."""
    return f"2026-11-28T00:00:0{time}Z"


def milliseconds(time: int) -> str:
    """A time of day as Okta and Google Workspace write it."""
    return f"2026-11-28T00:00:0{time}.000Z"


def number(time: int) -> int:
    """A counter."""
    return 40 + time


def tag(time: int) -> str:
    """A mark of a version."""
    return f'"v{time}"'


Fields = dict[str, Value]

_OKTA = {"lastUpdated": milliseconds}
_ON_PREMISES = {"onPremisesLastSyncDateTime": stamp}

FIELDS: dict[str, dict[str, Fields]] = {
    "okta": {
        "users": {**_OKTA, "lastLogin": milliseconds},
        "groups": {**_OKTA, "lastMembershipUpdated": milliseconds},
        "apps": _OKTA,
        "roles": _OKTA,
        "plain": _OKTA,
    },
    "authentik": {"users": {"last_login": stamp, "last_updated": stamp}},
    "google_workspace": {
        "units": {"etag": tag},
        "users": {"etag": tag, "lastLoginTime": milliseconds, "thumbnailPhotoEtag": tag},
        "deleted": {"etag": tag, "lastLoginTime": milliseconds},
        "groups": {"etag": tag},
        "members": {"etag": tag},
        "roles": {"etag": tag},
        "assignments": {"etag": tag},
        "domains": {"etag": tag},
    },
    "entra": {
        "/users": {**_ON_PREMISES, "lastPasswordChangeDateTime": stamp, "refreshTokensValidFromDateTime": stamp, "signInSessionsValidFromDateTime": stamp},
        "/groups": {**_ON_PREMISES, "renewedDateTime": stamp},
        "/devices": {**_ON_PREMISES, "approximateLastSignInDateTime": stamp},
    },
    "azure": {
        "": {
            "etag": tag,
            "changedTime": stamp,
            "systemData.lastModifiedAt": stamp,
            "systemData.lastModifiedBy": tag,
            "properties.provisioningStateTransitionTime": stamp,
            "properties.lastModifiedTimeUtc": stamp,
            "properties.LastOwnershipUpdateTime": stamp,
            "properties.geoReplicationStats.lastSyncTime": stamp,
            "properties.lastHeartbeat": stamp,
            "properties.lastSeenSomewhere": stamp,
        },
    },
}  # fmt: skip
"""Provider -> list of its fake (the empty one: all) -> paths."""

AWS = re.compile(
    r"LastUsed|LastAccess|LastSeen|LastPing|LastRecordedPull|LatestRestorable|EarliestRestorable|LastIngestion|Progress|Approximate"
    r"|Remaining|[Rr]unningTask|[Pp]endingTask|^runningCount|^pendingCount|ItemCount|IndexSizeBytes|TableSizeBytes|storedBytes|ElapsedTime"
    r"|CurrentRate|NumberOfDecreasesToday|PredictedCapacity|AvailableIpAddressCount|AttachmentCount|NumberOfRecoveryPoints"
)
"""Names of AWS for counters, for progress, and for times of use."""

GOOGLE_CLOUD = re.compile(
    r"(?:.*\.)?(?:etag|fingerprint|labelFingerprint|metageneration|observedGeneration|updateTime|updated|last\w*(?:Time|Timestamp|Modified)"
    r"|userUpdateTime|scheduleTime|purgeTime|earliestVersionTime|next\w*Time|rdbNextSnapshotTime|current\w*Size|sizeBytes|storageBytes"
    r"|downloadBytes|storageBytesStatus|currentNodeCount|executionCount|recommendedSize|settingsVersion|numMembers|reconciling)"
    r"|generation"
)
"""Paths of Google Cloud."""


_TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
_METRIC = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}
_CONTAINERS = {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "nginx"}]}}}
_VERSIONS = ("v2", "v2beta2", "v1", "v1beta1")
"""Versions of groups, the best first."""
_KUBERNETES: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        "/apis/autoscaling/namespaces/shop/horizontalpodautoscalers/web",
        {"spec": {"scaleTargetRef": _TARGET, "maxReplicas": 3, "metrics": [_METRIC]}},
    ),
    ("/apis/batch/namespaces/shop/cronjobs/nightly", {"spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": _CONTAINERS}}}),
    ("/apis/policy/namespaces/shop/poddisruptionbudgets/web", {"spec": {"selector": {"matchLabels": {"app": "none"}}}}),
    ("/api/v1/namespaces/shop/resourcequotas/limits", {"spec": {"hard": {"pods": "500"}}}),
    ("/apis/coordination.k8s.io/namespaces/shop/leases/leader", {"spec": {"holderIdentity": "one"}}),
    ("/api/v1/namespaces/shop/configmaps/cluster-autoscaler-status", {"data": {"status": "Healthy"}}),
    ("/api/v1/namespaces/shop/endpoints/leader", {}),
)
"""Objects that a cluster's components keep writing to, by their paths."""


def _kubernetes_changes(time: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Path and merge patch of each change."""
    now, shop = stamp(time), "namespaces/shop"
    condition = {
        "type": "Ready",
        "status": "True",
        "reason": "Fine",
        "message": f"{time} checks",
        "lastHeartbeatTime": now,
        "lastTransitionTime": now,
    }
    hpa_condition = {"type": "AbleToScale", "status": "True", "reason": "Ok", "message": f"{time}", "lastTransitionTime": now}
    images = [{"names": [name], "sizeBytes": 5} for name in ("a", "b")]
    metric = {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": number(time), "averageValue": f"{time}m"}}}
    annotations = {
        "cluster-autoscaler.kubernetes.io/last-updated": f"{now[:10]} {now[11:-1]}.123456789 +0000 UTC",
        "control-plane.alpha.kubernetes.io/leader": f'{{"renewTime":"{now}"}}',
        "deployment.kubernetes.io/revision": "1",
    }
    taint = {"key": "ToBeDeletedByClusterAutoscaler", "effect": "NoSchedule", "value": str(1_800_000_000 + time), "timeAdded": now}
    yield "/api/v1/nodes/node-1", {"metadata": {"annotations": annotations}, "spec": {"taints": [taint]}}
    yield "/api/v1/nodes/node-1/status", {"status": {"conditions": [condition], "images": images[:: 1 if time % 2 else -1]}}
    yield f"/apis/autoscaling/{shop}/horizontalpodautoscalers/web/status", {
        "status": {
            "currentMetrics": [metric], "lastScaleTime": now, "observedGeneration": number(time), "conditions": [hpa_condition],
            "desiredReplicas": 2, "currentReplicas": 2,
        }
    }  # fmt: skip
    yield f"/apis/batch/{shop}/cronjobs/nightly/status", {"status": {"lastScheduleTime": now, "lastSuccessfulTime": now}}
    yield f"/apis/policy/{shop}/poddisruptionbudgets/web/status", {
        "status": {
            "disruptedPods": {f"pod-{time}": now}, "observedGeneration": number(time), "currentHealthy": 1, "desiredHealthy": 1,
            "disruptionsAllowed": time, "expectedPods": 1,
        }
    }  # fmt: skip
    yield f"/api/v1/{shop}/resourcequotas/limits/status", {"status": {"used": {"pods": str(number(time))}}}
    yield (
        f"/apis/coordination.k8s.io/{shop}/leases/leader",
        {"spec": {"renewTime": f"2026-11-28T00:00:0{time}.000000Z", "leaseTransitions": time}},
    )
    for object_ in ("configmaps/cluster-autoscaler-status", "endpoints/leader", "services/web"):
        yield f"/api/v1/{shop}/{object_}", {"metadata": {"annotations": annotations}}
    yield f"/api/v1/{shop}/configmaps/cluster-autoscaler-status", {"data": {"status": f"Healthy at {now}"}}
    state = {
        "name": "c",
        "image": "nginx",
        "imageID": "",
        "ready": True,
        "restartCount": number(time),
        "containerID": f"containerd://{time}",
    }
    pod = {"containerStatuses": [{**state, "state": {"running": {"startedAt": now}}}], "phase": "Running", "startTime": now}
    yield f"/api/v1/{shop}/pods/pod-129/status", {"status": pod}
    yield (
        "/apis/acme.example/namespaces/shop/widgets/w",
        {"status": {"lastSyncedAt": now, "syncCount": number(time), "observedGeneration": number(time), "phase": "Bound"}},
    )


def move(provider: str, lists: dict[str, Iterable[dict[str, Any]]], time: int) -> None:
    """Sets each field of the table in each item of the fake's lists to its value at a time."""
    for name, fields in FIELDS[provider].items():
        items = [item for some in lists.values() for item in some] if not name else list(lists[name])
        assert items, f"the fake has none of {name}"
        for item in items:
            for path, value in fields.items():
                _put(item, path.split("."), value(time))


def _put(item: dict[str, Any], path: list[str], value: Any) -> None:
    for key in path[:-1]:
        item = item.setdefault(key, {})
    item[path[-1]] = value


def move_aws(document: Any, shape: Any, time: int) -> None:
    """Sets each field of such a name in a parsed answer of AWS, there or not, to a value of its type at a time; `shape` is botocore's."""
    if shape.type_name == "list":
        for inner in document:
            move_aws(inner, shape.member, time)
    elif shape.type_name == "map":
        for inner in document.values():
            move_aws(inner, shape.value, time)
    elif shape.type_name == "structure":
        for name, member in shape.members.items():
            if AWS.search(name) and member.type_name in _AWS_VALUES:
                document[name] = _AWS_VALUES[member.type_name](time)
            elif name in document:
                move_aws(document[name], member, time)


_AWS_VALUES: dict[str, Value] = {
    "timestamp": lambda time: dt.datetime(2026, 11, 28, time, tzinfo=dt.UTC),
    "integer": number,
    "long": number,
    "double": number,
    "float": number,
    "boolean": lambda time: time % 2 == 1,
    "string": stamp,
}


def move_kubernetes(kube: Kube, time: int) -> None:
    """Moves in a real cluster what its components move."""
    for path, body in _KUBERNETES:
        folder, _, name = _served(kube, path).rpartition("/")
        kube.create(folder, {"metadata": {"name": name}, **body})
    for path, change in _kubernetes_changes(time):
        kube.call("PATCH", _served(kube, path), change, kind="application/merge-patch+json")


def _served(kube: Kube, path: str) -> str:
    """The path with the best version of its group that the server has of the type."""
    root, group, *rest = path.strip("/").split("/")
    if root != "apis":
        return path
    plural = rest[2]
    for version in _VERSIONS:
        with contextlib.suppress(urllib.error.HTTPError):
            if any(one["name"] == plural for one in kube.call("GET", f"/apis/{group}/{version}")["resources"]):
                return "/".join(("", root, group, version, *rest))
    raise AssertionError(f"the server has no {plural}.{group}")
