"""Stores of secrets in which a job's config may name a secret: which ones the operator allows, and with what the job reads them.

The worker may often read more in a store than jobs may have, so what a job names must be on the operator's list; by default it is empty.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Any, NamedTuple

from providers import references
from providers.errors import ConfigError
from providers.stores.access import StoreAccess
from providers.variables import setting
from worker.config import vault
from worker.config.sources import SourceSettings
from worker.config.vault import VaultSettings


class SignIn(NamedTuple):
    """The operator's settings of one store, for the job's process."""

    settings: Mapping[str, Any]
    secrets: tuple[str, ...]
    files: tuple[str, ...]


class StoreRules(NamedTuple):
    """The rules of one store: what jobs may name in it, and how to sign in there."""

    allowed: str
    """Setting with the names that are allowed in it."""
    beginning: re.Pattern[str]
    """Shape of a name's beginning in front of a `*` in that list: enough of it to tell secrets of jobs from others."""
    sign_in: Callable[[StoreSettings, Mapping[str, SourceSettings]], SignIn]


class StoreSettings(VaultSettings, frozen=True, kw_only=True):
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
    secret_reference_vault: Annotated[
        tuple[str, ...],
        setting(
            "Secrets in the KV engine of Vault or OpenBao, with commas, that a job's config may name in place of a secret: "
            '`{"$vault": "jobs/okta", "key": "token"}`. Paths without the mount (`VAULT_KV_MOUNT`); `jobs/*` allows all that begin '
            "so. They are read with the sign-in of the `VAULT_` settings. Whoever may make jobs can have them sent to a server of their "
            "choice. Without: none."
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


def _aws(_: StoreSettings, sources: Mapping[str, SourceSettings]) -> SignIn:
    """AWS Secrets Manager is signed in to with the operator's settings of the provider `aws`."""
    aws = sources.get("aws")
    return SignIn(aws.operator, aws.operator_secrets, aws.operator_files) if aws else SignIn({}, (), ())


STORES = {
    references.AWS: StoreRules(
        "secret_reference_aws",
        re.compile(r"[A-Za-z0-9/_+=.@-]{2,512}|arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[A-Za-z0-9/_+=.@-]+"),
        _aws,
    ),
    references.VAULT: StoreRules(
        "secret_reference_vault",
        re.compile(r"[A-Za-z0-9/_+=.@-]{2,512}"),
        lambda settings, _: SignIn(*vault.sign_in(settings)),
    ),
}
"""Every store by its scheme."""


def unusable(values: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each entry of a list that is not a name, or that allows nearly everything; and for a sign-in that cannot work."""
    for scheme, rules in STORES.items():
        for name in values.get(rules.allowed, ()):
            prefix = rules.beginning.fullmatch(name[:-1]) if name.endswith("*") else None
            if not prefix and not references.SCHEMES[scheme].is_name(name):
                takes = references.SCHEMES[scheme].takes.partition(" takes ")[2]
                yield f"{rules.allowed.upper()}: '{name}' is neither {takes} nor the beginning of one with a * behind it"
    yield from vault.unusable(values)


class Stores:
    """The stores of one worker: what jobs may name in them, and how to sign in."""

    def __init__(self, settings: StoreSettings, sources: Mapping[str, SourceSettings], *, confine_files: bool) -> None:
        """`sources` are the operator's settings of each provider, which may sign in to a store too."""
        self._settings, self._sources, self._confine_files = settings, sources, confine_files

    def check_allowed(self, scheme: str, where: str) -> None:
        """Raises `ConfigError` for a secret that is not on the operator's list."""
        allowed: tuple[str, ...] = getattr(self._settings, STORES[scheme].allowed)
        if not any(_covers(entry, where) for entry in allowed):
            shown, name = json.dumps({scheme: where}), STORES[scheme].allowed.upper()
            raise ConfigError(f"{shown} is not a secret that jobs may name (the worker's {name} is {', '.join(allowed) or 'empty'})")

    def access(self, schemes: Iterable[str]) -> StoreAccess | None:
        """Access to the stores of these schemes; None when none of them is one of a store."""
        named = sorted({scheme for scheme in schemes if references.SCHEMES[scheme].store})
        if not named:
            return None
        found = {scheme: STORES[scheme].sign_in(self._settings, self._sources) for scheme in named}
        return StoreAccess(
            settings={scheme: dict(one.settings) for scheme, one in found.items()},
            timeout=self._settings.secret_reference_timeout,
            secrets=tuple(secret for one in found.values() for secret in one.secrets),
            files=tuple(file for one in found.values() for file in one.files),
            confine_files=self._confine_files,
        )


def _covers(entry: str, where: str) -> bool:
    """True if an entry of the operator's list is the name, or a beginning of it with a `*` behind."""
    return where.startswith(entry[:-1]) if entry.endswith("*") else where == entry
