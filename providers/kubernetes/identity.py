"""The identity of a cluster: the uid of its namespace kube-system, as far as we may read that."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from providers.errors import BadAnswer, Denied, Unsupported
from providers.kubernetes.access import Access
from providers.kubernetes.client import Client

SYSTEM = "kube-system"
LACKING = "list namespaces"


class Namespaces:
    """The namespaces that a job names, and what may be read of each."""

    def __init__(self, client: Client, names: Sequence[str]) -> None:
        self._client = client
        self.uids: dict[str, str] = {}
        """Name -> uid; empty for one that is there, or may be, and may not be read itself."""
        self.unknown: list[str] = []
        """Namespaces that the cluster does not have."""
        for name in dict.fromkeys(names):
            self._look_up(name)

    def _look_up(self, name: str) -> None:
        try:
            self.uids[name] = namespace_uid(self._client, name)
        except Denied:
            self.uids[name] = ""
        except Unsupported:
            self.unknown.append(name)


def namespace_uid(client: Client, name: str) -> str:
    """The uid of a namespace. Raises `Denied` when we may not know it, `Unsupported` when there is none."""
    found = client.object(f"/api/v1/namespaces/{name}", what=f"get namespaces/{name}")
    return str(found["metadata"]["uid"])


def cluster_identity(client: Client, access: Access, namespaces: Namespaces, earlier: Sequence[str] = ()) -> str:
    """Returns the cluster's identity: the latest of the `earlier` ones that still holds, else the best that we may read.

    Rights may be taken away or added: a job keeps the identity that it has begun with, as all its ids begin with it.
    Raises `Denied` when there is none.
    """
    identities = list(_identities(client, access, namespaces))
    if not identities:
        sentence = f"the cluster cannot be told from others: allow '{LACKING}', or give the CA certificate of the cluster"
        raise Denied(sentence, permission=LACKING)
    return next((identity for identity in earlier if identity in identities), identities[0])


def _identities(client: Client, access: Access, namespaces: Namespaces) -> Iterator[str]:
    with contextlib.suppress(Denied, Unsupported):
        yield _system_uid(client)
    yield from sorted(uid for uid in namespaces.uids.values() if uid)
    if ca := access.ca_identity():
        yield ca


def _system_uid(client: Client) -> str:
    """Reads the uid of kube-system: by listing namespaces, which reading a whole cluster takes anyway, else by getting this one."""
    try:
        query = {"fieldSelector": f"metadata.name={SYSTEM}"}
        found = client.object("/api/v1/namespaces", query, what=LACKING)
    except Denied:
        return namespace_uid(client, SYSTEM)
    if "items" not in found:
        raise BadAnswer(f"the answer to '{LACKING}' is not a list of objects: is something in between?")
    for item in found["items"] or ():
        return str(item["metadata"]["uid"])
    raise Unsupported(f"the cluster has no namespace {SYSTEM}")
