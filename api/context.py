"""The context of a request: the database, the box for secrets, the settings."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from api.attempts import Attempts
from worker.config.proxies import networks
from worker.config.secretbox import SecretBox
from worker.config.settings import Settings
from worker.store import claims
from worker.store.connection import Connection
from worker.store.errors import ReadOnly
from worker.store.keys import Role
from worker.store.pool import Pool


class Context:
    """The context of one API process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.pool = Pool(settings.database_url)
        self.box = SecretBox(settings.elder_secret_keys)
        self.attempts = Attempts()
        self.trusted_proxies = networks(settings.elder_api_trusted_proxies)
        self.roles: dict[str, Role] = {}
        """The role that each route of the application needs, by Flask's name of the route."""

    @contextlib.contextmanager
    def jobs(self) -> Iterator[Connection]:
        """A connection that reads jobs and runs. Runs whose worker is gone for good are ended first, unless the database is read-only.

        After an outage the workers renew their claims: so only claims that nobody can renew any more are taken away.
        """
        with self.pool.connection() as connection:
            self._sweep(connection)
            yield connection

    def sweep(self) -> None:
        """Ends runs whose worker is gone, in a transaction of its own."""
        with self.pool.connection() as connection:
            self._sweep(connection)

    def _sweep(self, connection: Connection) -> None:
        with contextlib.suppress(ReadOnly):
            claims.sweep_uncounted(connection, self.settings.lease_ttl + self.settings.outage_grace)
