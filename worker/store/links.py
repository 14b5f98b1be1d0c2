"""Dependencies between entities. A link may name what is not known yet: it waits by external id, and is resolved when its target comes."""

from __future__ import annotations

from collections.abc import Sequence

from worker.store import copy_format, statements
from worker.store.connection import Connection
from worker.store.rows import Row


def replace(connection: Connection, scope: int, rows: Sequence[Row], organizations: list[int], *, fresh: bool) -> None:
    """The links of these rows are from now on exactly theirs, those of partial ones at least. `fresh`: none can have links yet."""
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
        connection.execute(statements.get("unlink"), {**values, "keys": keys, "partial": partial})
    connection.execute(statements.get("link"), values)
    connection.execute("truncate staged_links")


def resolve(connection: Connection, organizations: list[int]) -> None:
    """Finds the targets that have come meanwhile, and the parents."""
    values = {"organizations": organizations}
    connection.execute(statements.get("resolve_links"), values)
    connection.execute(statements.get("resolve_parents"), values)
