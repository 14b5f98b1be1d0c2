"""How PostgreSQL finds what each page and list shows, in the database of `bench.pages`: ``python -m bench.plans`` prints a table.

Each statement is explained once, with the values of the first address that sends it.
"""

from __future__ import annotations

import contextlib
import pathlib
import re
import sys
import tempfile
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
from cryptography.fernet import Fernet
from werkzeug.test import Client

from api.app import create_app
from bench import pages, search
from worker.config.settings import load
from worker.local.postgres import running
from worker.store import claims, statements
from worker.store.connection import connect
from worker.store.migrate import migrate

READS = re.compile(rb"\s*(--[^\n]*\n\s*)*(select|with)\b", re.IGNORECASE)
OURS = re.compile(r"\b(entit|discovery_|run_|dependenc|elder_worker|connector_|organizations|audit_log)")


class Explained:
    """Plans of the statements that a client's calls send."""

    def __init__(self) -> None:
        self.address = ""
        self.plans: dict[bytes, tuple[str, str]] = {}
        """Text of a statement -> the first address that sends it, and how its rows are found."""

    def watch(self) -> None:
        """From now on, every statement of this process that reads our tables is explained before it is carried out for the first time."""
        execute = psycopg.Cursor.execute

        def explained(cursor: psycopg.Cursor[Any], query: Any, values: Any = None, **more: Any) -> Any:
            text = query if isinstance(query, bytes) else str(query).encode()
            if self.address and text not in self.plans and READS.match(text) and OURS.search(text.decode()):
                self.plans[text] = self.address, ""
                with psycopg.Cursor(cursor.connection) as other:
                    execute(other, b"explain (format json) " + text, values)
                    [(plan,)] = other.fetchall()
                self.plans[text] = self.address, ", ".join(dict.fromkeys(_scans(plan[0]["Plan"])))
            return execute(cursor, query, values, **more)

        psycopg.Cursor.execute = explained  # type: ignore[method-assign]


def _scans(plan: dict[str, Any]) -> Iterator[str]:
    """Where the plan takes rows from: indexes, and tables that are read whole."""
    kind = plan["Node Type"]
    if "Index Name" in plan:
        yield f"`{plan['Index Name']}`"
    elif kind == "Seq Scan":
        yield f"all of `{plan['Relation Name']}`"
    for child in plan.get("Plans", ()):
        yield from _scans(child)


def _name(text: bytes) -> str:
    """The name of a statement in worker/store/sql, or the beginning of one that is made up."""
    made_up = f"`{' '.join(text.decode().split())[:60]} ...`"
    return next((f"`{name}`" for name, one in statements.statements().items() if one.sql == text), made_up)


def main() -> int:
    """Fills, asks, prints."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, running(pathlib.Path(folder)) as server:
        migrate(server.url())
        search.fill(server.url(), pages.ENTITIES)
        list(search.signed(server.url()))
        pages.fill(server.url())
        app = create_app(load({"DATABASE_URL": server.url(), "ELDER_SECRET_KEYS": Fernet.generate_key().decode()}))
        client, explained = Client(app), Explained()
        explained.watch()
        for explained.address in pages.addresses(server.url(), app.url_map.iter_rules()):
            client.get(explained.address)
        explained.address = "a claim"
        with contextlib.closing(connect(server.url())) as connection:
            claims.claim(connection, str(uuid.uuid4()), "bench", 600.0, 1)
        explained.address = ""
        app.extensions["elder"].pool.close()
    print("| statement | first sent by | rows are found by |\n|---|---|---|")
    for text, (address, plan) in explained.plans.items():
        print(f"| {_name(text)} | `{address}` | {plan or 'values'} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
