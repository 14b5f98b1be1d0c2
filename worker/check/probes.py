"""The connectivity tests of the worker's own services: the Elder API and the database, as providers that have nothing to read.

They run in the same killable processes as every source. They are in the registry of those processes alone.
"""

from __future__ import annotations

import os
from abc import ABC
from collections.abc import Iterable
from typing import Annotated

import msgspec

from providers import registry
from providers.errors import CredentialsError, ProviderError, TimedOut
from providers.provider import Provider, Read, Source, describe
from providers.records import Identity
from providers.schema import Secret
from providers.variables import NO_VARIABLE, NoSettings, setting
from worker.config.settings import Settings
from worker.config.sources import SourceSettings


class _Probe(Source, ABC):
    """A source whose identity alone is asked for."""

    def plan(self) -> Iterable[Read]:
        """An empty plan: there is nothing to read."""
        return ()


class ApiConfig(msgspec.Struct, frozen=True):
    """The address of the Elder API, its key, and the file of its CA."""

    url: Annotated[str, setting("The Elder API.")]
    key: Annotated[Secret, setting("Its bearer key.")] = ""
    ca_bundle: Annotated[str, setting("The file of its CA.", file=True)] = ""


class ElderApi(Provider):
    """The Elder API, as connectors use it."""

    name, title, config = "elder_api", "Elder API", ApiConfig
    connector = ApiConfig

    def open(self, config: ApiConfig, operator: NoSettings) -> Source:  # noqa: ARG002 - it has none
        """Makes no call yet."""
        return _ApiProbe(config)


class _ApiProbe(_Probe):
    def __init__(self, config: ApiConfig) -> None:
        self._config = config

    def check(self) -> Identity:
        """Asks the API something that needs the key and the database."""
        from worker.sync import client  # noqa: PLC0415 - in the process that tries it

        api = client.ElderApi(self._config.url, self._config.key, retries=0, ca_file=self._config.ca_bundle)
        try:
            api.check()
        except client.ApiError as error:
            raise CredentialsError(str(error)) if error.final else TimedOut(str(error)) from None
        finally:
            api.close()
        return Identity(name=self._config.url)


class DatabaseConfig(msgspec.Struct, frozen=True):
    """The address of a database, and the home folder in which libpq looks for certificates and passwords."""

    url: Annotated[Secret, setting("The database.")]
    home: Annotated[str, NO_VARIABLE] = ""


class Database(Provider):
    """PostgreSQL, as the worker uses it."""

    name, title, config = "database", "Database", DatabaseConfig
    connector = DatabaseConfig
    files = ("/",)  # certificates, the socket: wherever the URL says
    variable = "DATABASE_URL"
    ports = None  # as the files: the URL, PGPORT, a service file

    def open(self, config: DatabaseConfig, operator: NoSettings) -> Source:  # noqa: ARG002 - it has none
        """Does not connect yet."""
        return _DatabaseProbe(config, self.variable)


class Replica(Database):
    """The read replica, if there is one."""

    name, title = "replica", "Database read replica"
    variable = "DATABASE_READ_URL"


class Notifications(Database):
    """The server that notifies of new jobs, where it is another address than the database's."""

    name, title = "notifications", "Database notifications"
    variable = "DATABASE_LISTEN_URL"


class _DatabaseProbe(_Probe):
    def __init__(self, config: DatabaseConfig, variable: str) -> None:
        self._config, self._variable = config, variable

    def check(self) -> Identity:
        """Asks the database for its version and the role that we have in it."""
        from worker.store import ping  # noqa: PLC0415 - in the process that tries it
        from worker.store.errors import Misconfigured, StoreError  # noqa: PLC0415

        os.environ["HOME"] = self._config.home
        try:
            found = ping.ping(self._config.url)
        except Misconfigured as error:
            raise CredentialsError(str(error).replace("DATABASE_URL", self._variable)) from None
        except StoreError as error:
            sentence = str(error).partition(" Is the server running")[0]
            raise ProviderError(f"{sentence}: does the server run, and is {self._variable} right?") from None
        return Identity(name=found.user, account=found.database, details={"server": found.version, "role": found.role})


PROBES = {kind.name: f"{__name__}:{kind.__name__}" for kind in (ElderApi, Database, Replica, Notifications)}
"""Name -> where the class is, as in `providers.registry.BUILT_IN`."""


def sources(settings: Settings, home: str) -> dict[str, SourceSettings]:
    """The settings of each probe, made from those of the service. `home` is the home folder of whoever runs the test."""
    values: dict[type[Provider], dict[str, str]] = {
        ElderApi: {"url": settings.elder_api_url, "key": settings.elder_api_key, "ca_bundle": settings.elder_api_ca_bundle},
        Database: {"url": settings.database_url, "home": home},
        Replica: {"url": settings.database_read_url, "home": home},
        Notifications: {"url": settings.database_listen_url, "home": home},
    }
    return {kind.name: SourceSettings(description=describe(kind()), connector=dict(given)) for kind, given in values.items()}


def enlist() -> None:
    """Puts the probes into the registry of this process."""
    registry.BUILT_IN.update(PROBES)


def job(start: bytes, control: int, data: int) -> int:
    """The entry of a job process that may run a probe; else as `worker.job.entry:main`."""
    from worker.job.entry import main  # noqa: PLC0415 - the writer of a connectivity test does without it

    enlist()
    return main(start, control, data)
