"""The IAM policy of a project: one resource for each binding.

A binding has no id of its own. Its role and its condition tell it from the others; its members come and go.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from providers.errors import Outcome
from providers.gcp.catalogue import BINDING
from providers.gcp.shape import GcpShape
from providers.http.client import Http
from providers.provider import Item
from providers.records import Incomplete

_POLICY = json.dumps({"options": {"requestedPolicyVersion": 3}}).encode()
"""Below version 3, a policy with conditions is refused, or shown without them."""

_MEMBER = "serviceAccount:"


def read(http: Http, shape: GcpShape, project: str, organization: str) -> Iterator[Item]:
    """The bindings of a project. Raises a `ProviderError`."""
    answer = http.send(
        "POST",
        f"/v3/projects/{project}:getIamPolicy",
        body=_POLICY,
        what="read the IAM policy",
        permission=BINDING.permission,
        headers={"Content-Type": "application/json"},
    ).object()
    for (role, _), binding in sorted(_merged(answer).items()):
        context = {"project": project, "owner": project}
        yield shape.resource(BINDING, _item(role, binding), context, organization=organization)
    if nameless := sum(not binding.get("role") for binding in answer.get("bindings") or ()):
        text = f"{nameless} bindings of project {project} were left out: they name no role"
        yield Incomplete(BINDING.sub_type, Outcome.ERROR, text)


def _merged(policy: Mapping[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """The bindings by role and condition: a policy may name the same twice."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for binding in policy.get("bindings") or ():
        if not binding.get("role"):
            continue
        condition = binding.get("condition") or {}
        key = (binding["role"], json.dumps(condition, sort_keys=True) if condition else "")
        kept = found.setdefault(key, {"condition": condition, "members": set()})
        kept["members"].update(binding.get("members") or ())
    return found


def _item(role: str, binding: Mapping[str, Any]) -> dict[str, Any]:
    """The binding with what its id, its name and its links are made of."""
    condition, members = binding["condition"], sorted(binding["members"])
    digest = hashlib.sha256(json.dumps(condition, sort_keys=True).encode()).hexdigest()[:16]
    plain = {"role": role, "members": members, "accounts": list(_service_accounts(members)), "label": role}
    if not condition:
        return plain
    return plain | {"condition": condition, "suffix": f"?condition={digest}", "label": f"{role} if {condition.get('title', digest)}"}


def _service_accounts(members: list[str]) -> Iterator[str]:
    """The e-mail addresses of service accounts, but for those of Kubernetes (``p.svc.id.goog[ns/name]``) and deleted ones."""
    for member in members:
        if member.startswith(_MEMBER) and "[" not in member:
            yield member.removeprefix(_MEMBER)
