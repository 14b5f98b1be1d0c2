"""Dependencies between entities. A link may name an unknown target; it is resolved when that target is stored."""

from __future__ import annotations

from collections.abc import Sequence

from worker.store import copy_format, losses, statements
from worker.store.connection import Connection
from worker.store.rows import Row


def replace(
    connection: Connection, scope: int, rows: Sequence[Row], organizations: list[int], *, fresh: bool, same_catalogue: bool
) -> None:
    """Stores the links of these rows. `fresh` rows have no links yet.

    A link that an entity had and now lacks is deleted at once when a new link of its type replaces it, or when the last reading did not use
    the `same_catalogue`. Otherwise it becomes a loss, which waits for the end of the scope.
    """
    lines = [
        f"{found.key}\t{copy_format.text(link.type)}\t{copy_format.text(link.target)}\n"
        for found in rows
        for link in dict.fromkeys(found.links)
    ]
    if not lines and fresh:
        return
    connection.execute(statements.get("stage_links"))
    with connection.cursor() as cursor, cursor.copy("copy staged_links (key, dependency_type, target) from stdin") as copy:
        copy.write("".join(lines).encode())
    values = {"scope": scope, "organizations": organizations}
    if not fresh:
        keys, partial = [found.key for found in rows], [found.key for found in rows if found.links_partial]
        if losses.any_in(connection, scope):
            connection.execute(statements.get("forget_returned_links"), values)
        connection.execute(statements.get("defer_links"), {**values, "keys": keys, "partial": partial, "same_catalogue": same_catalogue})
    connection.execute(statements.get("link"), values)
    connection.execute("truncate staged_links")


def resolve(connection: Connection, organizations: list[int]) -> None:
    """Resolves targets and parents that have been stored meanwhile."""
    values = {"organizations": organizations}
    connection.execute(statements.get("resolve_links"), values)
    connection.execute(statements.get("resolve_parents"), values)
