"""A type of the API, as the server describes it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec


class ApiType(msgspec.Struct, frozen=True):
    """A type that the server has. `base` is the path of its group and version."""

    base: str
    group: str
    plural: str
    kind: str
    namespaced: bool
    stored: bool = True
    """False for a view of other objects, which bears their uids: the server gives each type that it stores a storageVersionHash."""

    @property
    def name(self) -> str:
        """The type as kubectl and RBAC write it: ``pods``, ``widgets.acme.example``."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def permission(self) -> str:
        """The RBAC permission that listing takes."""
        return f"list {self.name}"

    def path(self, namespace: str = "") -> str:
        """The path of the list, of one namespace or of the whole cluster."""
        return f"{self.base}/namespaces/{namespace}/{self.plural}" if namespace else f"{self.base}/{self.plural}"

    def is_named(self, names: Iterable[str]) -> bool:
        """True when one of the names is the type's, with its group or without."""
        return not {self.name, self.plural, f"{self.plural}."}.isdisjoint(names)
