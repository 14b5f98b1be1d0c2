"""Items of Microsoft Graph as resources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from providers.catalogue import shape
from providers.catalogue.kinds import ResourceKind
from providers.catalogue.masking import Masking
from providers.entra.catalogue import EntraKind
from providers.errors import DataError
from providers.records import Link, Rejected, Resource

_CREDENTIALS = (("keyCredentials", "certificate"), ("passwordCredentials", "secret"))


class EntraShape(shape.Shape):
    """Makes resources of items of one tenant."""

    def __init__(self, tenant: str, ignored: Iterable[str] = (), masking: Masking | None = None) -> None:
        super().__init__(ignored, masking)
        self._tenant = tenant

    def spelling(self, external_id: str) -> str:
        """An object id in lower case, as Azure's role assignments have it."""
        return external_id.lower()

    def target(self, rule: Any, value: Any, item: shape.Item, context: shape.Context) -> str:
        """The target of a link; an assignment for the whole directory (``/``) is limited to nothing."""
        return "" if value == "/" else super().target(rule, value, item, context)

    def attributes(self, kind: ResourceKind, item: shape.Item) -> dict[str, Any]:
        """The item, its state in a word, and of its credentials the names and dates alone."""
        found = {key: value for key, value in item.items() if not key.startswith("@odata.")}
        if "accountEnabled" in item:
            found["status"] = "disabled" if item["accountEnabled"] is False else "active"
        if any(key in item for key, _ in _CREDENTIALS):
            found["credentials"] = list(_credentials(item))
        return super().attributes(kind, found)

    def made(self, kind: EntraKind, item: Any, *, links: Iterable[Link] = (), partial: bool = False) -> Resource | Rejected:
        """The resource of an item, or the reason why the item cannot be stored."""
        try:
            return self.resource(kind, item, {}, organization=self._tenant, links=links, links_partial=partial)
        except (DataError, AttributeError, TypeError) as error:  # no id; something that is not an object where one must be
            reason = str(error) if isinstance(error, DataError) else "it is not shaped as Microsoft Graph describes it"
            name = item.get("displayName") or item.get("id") if isinstance(item, dict) else None
            return Rejected(kind.sub_type, str(name or "without a name"), reason)


def _credentials(item: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The credentials of an application: which kind, and from when until when. Never the key, its hint or its thumbprint."""
    found = [
        {"type": word, **{key: one[key] for key in ("displayName", "startDateTime", "endDateTime") if one.get(key)}}
        for field, word in _CREDENTIALS
        for one in item.get(field) or ()
    ]
    yield from sorted(found, key=lambda one: (one["type"], one.get("endDateTime", ""), one.get("displayName", "")))
