"""The context of a request: the database, the box for secrets, the settings."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator

from api.attempts import Attempts
from providers import registry
from worker.config.proxies import networks
from worker.config.secretbox import SecretBox
from worker.config.settings import Settings
from worker.store import claims, descriptions
from worker.store.connection import Connection
from worker.store.errors import ReadOnly, StoreError
from worker.store.keys import Role
from worker.store.pool import Pool

LEARN_EVERY = 5.0
"""Seconds between two looks for descriptions of third parties' providers, which a worker stores when it starts."""


class Context:
    """The context of one API process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.pool = Pool(settings.database_url)
        self.box = SecretBox(settings.elder_secret_keys)
        self.attempts = Attempts()
        self.trusted_proxies = networks(settings.elder_api_trusted_proxies)
        named = settings.elder_oidc_issuer or settings.elder_api_trusted_proxies  # then others call by this machine, and people by name
        self.open_networks = () if named else networks(filter(None, (settings.elder_api_open_network,)))
        self.roles: dict[str, Role] = {}
        """The role that each route of the application needs, by Flask's name of the route."""
        self.narrowed: set[str] = set()
        """The routes that are open to keys of an organization, by Flask's name of the route."""
        self.deliveries: Counter[str] = Counter()
        """Attempts to deliver events of webhooks since the start, by outcome."""
        self._learned = float("-inf")

    @contextlib.contextmanager
    def jobs(self) -> Iterator[Connection]:
        """A connection that reads jobs and runs. Runs whose worker is gone for good are ended first, unless the database is read-only.

        After an outage the workers renew their claims: so only claims that nobody can renew any more are taken away.
        """
        with self.pool.connection() as connection:
            self._sweep(connection)
            self._learn(connection)
            yield connection

    def refresh(self) -> None:
        """Ends runs whose worker is gone, and reads what workers have stored of third parties' providers."""
        with self.jobs():
            pass

    def sweep(self) -> None:
        """Ends runs whose worker is gone, in a transaction of its own."""
        with self.pool.connection() as connection:
            self._sweep(connection)

    def _sweep(self, connection: Connection) -> None:
        with contextlib.suppress(ReadOnly):
            claims.sweep_uncounted(connection, self.settings.lease_ttl + self.settings.outage_grace)

    def learn(self, provider: str) -> None:
        """Reads what a worker has stored about a third party's provider; a database that does not answer changes nothing."""
        with contextlib.suppress(StoreError), self.pool.connection() as connection:
            registry.adopt(descriptions.newest(connection, provider))

    def _learn(self, connection: Connection) -> None:
        if time.monotonic() - self._learned >= LEARN_EVERY:
            with contextlib.suppress(StoreError):
                registry.adopt(descriptions.newest(connection))
            self._learned = time.monotonic()
