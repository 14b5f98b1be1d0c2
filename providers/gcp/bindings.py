"""The IAM policy of a project, folder, organization or single resource, as items: one for each binding.

A binding has no id of its own. Its role and its condition tell it from the others of its policy; its members come and go.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from providers.errors import Denied

BODY = {"options": {"requestedPolicyVersion": 3}}
"""Below version 3, a policy with conditions is refused, or shown without them."""

DATASET_ROLES = {"READER": "roles/bigquery.dataViewer", "WRITER": "roles/bigquery.dataEditor", "OWNER": "roles/bigquery.dataOwner"}
"""The role of IAM that each basic role of a dataset stands for."""

ACCESS = "access"
"""The member of a dataset that has its access list."""

_ENTRY_MEMBERS = {"groupByEmail": "group:", "domain": "domain:", "specialGroup": "", "iamMember": ""}


def items(answer: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The bindings of a policy, or of a dataset's access, sorted; each role and condition once, as a policy may name them twice.

    A binding without a role, or that is not one, is among them without its role: nothing names it, and it is counted as unreadable.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for binding in (*(answer.get("bindings") or ()), *_entries(answer.get(ACCESS) or [])):
        if not _is_whole(binding):
            yield {name: value for name, value in binding.items() if name != "role"}
            continue
        condition = binding.get("condition") or {}
        key = (binding["role"], json.dumps(condition, sort_keys=True) if condition else "")
        found.setdefault(key, {"condition": condition, "members": set()})["members"].update(binding.get("members") or ())
    for (role, _), binding in sorted(found.items()):
        yield _item(role, binding["condition"], sorted(binding["members"]))


def _is_whole(binding: Mapping[str, Any]) -> bool:
    """True for a binding that has a role, and whose condition and members, if it has any, are what Google documents."""
    role, condition, members = binding.get("role"), binding.get("condition") or {}, binding.get("members") or []
    named = isinstance(members, list) and all(isinstance(one, str) for one in members)
    return bool(role) and isinstance(role, str) and isinstance(condition, dict) and named


def ensure_access(answer: Mapping[str, Any], permission: str) -> None:
    """Raises `Denied` for a dataset without an access list: an empty one has its member, and a list that may not be seen has none."""
    if ACCESS not in answer:
        sentence = f"BigQuery shows a dataset without its access list: the permission '{permission}' is missing"
        raise Denied(sentence, permission=permission)


def _item(role: str, condition: Mapping[str, Any], members: list[str]) -> dict[str, Any]:
    """The binding with what its id and its name are made of."""
    plain = {"role": role, "members": members, "label": role}
    if not condition:
        return plain
    digest = hashlib.sha256(json.dumps(condition, sort_keys=True).encode()).hexdigest()[:16]
    return plain | {"condition": condition, "suffix": f"?condition={digest}", "label": f"{role} if {condition.get('title', digest)}"}


def _entries(access: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The bindings in the access list of a dataset. An entry for a view, a routine or another dataset grants no role."""
    for entry in access:
        if entry.get("view") or entry.get("routine") or entry.get("dataset"):
            continue
        role = str(entry.get("role") or "")
        yield {**entry, "role": DATASET_ROLES.get(role, role), "members": list(_members(entry))}


def _members(entry: Mapping[str, Any]) -> Iterator[str]:
    if email := entry.get("userByEmail"):
        yield f"{'serviceAccount' if str(email).endswith('.gserviceaccount.com') else 'user'}:{email}"
    yield from (f"{prefix}{entry[key]}" for key, prefix in _ENTRY_MEMBERS.items() if entry.get(key))
