"""The interface of a provider, and the little that one must write.

A provider is a `Provider` object with a config type and `open`; what it opens is a `Source` that checks who we are and plans
`Read`s. A read is one or more scopes and a function that yields what is in them. The runner (`providers.runner`) calls the reads on a
bounded pool of threads, turns what they raise into outcomes, counts, and passes everything on; a provider does none of that.

::

    class Weather(Provider):
        name, title, config = "weather", "Weather stations", WeatherConfig

        def open(self, config, operator):
            return Stations(config)

    class Stations(Source):
        def check(self):
            return Identity(name=self.client.whoami())

        def plan(self):
            scope = Scope("weather", self.config.network, "", "weather_station")
            yield Read((scope,), lambda: map(to_resource, self.client.stations()))
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import msgspec

from providers.attempts import Attempts
from providers.errors import ProviderError
from providers.records import Identity, Incomplete, Organization, Placed, Rejected, Resource, Scope

Item = Resource | Organization | Incomplete | Rejected | Placed


class Read(msgspec.Struct, frozen=True):
    """One piece of work: `fetch` yields all that is in `scopes`. With several scopes, a resource goes to that of its `sub_type`.

    `lane` names what must not be overrun (an account's API quota ...): at most `Source.lane_width` reads of one lane run at once.
    `ended` is called once, on any thread, when the read is over: read, failed, or never begun. A read without scopes is a pause: the plan
    goes on when other reads have ended.
    """

    scopes: tuple[Scope, ...]
    fetch: Callable[[], Iterable[Item]]
    lane: str = ""
    ended: Callable[[], object] = lambda: None
    repeated: tuple[Scope, ...] = ()
    """Scopes of the read that an earlier read of the plan has already; set by the runner."""


PAUSE = Read((), tuple)
"""Yielded by a plan before it waits for the end of other reads."""


class Source(abc.ABC):
    """A source opened with one config. Made, used and closed in one process; `fetch` functions run on several threads."""

    concurrency: ClassVar[int] = 16
    """Threads that read at once."""
    lane_width: ClassVar[int] = 16
    """Reads of one lane at once."""
    attempts: Attempts = Attempts()
    """What earlier runs attempted, set before `plan` is called: for sources that plan one account after the other."""

    @abc.abstractmethod
    def check(self) -> Identity:
        """Who are we to this source? Raises `CredentialsError` or another `ProviderError`. Cheap: the connectivity test calls it."""

    @abc.abstractmethod
    def plan(self) -> Iterable[Read]:
        """All reads, yielded as soon as they are known. Raising ends the run with that error: raise only when nothing can be read.

        The runner carries them out in the order of their last attempt, not in that of the plan.
        """

    def classify(self, error: Exception) -> ProviderError | None:  # noqa: ARG002 - for those that override it
        """The vendor SDK's exception as one of ours, or None when it is not one that the SDK is known to raise."""
        return None

    def close(self) -> None:  # noqa: B027 - nothing to release is the usual case
        """Releases connections."""


class Provider(abc.ABC):
    """What the registry holds. Importing the module of a provider imports no SDK; `open` may."""

    name: ClassVar[str]
    """As in a job's ``provider``."""
    title: ClassVar[str]
    """As people say it."""
    config: ClassVar[type[msgspec.Struct]]
    """A `providers.schema` config type."""
    operator_variables: ClassVar[tuple[str, ...]] = ()
    """Environment variables of the worker that this provider may see: endpoints, credential files. Never part of a job's config."""
    files: ClassVar[tuple[str, ...]] = ()
    """Files and folders that it reads beside those that its config and its operator variables name."""
    metadata_service: ClassVar[bool] = False
    """May speak to the metadata service of the cloud that the worker runs in, whose credentials are the operator's."""
    pins_identity: ClassVar[bool] = True
    """A job reads one account, tenant, cluster or directory, that of `Identity.account`; another one ends the run until it is accepted."""
    discovery: ClassVar[bool] = True
    """May be the provider of a discovery job."""
    connector: ClassVar[bool] = False
    """Can be configured by environment variables and synced on a schedule."""

    @abc.abstractmethod
    def open(self, config: Any, operator: Mapping[str, str]) -> Source:
        """Opens the source. `config` is an instance of the type in `config`, `operator` the worker's values of `operator_variables`."""

    def further_files(self, operator: Mapping[str, str]) -> tuple[str, ...]:  # noqa: ARG002 - for those that override it
        """Files that the operator's own files name in turn, which it may read too. Called by the worker: loads no SDK, and never raises."""
        return ()

    def connector_config(self, environment: Mapping[str, str]) -> dict[str, Any]:
        """The raw config of the connector, from the worker's environment (empty strings removed). For those with `connector` set."""
        raise NotImplementedError(f"{self.name} is not a connector")

    def resource_types(self) -> tuple[ResourceType, ...]:
        """What it can find, for ``elder-worker providers`` and the docs."""
        return ()


class ResourceType(msgspec.Struct, frozen=True):
    """One line of documentation: what is found, by which calls, with which permissions."""

    sub_type: str
    entity_type: str
    calls: tuple[str, ...]
    permissions: tuple[str, ...]
