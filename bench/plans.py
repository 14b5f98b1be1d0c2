"""How PostgreSQL finds what each page and list shows, in the database of `bench.pages`: ``python -m bench.plans`` prints a table.

Each statement is explained once, with the values of the first address that sends it.
"""

from __future__ import annotations

import contextlib
import pathlib
import sys
import tempfile
import uuid
from collections.abc import Iterator
from typing import Any
from unittest import mock

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


class Explained:
    """Plans of the statements that a client's calls send."""

    def __init__(self) -> None:
        self.address = ""
        self.plans: dict[bytes, tuple[str, str]] = {}
        """Text of a statement -> the first address that sends it, and how its rows are found."""

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Explains each statement of this process before it is carried out for the first time, until the end of the block."""
        execute = psycopg.Cursor.execute

        def explained(cursor: psycopg.Cursor[Any], query: Any, values: Any = None, **more: Any) -> Any:
            text = query if isinstance(query, bytes) else str(query).encode()
            if text not in self.plans and text.lstrip().lower().startswith((b"select", b"with")):
                self.plans[text] = self.address, ""
                with psycopg.Cursor(cursor.connection) as other:
                    execute(other, b"explain (format json) " + text, values)
                    [(plan,)] = other.fetchall()
                self.plans[text] = self.address, ", ".join(dict.fromkeys(_scans(plan[0]["Plan"])))
            return execute(cursor, query, values, **more)

        with mock.patch.object(psycopg.Cursor, "execute", explained):
            yield


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
    """Fills a database, asks for every address, and prints the plans."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, running(pathlib.Path(folder)) as server:
        migrate(server.url())
        search.fill(server.url(), pages.ENTITIES)
        list(search.signed(server.url()))
        pages.fill(server.url())
        app = create_app(load({"DATABASE_URL": server.url(), "ELDER_SECRET_KEYS": Fernet.generate_key().decode()}))
        client, explained = Client(app), Explained()
        addresses = list(pages.addresses(server.url(), app.url_map.iter_rules()))
        with explained.watching():
            for explained.address in addresses:
                client.get(explained.address)
            explained.address = "a claim"
            with contextlib.closing(connect(server.url())) as connection:
                claims.claim(connection, str(uuid.uuid4()), "bench", 600.0, 1)
        app.extensions["elder"].pool.close()
    print("| statement | first sent by | rows are found by |\n|---|---|---|")
    for text, (address, plan) in explained.plans.items():
        if plan:  # a statement without one takes rows from no table
            print(f"| {_name(text)} | `{address}` | {plan} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
