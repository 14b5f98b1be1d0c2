"""How Okta spells names, and items of Okta as resources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from providers.catalogue import shape
from providers.catalogue.kinds import ResourceKind
from providers.catalogue.masking import Masking
from providers.catalogue.paths import first
from providers.errors import DataError
from providers.okta.catalogue import USER, OktaKind
from providers.records import Link, Rejected, Resource


class OktaShape(shape.Shape):
    """Makes resources of items of one organization, which is known by its domain."""

    def __init__(self, domain: str, ignored: Iterable[str] = (), masking: Masking | None = None) -> None:
        super().__init__(ignored, masking)
        self._domain = domain

    def name(self, kind: ResourceKind, item: shape.Item, tags: Mapping[str, str], external_id: str) -> str:
        """The kind's name; of a user without a display name, first and last name before the login."""
        if kind is USER and not first(item, "profile.displayName"):
            parts = (first(item, "profile.firstName"), first(item, "profile.lastName"))
            return " ".join(filter(None, parts)) or super().name(kind, item, tags, external_id)
        return super().name(kind, item, tags, external_id)

    def made(
        self, kind: OktaKind, item: Any, context: Mapping[str, str] | None = None, *, links: Iterable[Link] = (), partial: bool = False
    ) -> Resource | Rejected:
        """The resource of an item, or the reason why the item cannot be stored."""
        try:
            return self.resource(kind, item, context or {}, organization=self._domain, links=links, links_partial=partial)
        except (DataError, AttributeError, TypeError) as error:  # no id; something that is not an object where one must be
            reason = str(error) if isinstance(error, DataError) else "it is not shaped as Okta describes it"
            return Rejected(kind.sub_type, _display_name(kind, item), reason)


def _display_name(kind: OktaKind, item: Any) -> str:
    """Returns the name of an item as a person knows it."""
    if not isinstance(item, dict):
        return f"a JSON {type(item).__name__}"
    found = (first(item, path) for path in (*kind.names, "id"))
    return next((one for one in found if isinstance(one, str) and one), "an item without a name")
