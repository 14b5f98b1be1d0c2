"""The database under the name that the quick start asks for it by, in the container."""

from __future__ import annotations

import os
from typing import Any, LiteralString

from worker.config import settings
from worker.store.connection import connect


class Database:
    """The Elder database, as DATABASE_URL names it."""

    def executesql(self, statement: LiteralString) -> list[Any]:
        """The rows that one statement gives."""
        with connect(settings.load(os.environ).database_url, "elder get_db") as connection:
            return connection.execute(statement).fetchall()


def get_db() -> Database:
    """For looking at the tables by hand."""
    return Database()
