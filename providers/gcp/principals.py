"""Whom policies name: the ids of users, groups and service accounts, and resources for users and groups, which no list of Google Cloud has.

An id is Google's own identifier of a principal, as deny policies and the audit log have it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

import msgspec

from providers.gcp.catalogue import GROUP, USER
from providers.gcp.types.texts import SERVICE_ACCOUNT
from providers.provider import Item
from providers.records import Incomplete, Resource

USERS, GROUPS = "principal://goog/subject/", "principalSet://goog/group/"

_ACCOUNT = "principal:" + SERVICE_ACCOUNT.removesuffix("{value}")
_POOL = re.compile(r"principal(?:Set)?:(//iam\.googleapis\.com/projects/[^/]+/locations/global/workloadIdentityPools/[^/]+)/.+")


def identifier(member: str) -> str:
    """The id of a member of a binding or of a principal of a deny policy; empty for one that is deleted, or is not a single resource.

    That of a workload identity pool's principals is the pool's. Kubernetes' (``serviceAccount:p.svc.id.goog[ns/name]``) have none.
    """
    kind, _, name = member.partition(":")
    if kind == "user":
        return USERS + name.lower()
    if kind == "group":
        return GROUPS + name.lower()
    if kind == "serviceAccount":
        return "" if "[" in name else SERVICE_ACCOUNT.replace("{value}", name)
    for prefix in (USERS, GROUPS):
        if member.startswith(prefix):
            return prefix + member.removeprefix(prefix).lower()
    if member.startswith(_ACCOUNT):
        return member.removeprefix("principal:")
    pool = _POOL.fullmatch(member)
    return pool[1] if pool else ""


def named(found: Iterable[Item], policies: Collection[str], organization: str) -> Iterator[Item]:
    """All that is found, and a resource for each user and group that it links to.

    What could not be read of one of the types in `policies` may have named further ones.
    """
    targets: set[str] = set()
    for item in found:
        yield item
        if isinstance(item, Resource):
            targets.update(link.target for link in item.links if link.target.startswith((USERS, GROUPS)))
        elif isinstance(item, Incomplete) and item.resource_type in policies:
            yield from (msgspec.structs.replace(item, resource_type=one.name) for one in (USER, GROUP))
    yield from (_resource(target, organization) for target in sorted(targets))


def _resource(target: str, organization: str) -> Resource:
    prefix, one = (USERS, USER) if target.startswith(USERS) else (GROUPS, GROUP)
    email = target.removeprefix(prefix)
    return Resource(target, one.entity_type, one.name, email, {"email": email}, organization=organization)
