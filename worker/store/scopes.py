"""Rows of scopes, which may tombstone their entities, and of organizations, to which entities belong."""

from __future__ import annotations

from collections.abc import Iterable

from providers.records import Organization, Scope
from worker.run.fingerprints import Fingerprints
from worker.store import statements
from worker.store.connection import Connection
from worker.store.errors import BadData


def scope_id(connection: Connection, owner: str, scope: Scope) -> int:
    """The row of a scope, added when missing."""
    found = find_scope(connection, owner, scope)
    if found is None:
        connection.execute(statements.get("add_scope"), _key(owner, scope))
        found = find_scope(connection, owner, scope)
    assert found is not None
    return found


def find_scope(connection: Connection, owner: str, scope: Scope) -> int | None:
    """The row of a scope, or None."""
    row = connection.execute(statements.get("find_scope"), _key(owner, scope)).fetchone()
    return int(row[0]) if row else None


def _key(owner: str, scope: Scope) -> list[str]:
    return [owner, scope.provider, scope.account, scope.region, scope.resource_type, scope.coverage]


def fingerprints(connection: Connection, scope: int) -> Fingerprints:
    """Fingerprints of a scope's active entities, read in pieces of a megabyte, so that they are never held twice in memory."""
    parts = connection.cursor().stream(statements.get("fingerprints"), [scope], binary=True)
    return Fingerprints.from_network(part for (part,) in parts)


def organization_ids(connection: Connection, owner: str) -> dict[str, int]:
    """Row ids of the organizations that a connector made, by external id."""
    rows = connection.execute("select external_id, id from organizations where owner = %s", [owner])
    return dict(rows.fetchall())


def add_organizations(connection: Connection, owner: str, wanted: Iterable[Organization], known: dict[str, int]) -> None:
    """Adds or renames organizations, parents first, and adds them to `known`. An unchanged organization is not written."""
    for organization in wanted:
        parent = known.get(organization.parent) if organization.parent else None
        if organization.parent and parent is None:
            raise BadData(f"organization '{organization.name}' names a parent that is not known: {organization.parent}")
        row = connection.execute(
            statements.get("put_organization"), [owner, organization.external_id, organization.name, parent]
        ).fetchone()
        if row is None:
            row = connection.execute(
                "select id from organizations where (owner, external_id) = (%s, %s)", [owner, organization.external_id]
            ).fetchone()
        assert row is not None
        known[organization.external_id] = row[0]
