"""Stores of secrets in which a job's config may name a secret: which ones the operator allows, and with what the job reads them.

The worker may often read more in a store than jobs may have, so what a job names must be on the operator's list; by default it is empty.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

from providers import references
from providers.errors import ConfigError
from providers.stores.access import StoreAccess
from providers.variables import setting
from worker.config.addresses import Addresses
from worker.config.sources import SourceSettings

LISTS = {references.AWS: "secret_reference_aws"}
"""Scheme of a store -> the setting with the names that are allowed in it."""

_PREFIXES = {
    references.AWS: re.compile(r"[A-Za-z0-9/_+=.@-]{2,512}|arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[A-Za-z0-9/_+=.@-]+")
}
"""Shapes of a name's beginning in front of a `*` in those lists: enough of it to tell secrets of jobs from others."""


class StoreSettings(Addresses, frozen=True, kw_only=True):
    """The settings of stores of secrets."""

    secret_reference_aws: Annotated[
        tuple[str, ...],
        setting(
            'Secrets in AWS Secrets Manager, with commas, that a job\'s config may name in place of a secret: `{"$aws": "jobs/okta", '
            '"key": "token"}`. Names or ARNs, each as configs have it; `jobs/*` allows all that begin so. They are read with the identity '
            "of the `AWS_` settings, in `AWS_DEFAULT_REGION` or the ARN's region. Whoever may make jobs can have them sent to a server of "
            "their choice. Without: none."
        ),
    ] = ()
    secret_reference_timeout: Annotated[
        float,
        setting(
            "Seconds that a store of secrets has for an answer; a call that gets none is made again, three times in all at most.",
            ge=1,
            le=60,
            low="runs end with `source` while the store is slow",
            high="a run whose store does not answer holds its place longer",
        ),
    ] = 10


def unusable(values: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each entry of a list that is no name, or that allows nearly everything."""
    for scheme, field in LISTS.items():
        for name in values.get(field, ()):
            prefix = _PREFIXES[scheme].fullmatch(name[:-1]) if name.endswith("*") else None
            if not prefix and not references.SCHEMES[scheme].is_name(name):
                takes = references.SCHEMES[scheme].takes.partition(" takes ")[2]
                yield f"{field.upper()}: '{name}' is neither {takes} nor the beginning of one with a * behind it"


class Stores:
    """The stores of one worker: what jobs may name in them, and how to sign in."""

    def __init__(self, settings: StoreSettings, sources: Mapping[str, SourceSettings], *, confine_files: bool) -> None:
        """`sources` are the operator's settings of each provider: those of AWS sign in to its Secrets Manager."""
        self._settings, self._sources, self._confine_files = settings, sources, confine_files

    def check_allowed(self, scheme: str, where: str) -> None:
        """Raises `ConfigError` for a secret that is not on the operator's list."""
        allowed: tuple[str, ...] = getattr(self._settings, LISTS[scheme])
        if not any(_covers(entry, where) for entry in allowed):
            shown, name = json.dumps({scheme: where}), LISTS[scheme].upper()
            raise ConfigError(f"{shown} is not a secret that jobs may name (the worker's {name} is {', '.join(allowed) or 'empty'})")

    def access(self, schemes: Iterable[str]) -> StoreAccess | None:
        """Access to the stores of these schemes; None when none of them is one of a store."""
        named = sorted({scheme for scheme in schemes if references.SCHEMES[scheme].store})
        if not named:
            return None
        aws = self._sources.get("aws")
        return StoreAccess(
            settings={references.AWS: aws.operator if aws else {}},
            timeout=self._settings.secret_reference_timeout,
            secrets=aws.operator_secrets if aws else (),
            files=aws.operator_files if aws else (),
            confine_files=self._confine_files,
        )


def _covers(entry: str, where: str) -> bool:
    """True if an entry of the operator's list is the name, or a beginning of it with a `*` behind."""
    return where.startswith(entry[:-1]) if entry.endswith("*") else where == entry
