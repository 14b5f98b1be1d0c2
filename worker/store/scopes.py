"""Rows of scopes, which may tombstone their entities, and of organizations, to which entities belong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from providers.errors import Outcome
from providers.records import Organization, Scope
from worker.run.fingerprints import Fingerprints
from worker.store import statements
from worker.store.connection import Connection
from worker.store.errors import BadData

ATTEMPTS_AT_MOST = 10_000
"""Scopes whose order a job is told, about 1 MB of its START frame; of more, the latest are told, and the others come first."""


class Ended(NamedTuple):
    """How the reading of a scope ended; `changed` when its number of active entities may have.

    A reading of which resources were `rejected` has not read the scope in full: nothing is marked as gone until none is.
    """

    outcome: str
    message: str
    permission: str
    version: str
    changed: bool
    rejected: int = 0


class Begun(NamedTuple):
    """The row of a scope whose reading begins, its catalogue's version, and whether its batch marks are valid."""

    row: int
    version: str
    marked: bool


def job_owner(job: int) -> str:
    """The owner of a discovery job's scopes."""
    return f"job:{job}"


def scope_id(connection: Connection, owner: str, scope: Scope) -> int:
    """The row of a scope, added when missing."""
    found = find_scope(connection, owner, scope) or _adopt(connection, owner, scope)
    if found is None:
        connection.execute(statements.get("add_scope"), _key(owner, scope))
        found = find_scope(connection, owner, scope)
    assert found is not None
    return found


def find_scope(connection: Connection, owner: str, scope: Scope) -> int | None:
    """The row of a scope, or None."""
    row = connection.execute(statements.get("find_scope"), _key(owner, scope)).fetchone()
    return int(row[0]) if row else None


def _adopt(connection: Connection, owner: str, scope: Scope) -> int | None:
    """The row of the scope that waits for its account since migration 0016, which takes it from this scope; None when none waits."""
    row = connection.execute(statements.get("adopt_scope"), {"owner": owner, **msgspec.structs.asdict(scope)}).fetchone()
    return int(row[0]) if row else None


def begin(connection: Connection, owner: str, scope: Scope, run: int | None) -> Begun:
    """Begins the reading of a scope of its owner's plan: the attempt is recorded, and what it has seen of stale owners is its own."""
    if find_scope(connection, owner, scope) is None:
        _adopt(connection, owner, scope)
    values = {"owner": owner, "run": run, **msgspec.structs.asdict(scope)}
    row = connection.execute(statements.get("begin_scope"), values).fetchone()
    assert row is not None
    taken = connection.execute(statements.get("take_over"), {"scope": row[0]}).fetchone()
    return Begun(int(row[0]), str(row[1]), bool(row[2]) and taken == (0,))


def catalogue_version(connection: Connection, row: int) -> str:
    """The version of the catalogue with which a scope was read in full last."""
    found = connection.execute("select catalogue_version from elder_worker.scopes where id = %s", [row]).fetchone()
    return str(found[0]) if found else ""


def end(connection: Connection, row: int, ended: Ended) -> None:
    """Records how the reading of a scope ended."""
    complete = ended.outcome == Outcome.COMPLETE
    values = {"scope": row, "complete": complete, "in_full": complete and not ended.rejected, **ended._asdict()}
    connection.execute(statements.get("end_scope"), values)


def retire_gone(connection: Connection, row: int) -> None:
    """Retires a scope that is gone at its source, so that it is planned no more, unless something of it is still active or held back."""
    connection.execute(statements.get("retire_gone"), {"scope": row})


def not_reached(connection: Connection, owner: str, run: int, planned: Sequence[Scope], message: str) -> None:
    """Adds a line to the run's ledger for each scope that was planned and not begun."""
    columns = zip(*map(msgspec.structs.astuple, planned), strict=True)
    names = ("providers", "accounts", "regions", "types", "coverages")
    values: dict[str, object] = {name: list(column) for name, column in zip(names, columns, strict=True)}
    values |= {"owner": owner, "run": run, "message": message}
    connection.execute(statements.get("add_scopes"), values)
    connection.execute(statements.get("add_not_reached"), values)


def attempted(connection: Connection, owner: str) -> tuple[Scope, ...]:
    """The scopes that an owner has attempted, the oldest attempt first."""
    rows = connection.execute(statements.get("attempted_scopes"), {"owner": owner, "limit": ATTEMPTS_AT_MOST}).fetchall()
    return tuple(Scope(*row) for row in rows)


def abandon(connection: Connection, owner: str, run: int) -> int:
    """Marks the scopes that the owner's whole plan no longer contains; returns how many. What others see of them is theirs from now on."""
    rows = connection.execute(statements.get("abandon_scopes"), {"owner": owner, "run": run}).fetchall()
    hand_over(connection, [row for (row,) in rows])
    return len(rows)


def hand_over(connection: Connection, rows: Sequence[int], keys: Sequence[int] | None = None, limit: int | None = None) -> int:
    """Gives entities of these scopes to the current scopes that see them still; returns how many. Inside a transaction.

    `keys` narrows it to some entities; `limit` is how many at most.
    """
    if not rows:
        return 0
    values = {"scopes": list(rows), "keys": None if keys is None else list(keys), "limit": limit}
    moved = connection.execute(statements.get("hand_over"), values).fetchone()
    return int(moved[0]) if moved else 0


def _key(owner: str, scope: Scope) -> list[str]:
    return [owner, scope.provider, scope.account, scope.region, scope.resource_type, scope.coverage]


def fingerprints(connection: Connection, scope: int) -> Fingerprints:
    """Fingerprints of a scope's active entities and sightings, read in pieces of a megabyte: never held twice in memory."""
    parts = connection.cursor().stream(statements.get("fingerprints"), {"scope": scope}, binary=True)
    return Fingerprints.from_network(part for (part,) in parts)


def fingerprints_of(connection: Connection, scope: int, keys: Sequence[int]) -> Fingerprints:
    """Fingerprints of those of a scope's active entities and sightings that have one of these keys: what a batch needs of a large scope."""
    return Fingerprints(connection.execute(statements.get("fingerprints_of"), {"scope": scope, "keys": list(keys)}).fetchall())


def stored_of(connection: Connection, scope: int, keys: Sequence[int]) -> dict[int, tuple[int, bool]]:
    """The stored content of each of these keys that the scope has seen, and whether it was written since the scope's reading began."""
    rows = connection.execute(statements.get("stored_of"), {"scope": scope, "keys": list(keys)})
    return {key: (content, written) for key, content, written in rows}


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
