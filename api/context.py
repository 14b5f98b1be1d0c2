"""What every request needs: the database, the box for secrets, the settings."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from worker.config.secretbox import SecretBox
from worker.config.settings import Settings
from worker.store import claims
from worker.store.connection import Connection
from worker.store.pool import Pool


class Context:
    """Of one process of the API."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.pool = Pool(settings.database_url)
        self.box = SecretBox(settings.elder_secret_keys)

    @contextlib.contextmanager
    def jobs(self) -> Iterator[Connection]:
        """A connection to look at jobs and runs as they stand: those whose worker is gone are ended first, as no other may be there."""
        with self.pool.connection() as connection:
            claims.sweep_uncounted(connection)
            yield connection
