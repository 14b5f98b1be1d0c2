"""Who may do what in a project: one resource for each binding of its IAM policy.

A binding has no id of its own. What makes it another one is its role and its condition; its members come and go.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from providers.gcp.catalogue import SERVICE_ACCOUNT
from providers.gcp.declaration import project_name
from providers.http.client import Http
from providers.records import Link, Resource

_POLICY = json.dumps({"options": {"requestedPolicyVersion": 3}}).encode()
"""Below version 3, a policy with conditions is refused, or shown without them."""

_MEMBER = "serviceAccount:"


def read(http: Http, project: str, organization: str) -> Iterator[Resource]:
    """The bindings. Raises a `ProviderError`."""
    answer = http.send(
        "POST",
        f"/v3/projects/{project}:getIamPolicy",
        body=_POLICY,
        what="read the IAM policy",
        permission="resourcemanager.projects.getIamPolicy",
        headers={"Content-Type": "application/json"},
    ).object()
    for (role, _), binding in sorted(_merged(answer).items()):
        yield _resource(role, binding, project, organization)


def _merged(policy: Mapping[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """By role and condition: a policy may name the same twice."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for binding in policy.get("bindings") or ():
        condition = binding.get("condition") or {}
        key = (binding["role"], json.dumps(condition, sort_keys=True) if condition else "")
        kept = found.setdefault(key, {"condition": condition, "members": set()})
        kept["members"].update(binding.get("members") or ())
    return found


def _resource(role: str, binding: Mapping[str, Any], project: str, organization: str) -> Resource:
    condition, members = binding["condition"], sorted(binding["members"])
    digest = hashlib.sha256(json.dumps(condition, sort_keys=True).encode()).hexdigest()[:16]
    return Resource(
        external_id=f"{project_name(project)}/iamPolicy/bindings/{role}" + (f"?condition={digest}" if condition else ""),
        entity_type="permission",
        sub_type="gcp_iam_binding",
        name=role + (f" if {condition.get('title', digest)}" if condition else ""),
        attributes={"role": role, "members": members} | ({"condition": condition} if condition else {}),
        links=(
            Link("grants_role", f"//iam.googleapis.com/{role}"),
            Link("on_scope", project_name(project)),
            *(Link("granted_to", SERVICE_ACCOUNT.format(value=email)) for email in _service_accounts(members)),
        ),
        organization=organization,
        parent=project_name(project),
    )


def _service_accounts(members: list[str]) -> Iterator[str]:
    """The e-mail addresses of those that are one, and not a Kubernetes service account (``p.svc.id.goog[ns/name]``) or deleted."""
    for member in members:
        if member.startswith(_MEMBER) and "[" not in member:
            yield member.removeprefix(_MEMBER)
