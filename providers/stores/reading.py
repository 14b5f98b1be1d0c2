"""Reads the secrets that a config names in stores. For job processes: libraries are loaded here, and answers are held here alone."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from typing import Any, Protocol

from providers import references, registry
from providers.errors import ConfigError, ProviderError
from providers.stores.access import StoreAccess

Content = str | dict[str, Any]
"""Content of a secret: a text, or fields."""


class Store(Protocol):
    """An open store of secrets."""

    def read(self, where: str) -> Content:
        """The content of a secret. Raises `ProviderError` with a sentence that lacks its subject, the reference."""

    def close(self) -> None:
        """Closes its connections and forgets its sign-in."""


class StoreKind(Protocol):
    """A module of a store: `open_store` of its settings by field and the seconds that it has to answer."""

    def open_store(self, settings: Mapping[str, Any], timeout: float) -> Store:
        """An open store, which has made no call yet. Raises `ProviderError`."""


MODULES = {
    references.AWS: ("providers.stores.secrets_manager", "aws"),
    references.VAULT: ("providers.stores.vault", "vault"),
}
"""Scheme of a reference -> (the module of its store, the extra that installs the store's library)."""


class SecretReader:
    """Reads the references of one config. Each store is opened once, and each secret read once however many of its fields are named."""

    def __init__(self, access: StoreAccess) -> None:
        self._access = access
        self._stores: dict[str, Store] = {}
        self._contents: dict[tuple[str, str], Content] = {}

    def read(self, reference: Mapping[str, Any]) -> Content:
        """The text or the fields that a reference stands for. Raises `ProviderError` with a sentence that begins with the reference."""
        scheme = references.scheme_of(reference)
        shown = json.dumps({scheme: reference[scheme], **reference})  # the database has keys in an order of its own
        try:
            content = self._content(scheme, reference[scheme])
            found = _field(content, reference[references.KEY]) if references.KEY in reference else content
            return _bounded(found)
        except ProviderError as error:
            error.args = (f"{shown} {error}",)
            raise

    def close(self) -> None:
        """Closes the stores and forgets what they held."""
        for store in self._stores.values():
            store.close()
        self._stores.clear()
        self._contents.clear()

    def _content(self, scheme: str, where: str) -> Content:
        if (scheme, where) not in self._contents:
            self._contents[scheme, where] = self._store(scheme).read(where)
        return self._contents[scheme, where]

    def _store(self, scheme: str) -> Store:
        if scheme not in self._stores:
            self._stores[scheme] = _module(scheme).open_store(self._access.settings[scheme], self._access.timeout)
        return self._stores[scheme]


def _module(scheme: str) -> StoreKind:
    name, extra = MODULES[scheme]
    try:
        module: Any = importlib.import_module(name)
    except ImportError as error:
        sentence = f"needs a package that is not installed ({error.name}): {registry.install_command(extra)}"
        raise ConfigError(sentence) from None
    kind: StoreKind = module
    return kind


def _field(content: Content, key: str) -> Content:
    """The field of a secret, or of the JSON object in its text. Raises `ConfigError`, which quotes nothing of the secret."""
    fields = _object(content) if isinstance(content, str) else content
    if fields is None:
        raise ConfigError("holds no JSON object, so it has no fields: leave `key` out to take all of it")
    if key not in fields:
        raise ConfigError("has no field of that name")
    value = fields[key]
    if not isinstance(value, str | dict):
        raise ConfigError("is not text: the field holds a number, a list, true, false or null; store it as a text")
    return value


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _bounded(found: Content) -> Content:
    plain = found.strip() if isinstance(found, str) else found
    size = len((plain if isinstance(plain, str) else json.dumps(plain)).encode("utf-8", "surrogatepass"))
    if size > references.LARGEST:
        raise ConfigError(f"is larger than {references.LARGEST // 1024} KB")
    return plain
