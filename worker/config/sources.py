"""The operator's settings of each provider: its switch, its interval, and the variables that the provider itself declares.

Nothing here knows a provider by name: they come as descriptions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from providers import registry, schema
from providers.errors import ConfigError
from providers.provider import Description, prefix_of
from providers.variables import Variable
from worker.config.environment import Reader

SWITCHES = {
    (True, True): "`true`: {title} discovery jobs run and the connector syncs. Unset: only jobs run. `false`: neither.",
    (True, False): "`false`: {title} discovery jobs are refused. Unset or `true`: they run.",
    (False, True): "`true`: the {title} connector syncs. Unset or `false`: it does not.",
}
"""(may be the provider of jobs, has a connector) -> meaning of ``<NAME>_ENABLED``."""


class SourceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one provider. `operator` and `connector` hold the fields that are set, by name."""

    description: Description
    enabled: bool | None = None
    sync_interval: float = 3600
    operator: dict[str, Any] = {}
    connector: dict[str, Any] = {}

    @property
    def syncs(self) -> bool:
        """True when the provider's connector is switched on."""
        return self.description.connector is not None and bool(self.enabled)

    @property
    def runs_jobs(self) -> bool:
        """True when this worker can run the provider's discovery jobs: it is installed here, and not switched off."""
        return self.description.discovery and self.description.installed and self.enabled is not False

    @property
    def operator_files(self) -> tuple[str, ...]:
        """The files that the operator's settings name: every run of the provider may read them."""
        return _files(self.description.operator, self.operator)

    @property
    def connector_files(self) -> tuple[str, ...]:
        """The files that the connector's variables name: its syncs alone may read them."""
        return _files(self.description.connector or (), self.connector)

    @property
    def operator_secrets(self) -> tuple[str, ...]:
        """The secrets among the operator's settings."""
        return tuple(self.operator[one.field] for one in self.description.operator if one.secret and one.field in self.operator)

    def secret_values(self) -> Iterator[str]:
        """Every secret, for a redactor."""
        yield from self.operator_secrets
        yield from (self.connector[one.field] for one in self.description.connector or () if one.secret and one.field in self.connector)

    def without_secrets(self) -> SourceSettings:
        """A copy for a process that needs no secrets."""
        operator = _public(self.description.operator, self.operator)
        connector = _public(self.description.connector or (), self.connector)
        return msgspec.structs.replace(self, operator=operator, connector=connector)

    def shown(self) -> Iterator[tuple[str, Any]]:
        """(variable in lower case, value or default) of everything that is not a secret."""
        own = {"enabled": self.enabled, "sync_interval": self.sync_interval}
        for variables, values in (
            (switches(self.description), own),
            (self.description.connector or (), self.connector),
            (self.description.operator, self.operator),
        ):
            yield from ((one.name.lower(), values.get(one.field, one.default)) for one in variables if not one.secret)


def switches(description: Description) -> tuple[Variable, ...]:
    """The variables that every provider has: ``<NAME>_ENABLED``, and with a connector ``<NAME>_SYNC_INTERVAL``."""
    meaning = SWITCHES[description.discovery, description.connector is not None].format(title=description.title)
    default = None if description.discovery else False
    enabled = Variable(name=f"{description.prefix}ENABLED", field="enabled", type="boolean", default=default, description=meaning)
    interval = Variable(
        name=f"{description.prefix}SYNC_INTERVAL",
        field="sync_interval",
        type="number",
        default=3600.0,
        minimum=10,
        description=f"Seconds from one {description.title} sync to the next, give or take 5 %.",
        low="syncs follow each other without a pause and use up the source's rate limits",
        high="changes are seen late",
    )
    return (enabled,) if description.connector is None else (enabled, interval)


def variables(description: Description) -> tuple[Variable, ...]:
    """Every variable of a provider: the switches, the connector's, the operator's."""
    return (*switches(description), *description.variables)


def read(reader: Reader, description: Description) -> SourceSettings:
    """The settings of one provider; what is wrong with them is in the reader's complaints."""
    found = SourceSettings(
        description=description,
        operator=reader.values(description.operator),
        connector=reader.values(description.connector or ()),
        **{"enabled": None if description.discovery else False, **reader.values(switches(description))},
    )
    if found.syncs and reader.wrong.isdisjoint(one.name for one in description.variables):
        reader.complaints += _complaints(found)
    return found


def unusable(environ: Mapping[str, str], problems: Mapping[str, str]) -> Iterator[str]:
    """A complaint for each connector that is switched on and whose package cannot be used. `problems` say why, by name."""
    for name, problem in problems.items():
        switch = f"{prefix_of(name)}ENABLED"
        if environ.get(switch):
            yield f"{switch} is set, and {problem}"


def warnings(settings: SourceSettings) -> Iterator[str]:
    """The provider's warnings about a connector that is switched on."""
    if settings.syncs:
        provider = registry.get(settings.description.name)
        yield from provider.warnings(schema.parse(provider.config, settings.connector))


def _complaints(settings: SourceSettings) -> Iterator[str]:
    """Returns the variables that a connector lacks, else those that contradict each other."""
    variables = settings.description.connector or ()
    missing = [one.name for one in variables if one.required and one.field not in settings.connector]
    if missing:
        yield f"{settings.description.prefix}ENABLED=true needs {' and '.join(missing)}"
        return
    try:
        schema.parse(registry.get(settings.description.name).config, settings.connector)
    except ConfigError as error:
        names = {one.field: one.name for one in variables}
        for complaint in error.complaints or (str(error),):
            yield re.sub(r"`(\w+)(?:[.\[][^`]*)?`", lambda found: names.get(found[1], found[0]), complaint)


def _files(variables: Iterable[Variable], values: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(values[one.field] for one in variables if one.file and one.field in values)


def _public(variables: Iterable[Variable], values: Mapping[str, Any]) -> dict[str, Any]:
    return {one.field: values[one.field] for one in variables if not one.secret and one.field in values}
