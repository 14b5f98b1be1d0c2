"""How Google Cloud spells ids, locations and links."""

from __future__ import annotations

import re
from collections.abc import Iterable, MutableMapping
from typing import Any

from providers.catalogue import paths, shape
from providers.catalogue.kinds import LinkRule, ResourceKind
from providers.catalogue.masking import Masking
from providers.gcp.declaration import GcpKind
from providers.gcp.principals import identifier
from providers.gcp.types.texts import PRINCIPAL, SERVICE_ACCOUNT, TOPIC

STAMPS = ("**.etag", "**.fingerprint", "**.labelFingerprint", "**.updateTime", "kind")
"""Fields of any type that change with every touch, or say what the type is."""

_COMPUTE = re.compile(r"(?:https?://[^/]+/compute/[a-z0-9]+/|//compute\.googleapis\.com/)(?:.*/)?(projects/.+)")
_LINK = re.compile(r"(?://[\w.-]+/)?https?://([\w-]+\.googleapis\.com)/(?:[\w-]+/)?v\d\w*/(projects/.+)")
_NUMBER = re.compile(r"(//[\w.-]+/projects/)(\d+)(?=/|$)")
_KEY_VERSION = re.compile(r"(//cloudkms\.googleapis\.com/.+/cryptoKeys/[^/]+)/cryptoKeyVersions/.*")
_MODEL_VERSION = re.compile(r"(//aiplatform\.googleapis\.com/.+/models/[^/@]+)@.*")
_NESTED = re.compile(r"(//secretmanager\.googleapis\.com/)projects/[^/]+/secrets/(projects/.+)")
_BUCKET = re.compile(r"//storage\.googleapis\.com/([^/]+)")
_OWNER = re.compile(r"(?:.*/)?projects/([^/]+)/.*")
_LOCATION = re.compile(r"(?:.*/)?(?:locations|zones|regions)/([^/]+)(?:/.*)?")
_ZONE = re.compile(r"([a-z]+-[a-z]+\d+)-[a-z]")


class GcpShape(shape.Shape):
    """Makes resources of items of Google Cloud.

    `numbers` has the ids of projects by their numbers, as some APIs name a project by its number and others by its id.
    """

    def __init__(self, numbers: MutableMapping[str, str], ignored: Iterable[str] = (), masking: Masking | None = None) -> None:
        super().__init__((*STAMPS, *ignored), masking)
        self._numbers = numbers

    def spelling(self, external_id: str) -> str:
        """The full resource name, for a link of whatever host and version, with the project's id and not its number."""
        return _NUMBER.sub(lambda found: found[1] + self._numbers.get(found[2], found[2]), full_name(external_id))

    def target(self, rule: LinkRule, value: Any, item: shape.Item, context: shape.Context) -> str:
        """The id of the target; none for a placeholder: the ``default`` account of a node pool, the topic ``_deleted-topic_``."""
        if rule.to == PRINCIPAL:
            return self.spelling(identifier(str(value)))
        placeholder = (rule.to == SERVICE_ACCOUNT and "@" not in str(value)) or (rule.to == TOPIC and str(value).startswith("_"))
        return "" if placeholder else super().target(rule, value, item, context)

    def owner(self, item: shape.Item, project: str) -> str:
        """The project that an item's own link names, else the one that was asked."""
        found = _OWNER.fullmatch(str(item.get("selfLink") or ""))
        return self._numbers.get(found[1], found[1]) if found else project

    def region(self, kind: ResourceKind, item: shape.Item) -> str:
        """The region of the item's zone or region; empty for what is global."""
        declared = paths.first(item, kind.location) if isinstance(kind, GcpKind) and kind.location else None
        places = (declared, item.get("zone"), item.get("region"), _named(item))
        return region_of(next((str(place) for place in places if place), ""))


def full_name(value: Any) -> str:
    """The full resource name for a link of Compute Engine or another API, of whatever version and host; any other text as it is."""
    text = str(value)
    if found := _COMPUTE.fullmatch(text):
        return f"//compute.googleapis.com/{found[1]}"
    if found := _LINK.fullmatch(text):
        return f"//{found[1]}/{found[2]}"
    if found := _NESTED.fullmatch(text):  # a full name where the name alone was expected
        return found[1] + found[2]
    if found := _BUCKET.fullmatch(text):
        return f"//storage.googleapis.com/projects/_/buckets/{found[1]}"
    return found[1] if (found := _KEY_VERSION.fullmatch(text) or _MODEL_VERSION.fullmatch(text)) else text


def region_of(place: str) -> str:
    """The region of a zone, a region, a location of a bucket, or a link to one of them: ``us-central1``."""
    name = place.rsplit("/", 1)[-1].lower()
    zone = _ZONE.fullmatch(name)
    return zone[1] if zone else name.replace("global", "")


def _named(item: shape.Item) -> str:
    """The location in an item's own name or link."""
    found = _LOCATION.fullmatch(str(item.get("name") or "")) or _LOCATION.fullmatch(str(item.get("selfLink") or ""))
    return found[1] if found else ""
