"""Secrets that jobs may name instead of holding them, where the operator allows it; nothing is allowed by default.

Files and variables of the worker are read here. A secret in a store (`worker.config.stores`) is only let pass: the job's process reads it.

Whoever writes a job's config is not the operator: without the operator's lists, a job could name the worker's own secrets and have
them sent to a server of its choice. Files that the worker's own settings name are refused even in an allowed folder, also where a
config names a file by its path (`worker.job.admission`).
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec

from providers import references, schema
from providers.errors import ConfigError
from providers.references import LARGEST
from providers.stores.access import StoreAccess
from providers.variables import NO_VARIABLE, Variable, parse, setting
from supervisor import landlock
from worker.config import stores
from worker.config.sources import SourceSettings
from worker.config.stores import Stores, StoreSettings


class ReferenceSettings(StoreSettings, frozen=True, kw_only=True):
    """The settings that say which secrets of the worker a job's config may name."""

    secret_reference_env: Annotated[
        tuple[str, ...],
        setting(
            'Variables of the worker, with commas, that a job\'s config may name in place of a secret: `{"$env": "NAME"}`. Whoever may '
            "make jobs can have them sent to a server of their choice. Without: none."
        ),
    ] = ()
    secret_reference_dirs: Annotated[
        tuple[str, ...],
        setting(
            'Folders, with commas, whose files a job\'s config may name in place of a secret: `{"$file": "/run/secrets/x"}`. A file that a '
            "setting of the worker names is refused all the same. Without: none."
        ),
    ] = ()
    referenced: Annotated[dict[str, str], NO_VARIABLE] = {}  # noqa: RUF012 - msgspec copies it for each instance
    """The allowed variables that are set, with their values: secrets."""
    own_files: Annotated[tuple[str, ...], NO_VARIABLE] = ()
    """The files that the service's own settings name, also by their defaults."""


_CERTIFICATES = re.compile("_CA(_BUNDLE|_CERT|CERT)$")
"""The end of the names of variables whose files are certificates: no secrets, and one file often serves settings and jobs."""


def unusable(values: Mapping[str, Any], own: Iterable[Variable]) -> Iterator[str]:
    """A sentence for each allowed name that is a secret of the service itself, and for each folder that is not an absolute path."""
    yield from stores.unusable(values)
    secrets = {name for one in own if one.secret for name in (one.name, f"{one.name}_FILE")}
    for name in values.get("secret_reference_env", ()):
        if name in secrets:
            yield f"SECRET_REFERENCE_ENV: {name} is a secret of the service itself, which no job may have"
    for folder in values.get("secret_reference_dirs", ()):
        if not Path(folder).is_absolute() or Path(folder) == Path("/"):
            yield f"SECRET_REFERENCE_DIRS: '{folder}' is not the absolute path of a folder of secrets"


def found(values: Mapping[str, Any], environ: Mapping[str, str], variables: Iterable[Variable]) -> dict[str, Any]:
    """The values of the fields that no variable sets. `variables` are all that there are."""
    files = {f"{one.name}_FILE": None for one in variables if one.secret} | {"ELDER_API_TLS_KEY": None}
    files |= {one.name: one.default for one in variables if one.file and not _CERTIFICATES.search(one.name)}
    paths = (parse(Variable(name=name, field=""), environ.get(name, "")) or default for name, default in files.items())
    referenced = {name: text for name in values.get("secret_reference_env", ()) if (text := environ.get(name, "").strip())}
    return {"referenced": referenced, "own_files": tuple(path for path in paths if path)}


def remarks(values: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for the files of secrets that lie in folders of the system, which the kernel's rules let every job read."""
    paths = {path for path in values.get("own_files", ()) if os.access(path, os.F_OK)}  # False also where the path cannot be looked at
    if readable := sorted(path for path in paths if any(holds(folder, path) for folder in landlock.SYSTEM)):
        yield (
            f"{', '.join(readable)}: secrets in a folder of the system, where every job and every provider package may read what the "
            "worker's user may; keep them elsewhere, such as in /run/credentials or /var/run/secrets (docs/security.md)"
        )


IS_OWN = "is a file of the worker's own settings, which no job may have"


class References:
    """Reads the files and variables that a job's config names, and lets pass the secrets in stores that it may name."""

    def __init__(
        self, settings: ReferenceSettings, sources: Mapping[str, SourceSettings] | None = None, *, confine_files: bool = True
    ) -> None:
        """`sources` are the operator's settings of each provider; with `confine_files`, jobs read their own files only."""
        self._names, self._values = settings.secret_reference_env, settings.referenced
        self._folders, self._own = settings.secret_reference_dirs, settings.own_files
        self._stores = Stores(settings, sources or {}, confine_files=confine_files)

    def resolved(self, config_type: type[msgspec.Struct], config: Mapping[str, Any]) -> dict[str, Any]:
        """A copy of a job's config with secrets in place of their references, but for those in stores, which stay for the job to read.

        Raises `ConfigError` with all that cannot be read or may not be named.
        """
        return schema.resolved(config_type, config, self._read)

    def access(self, config: Mapping[str, Any]) -> StoreAccess | None:
        """Access to the stores in which a resolved config still names secrets; None when it names none."""
        return self._stores.access(references.scheme_of(one) for one in references.found(config))

    def own_files(self, permitted: Iterable[str]) -> tuple[str, ...]:
        """The files of the service's own settings, but for those that are or lie under the `permitted` ones."""
        allowed = tuple(permitted)
        return tuple(own for own in self._own if not any(holds(path, own) for path in allowed))

    def _read(self, reference: Mapping[str, Any]) -> Any:
        """The text of a secret, or the allowed reference to a store itself. Raises `ConfigError`, which names the reference."""
        kind = references.scheme_of(reference)
        where: str = reference[kind]
        if references.SCHEMES[kind].store:
            self._stores.check_allowed(kind, where)
            return reference
        return self._variable(where) if kind == references.ENV else self._file(where)

    def _variable(self, name: str) -> str:
        shown = json.dumps({references.ENV: name})
        if name not in self._names:
            listed = ", ".join(self._names) or "empty"
            raise ConfigError(f"{shown} is not a variable that jobs may name (the worker's SECRET_REFERENCE_ENV is {listed})")
        if name not in self._values:
            raise ConfigError(f"{shown} is not set in the worker's environment")
        return self._values[name]

    def _file(self, name: str) -> str:
        shown, path = json.dumps({references.FILE: name}), Path(name).resolve()
        if not any(path.is_relative_to(Path(folder).resolve()) for folder in self._folders):
            listed = ", ".join(self._folders) or "empty"
            raise ConfigError(f"{shown} is not in a folder that jobs may name (the worker's SECRET_REFERENCE_DIRS is {listed})")
        if any(holds(path, own) for own in self._own):
            raise ConfigError(f"{shown} {IS_OWN}")
        try:
            return _content(path).decode().strip()
        except (OSError, UnicodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
            raise ConfigError(f"{shown} cannot be read by the worker: {why}") from None


def holds(path: str | Path, own: str) -> bool:
    """True when a path is that of a file, by whatever link, or of a folder above it."""
    try:
        return Path(path).samefile(own) or Path(own).resolve().is_relative_to(Path(path).resolve())
    except (OSError, ValueError):  # there is no such file; or a name holds a NUL
        return False


def _content(path: Path) -> bytes:
    """The bytes of a plain file; nothing else is opened, as a pipe would hold the writer. Raises `OSError`."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "it is not a plain file")
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise OSError(0, f"it is larger than {LARGEST // 1024} KB")
    return content
