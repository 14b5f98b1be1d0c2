"""What the connectivity test tries besides the sources: the Elder API and the database, as providers that have nothing to read.

They run in the same killable processes as every source. They are in the registry of those processes alone.
"""

from __future__ import annotations

import os
from abc import ABC
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from providers import registry
from providers.errors import CredentialsError, ProviderError, TimedOut
from providers.provider import Provider, Read, Source
from providers.records import Identity
from providers.schema import Secret


class _Probe(Source, ABC):
    """Only ever asked who we are."""

    def plan(self) -> Iterable[Read]:
        """Nothing."""
        return ()


class ApiConfig(msgspec.Struct, frozen=True):
    """Where the Elder API is."""

    url: str
    key: Secret = ""


class ElderApi(Provider):
    """The Elder API."""

    name, title, config = "elder_api", "Elder API", ApiConfig
    connector = True

    def open(self, config: ApiConfig, operator: Mapping[str, str]) -> Source:  # noqa: ARG002 - as every provider
        """Makes no call yet."""
        return _ApiProbe(config)

    def connector_config(self, environment: Mapping[str, str]) -> dict[str, Any]:
        """ELDER_API_URL and ELDER_API_KEY."""
        return {"url": environment["ELDER_API_URL"], "key": environment.get("ELDER_API_KEY", "")}


class _ApiProbe(_Probe):
    def __init__(self, config: ApiConfig) -> None:
        self._config = config

    def check(self) -> Identity:
        """Whether it answers, and takes the key."""
        from worker.sync import client  # noqa: PLC0415 - in the process that tries it

        api = client.ElderApi(self._config.url, self._config.key, retries=0)
        try:
            api.check()
        except client.ApiError as error:
            raise CredentialsError(str(error)) if error.final else TimedOut(str(error)) from None
        finally:
            api.close()
        return Identity(name=self._config.url)


class DatabaseConfig(msgspec.Struct, frozen=True):
    """Where a database is, and the home folder in which libpq looks for certificates and passwords."""

    url: Secret
    home: str = ""


class Database(Provider):
    """PostgreSQL, as the worker uses it."""

    name, title, config = "database", "Database", DatabaseConfig
    connector = True
    files = ("/",)  # certificates, the socket: wherever the URL says
    variable = "DATABASE_URL"

    def open(self, config: DatabaseConfig, operator: Mapping[str, str]) -> Source:  # noqa: ARG002 - as every provider
        """Does not connect yet."""
        return _DatabaseProbe(config, self.variable)

    def connector_config(self, environment: Mapping[str, str]) -> dict[str, Any]:
        """The URL."""
        return {"url": environment[self.variable], "home": environment.get("HOME", "")}


class Replica(Database):
    """The read replica, if there is one."""

    name, title = "replica", "Database read replica"
    variable = "DATABASE_READ_URL"


class _DatabaseProbe(_Probe):
    def __init__(self, config: DatabaseConfig, variable: str) -> None:
        self._config, self._variable = config, variable

    def check(self) -> Identity:
        """Whether it can be asked something, and as whom."""
        from worker.store import ping  # noqa: PLC0415 - in the process that tries it
        from worker.store.errors import Misconfigured, StoreError  # noqa: PLC0415

        os.environ["HOME"] = self._config.home
        try:
            found = ping.ping(self._config.url)
        except Misconfigured as error:
            raise CredentialsError(str(error).replace("DATABASE_URL", self._variable)) from None
        except StoreError as error:
            words = str(error).partition(" Is the server running")[0]
            raise ProviderError(f"{words}: does the server run, and is {self._variable} right?") from None
        return Identity(name=found.user, account=found.database, details={"server": found.version, "role": found.role})


PROBES = {"elder_api": "worker.check.probes:ElderApi", "database": "worker.check.probes:Database", "replica": "worker.check.probes:Replica"}


def enlist() -> None:
    """Puts them into the registry of this process."""
    registry.BUILT_IN.update(PROBES)


def job(start: bytes, control: int, data: int) -> int:
    """The entry of a job process that may try them: else as `worker.job.entry:main`."""
    from worker.job.entry import main  # noqa: PLC0415 - the writer of a connectivity test does without it

    enlist()
    return main(start, control, data)
