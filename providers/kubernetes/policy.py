"""The least that RBAC must permit: one verb, `list`; in a job with namespaces also to `get` these namespaces, as they cannot be listed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from providers.kubernetes.api_type import ApiType
from providers.kubernetes.config import KubernetesConfig

NAME = "elder-worker"
ANONYMOUS = "system:anonymous"
"""The user of a request that names none."""
_RBAC = "rbac.authorization.k8s.io/v1"

Rule = dict[str, Any]


def policy(config: KubernetesConfig, types: Iterable[ApiType] | None = None) -> dict[str, Any]:
    """A ClusterRole, or with `namespaces` a List of a Role for each, as `kubectl apply` takes them. Without `types`: for every type."""
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["list"]}] if types is None else _rules(types)
    if not config.namespaces:
        return _role("ClusterRole", {"name": NAME}, rules)
    roles = [_role("Role", {"name": NAME, "namespace": name}, [*rules, _get_namespace(name)]) for name in config.namespaces]
    return {"apiVersion": "v1", "kind": "List", "items": roles}


def _rules(types: Iterable[ApiType]) -> list[Rule]:
    return rules((one.group, one.plural) for one in types)


def rules(types: Iterable[tuple[str, str]]) -> list[Rule]:
    """One rule for each group, of groups and plurals."""
    plurals: dict[str, list[str]] = {}
    for group, plural in types:
        plurals.setdefault(group, []).append(plural)
    return [{"apiGroups": [group], "resources": sorted(names), "verbs": ["list"]} for group, names in sorted(plurals.items())]


def _role(kind: str, metadata: dict[str, str], rules: list[Rule]) -> dict[str, Any]:
    return {"apiVersion": _RBAC, "kind": kind, "metadata": metadata, "rules": rules}


def _get_namespace(name: str) -> Rule:
    return {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": [name], "verbs": ["get"]}
