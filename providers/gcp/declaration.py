"""The vocabulary of the catalogue: what a declaration of a resource type can say. See `providers.catalogue.paths` for paths and holes.

An id is Google's full resource name (``//compute.googleapis.com/projects/p/zones/z/instances/n``), as in IAM, Cloud Asset Inventory
and the audit log. It is made of names, not of numbers, because every link between resources is: names cannot be changed while the
resource lives, and one that was deleted and made again under its name is what those links then mean. Its new numeric id is an
attribute, so that the change is seen.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

_COMPUTE = re.compile(r"(?:https?://[^/]+/compute/[a-z0-9]+/|//compute\.googleapis\.com/)(?:.*/)?(projects/.+)")


class LinkRule(msgspec.Struct, frozen=True):
    """A link of `type` for each value at `path`. `to` makes the target's id of it (the hole is ``{value}``); without, it is a link."""

    type: str
    path: str
    to: str = ""


class Kind(msgspec.Struct, frozen=True):
    """A resource type.

    `method` is the id of a list in Google's discovery documents and `items` the path to what it lists, within each zone's or region's
    part for an ``aggregatedList``; `and_also` are further methods that list the same type. Compute and Storage are read through
    Google's client libraries; for any other API, `address` is host and path of the list (a text with holes), `parameters` its fixed
    query, `size_parameter` and `largest` how many items may be asked for. `under` is the kind whose every item has such a list, and
    fills the holes. `omit` are paths that never stand still or are nobody's business; of `names_only`, lists of key and value,
    the keys are kept. `parent` is the project where nothing else is said.
    """

    sub_type: str
    entity_type: str
    method: str
    items: str
    id: str = "{selfLink}"
    name: str = "name"
    labels: str = "labels"
    links: tuple[LinkRule, ...] = ()
    parent: str = ""
    location: str = ""
    and_also: tuple[str, ...] = ()
    address: str = ""
    parameters: dict[str, str] = {}
    size_parameter: str = "pageSize"
    largest: int = 500
    under: str = ""
    omit: tuple[str, ...] = ()
    names_only: tuple[str, ...] = ()
    permission: str = ""

    @property
    def api(self) -> str:
        """``compute``, ``storage``, ``iam`` ..."""
        return self.method.partition(".")[0]

    @property
    def methods(self) -> tuple[str, ...]:
        """Every list that it takes."""
        return (self.method, *self.and_also)

    @property
    def permissions(self) -> tuple[str, ...]:
        """Every permission that it takes."""
        return tuple(map(self.permission_for, self.methods))

    def permission_for(self, method: str) -> str:
        """The IAM permission of a list: named like the method, for those that do not say otherwise."""
        return self.permission or re.sub(r"\.projects\.|\.locations\.", ".", method).replace("aggregatedList", "list")

    @property
    def what(self) -> str:
        """For sentences: ``list instances``."""
        return f"list {self.method.split('.')[-2]}"


def full_name(value: Any) -> str:
    """The full resource name for a Compute link, of whatever version and host; any other text as it is."""
    found = _COMPUTE.fullmatch(str(value))
    return f"//compute.googleapis.com/{found[1]}" if found else str(value)


def project_name(project: str) -> str:
    """The id of the resource that a project is."""
    return f"//cloudresourcemanager.googleapis.com/projects/{project}"
