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
import functools
import importlib.util
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from providers.attempts import Attempts
from providers.catalogue.kinds import ResourceKind
from providers.catalogue.masking import Masking
from providers.catalogue.shape import Shape, without_secrets
from providers.errors import ProviderError
from providers.records import AsOf, Gone, Identity, Incomplete, Organization, Placed, Rejected, Resource, Scope
from providers.schema import SourceConfig
from providers.variables import NoSettings, Variable, variables

if TYPE_CHECKING:  # it loads the retries of the HTTP client, which a process that only describes providers does not need
    from providers.http.credential import Credential

Item = Resource | Organization | Incomplete | Rejected | Gone | AsOf | Placed


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
    lags: bool = False
    """True for a source that lags: see `Absence.LAGGING`. The sync of a connector deletes nothing then."""
    repeated: tuple[Scope, ...] = ()
    """Scopes of the read that an earlier read of the plan has already; set by the runner."""


PAUSE = Read((), tuple)
"""Yielded by a plan before it waits for the end of other reads."""


class Source(abc.ABC):
    """A source opened with one config. Made, used and closed in one process; `fetch` functions run on several threads."""

    concurrency: int = 16
    """Threads that read at once."""
    lane_width: ClassVar[int] = 16
    """Reads of one lane at once."""
    attempts: Attempts = Attempts()
    """The attempts of earlier runs, set before `check` and `plan` are called: for sources that plan one account after the other, that have
    several identities and keep to one, and that know which of the scopes are gone.
    """

    shape: Shape = Shape()
    """Every resource goes through it on its way to the sink: see `Shape.storable`. Set by `Provider.opened`."""

    @abc.abstractmethod
    def check(self) -> Identity:
        """Asks the source for the caller's identity, cheaply. Raises `CredentialsError` or another `ProviderError`."""

    def unknown(self) -> Iterable[str]:
        """A complaint for each name in the config (a region, project, namespace ...) that the source does not have.

        A connectivity test asks after `check`, so it costs a few requests at most. What may not be asked is no complaint: a `ScopeError`
        that it raises is passed over.
        """
        return ()

    @abc.abstractmethod
    def plan(self) -> Iterable[Read]:
        """All reads, yielded as soon as they are known. Raising ends the run with that error: raise only when nothing can be read.

        The runner carries them out in the order of their last attempt, not in that of the plan.
        """

    def classify(self, error: Exception) -> ProviderError | None:  # noqa: ARG002 - for those that override it
        """The vendor SDK's exception as one of ours, or None when it is not one that the SDK is known to raise."""
        return None

    @property
    def credential(self) -> Credential | None:
        """The verdict over the credential with which everything is read, where there is one.

        Once it is refused, the run ends with that error: no scope is told the same, and no further read begins.
        """
        return None

    def warm(self) -> None:  # noqa: B027 - nothing more to load is the usual case
        """Loads what the first read would load, so that the memory of a process can be measured without a read."""

    def close(self) -> None:  # noqa: B027 - nothing to release is the usual case
        """Releases the source's connections."""


class Provider(abc.ABC):
    """A provider, as the registry holds it. Importing its module imports no SDK; `open` may."""

    name: ClassVar[str]
    """The provider's name, as in a job's ``provider``."""
    title: ClassVar[str]
    """The provider's name as people write it."""
    config: ClassVar[type[msgspec.Struct]]
    """A `providers.schema` config type."""
    operator: ClassVar[type[msgspec.Struct]] = NoSettings
    """Settings of the worker's operator for every run of this provider: endpoints, credential files. A `providers.variables` type.

    They come from the worker's environment alone, and are never part of a job's config.
    """
    connector: ClassVar[type[msgspec.Struct] | None] = None
    """The variables of this provider's connector, or None when it has no connector. Each field is one of `config`, of the same type."""
    shared_prefix: ClassVar[bool] = False
    """True when other software has variables with the same prefix, as ``AWS_``: then an unknown name is not a mistake."""
    sdk: ClassVar[tuple[str, ...]] = ()
    """Modules that a job imports and that may not be installed: ``("botocore",)``. Without them the provider cannot run here."""
    memory_mb: ClassVar[int] = 128
    """Memory that a job of this provider needs for an ordinary account. In a small container, fewer jobs run at once to have it."""
    files: ClassVar[tuple[str, ...]] = ()
    """Files and folders that the source reads beside those that its config and its settings name."""
    metadata_service: ClassVar[bool] = False
    """True when jobs may speak to the metadata service of the worker's own cloud, whose credentials are the operator's."""
    ports: ClassVar[tuple[int, ...] | None] = ()
    """TCP ports that jobs connect to beside 443 and those of URLs, ``host:port`` and `port` in config and settings; None: any port."""
    secret_words: ClassVar[tuple[str, ...]] = ()
    """Further words that say secret in a key of this vendor's."""
    pins_identity: ClassVar[bool] = True
    """A job reads one account, tenant, cluster or directory, that of `Identity.account`; another one ends the run until it is accepted."""
    discovery: ClassVar[bool] = True
    """True when the provider may be that of a discovery job."""
    grant_advice: ClassVar[str] = "Grant these permissions to the identity that reads."
    """One sentence above the text of `grant`: what to do with it."""

    @abc.abstractmethod
    def open(self, config: Any, operator: Any) -> Source:
        """Opens the source. `config` is an instance of the type in `config`, `operator` one of the type in `operator`."""

    def opened(self, config: Any, operator: Any) -> Source:
        """The opened source, of whose resources nothing is stored that `ignore_fields` and `mask_names` of its config keep out."""
        source = self.open(config, operator)
        if isinstance(config, SourceConfig):
            source.shape = Shape(config.ignore_fields, Masking((*self.secret_words, *config.mask_names)))
        return source

    def further_files(self, operator: Any) -> tuple[str, ...]:  # noqa: ARG002 - for those that override it
        """Files that the operator's own files name in turn, which a job may read too. Called by the worker: loads no SDK, never raises."""
        return ()

    def named_files(self, path: str) -> tuple[str, ...]:  # noqa: ARG002 - for those that override it
        """Files that a file named in a job's config names in turn. Each must be one that jobs may read. Loads no SDK, never raises."""
        return ()

    def warnings(self, config: Any) -> Iterable[str]:  # noqa: ARG002 - for those that override it
        """Sentences about a config that works and is dangerous: shown at each start, in ``check`` and in /status."""
        return ()

    def kinds(self) -> Iterable[ResourceKind]:
        """The declarations of its resource types, where it has a catalogue. Loads no SDK."""
        return ()

    def without_secrets(self, sub_type: str, attributes: dict[str, Any], masking: Masking) -> dict[str, Any]:
        """Attributes that another release stored, without what today's rules keep out as a secret. Loads no SDK."""
        return without_secrets(_kinds_of(self).get(sub_type), attributes, masking)

    def resource_types(self) -> tuple[ResourceType, ...]:
        """The resource types that it can find, for ``elder-worker providers`` and the docs."""
        return ()

    def can_grant(self, permission: str) -> bool:
        """True for a permission that reading takes; what a source names besides must not get into a policy that a person copies."""
        return permission in _permissions_of(self)

    def is_withheld(self, message: str) -> bool:  # noqa: ARG002 - for those that override it
        """True for the message of a denial that stays when the permission is granted, as something else withholds it."""
        return False

    def grant(self, permissions: Sequence[str]) -> str:
        """Text to copy that grants exactly these permissions, in the vendor's form. Each is one that it `can_grant`. Loads no SDK."""
        return "\n".join(permissions)


@functools.cache
def _kinds_of(provider: Provider) -> dict[str, ResourceKind]:
    return {kind.sub_type: kind for kind in provider.kinds()}


@functools.cache
def _permissions_of(provider: Provider) -> frozenset[str]:
    return frozenset(permission for kind in provider.resource_types() for permission in kind.permissions)


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's interface as plain data, for processes that may not import the provider's package."""

    name: str
    title: str
    discovery: bool = True
    connector: tuple[Variable, ...] | None = None
    operator: tuple[Variable, ...] = ()
    shared_prefix: bool = False
    memory_mb: int = 128
    installed: bool = True
    """False when the provider's SDK is not here."""
    config: dict[str, Any] = {}
    """JSON Schema of the config with the marks ``secret`` and ``public``; only in the description of a third party's provider."""
    resource_types: tuple[ResourceType, ...] = ()
    ports: tuple[int, ...] = ()
    pins_identity: bool = True
    package: str = ""
    """Hash of the files of a third party's package; empty for a built-in provider."""

    @property
    def prefix(self) -> str:
        """The prefix of the provider's variables: ``LDAP_``."""
        return prefix_of(self.name)

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The variables of operator and connector together."""
        return (*(self.connector or ()), *self.operator)


def describe(provider: Provider) -> Description:
    """The description of a provider. Raises `TypeError` for settings types that no environment can fill."""
    prefix = prefix_of(provider.name)
    return Description(
        name=provider.name,
        title=provider.title,
        discovery=provider.discovery,
        connector=None if provider.connector is None else variables(provider.connector, prefix),
        operator=variables(provider.operator, prefix),
        shared_prefix=provider.shared_prefix,
        memory_mb=provider.memory_mb,
        installed=all(map(_is_there, provider.sdk)),
    )


def _is_there(module: str) -> bool:
    try:
        return module in sys.modules or importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # the package that would hold it
        return False


def prefix_of(name: str) -> str:
    """Returns the prefix of the variables of a provider of that name."""
    return re.sub(r"\W", "_", name).upper() + "_"


class ResourceType(msgspec.Struct, frozen=True):
    """One line of documentation: what is found, by which calls, with which permissions."""

    sub_type: str
    entity_type: str
    calls: tuple[str, ...]
    permissions: tuple[str, ...]
