"""How Google Cloud lists a resource type: what `GcpKind` adds to `providers.catalogue.kinds.ResourceKind`.

An id is Google's full resource name (``//compute.googleapis.com/projects/p/zones/z/instances/n``), as in IAM, Cloud Asset Inventory
and the audit log. It is made of names, not of numbers, because every link between resources is: names cannot be changed while the
resource lives, and one that was deleted and made again under its name is what those links then mean. Its new numeric id is an
attribute, so that the change is seen.

``{project}`` is the project that is read, ``{resource}`` its name as Google has it (``projects/p``; ``folders/42`` of a list above
projects), ``{attached}`` the full name, percent-encoded. ``{owner}`` is the project that an item's own link names, ``{parent}`` the id of
the item under which it was listed, and ``{parent.x}`` in an address a field of that item.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import msgspec

from providers.catalogue.kinds import ResourceKind

MANAGER = "cloudresourcemanager.googleapis.com"
PROJECTS = f"//{MANAGER}/projects/"

ASSETS = "cloudasset.googleapis.com"
"""The host of Cloud Asset Inventory."""
LIST_ASSETS = "cloudasset.assets.listResource"
"""The permission that its list takes."""

_VERSION = re.compile(r"/(v\d\w*)/")
_MIDDLE = re.compile(r"\.(?:projects|locations|regions|zones|apps|namespaces)(?=\.\w+\.)")


class _Options(ResourceKind, frozen=True, kw_only=True):
    """The keywords of any type of Google Cloud."""

    tags: str = "labels"
    parent: str = PROJECTS + "{owner}"
    also: tuple[str, ...] = ()
    """Further methods of Compute Engine that list the same type, in a field ``items``."""
    above: tuple[str, ...] = ()
    """The methods that list the same type of a folder and of an organization."""
    body: dict[str, Any] | None = None
    """The body of a call that is a POST. None: it is a GET."""
    policy: bool = False
    """True for a list of an IAM policy, or of the access of a dataset: its items are bindings, made by `bindings`."""
    names_principals: bool = False
    """True for a type whose links may name users and groups, which are made of those links."""
    encoded: bool = False
    """True for an address whose holes are filled with percent-encoded names."""
    address: str = ""
    """Host and path of the list, with holes. Empty: Compute Engine or Cloud Storage, read through Google's client libraries."""
    parameters: dict[str, str] = msgspec.field(default_factory=dict)
    """The fixed part of the query."""
    size_parameter: str = "pageSize"
    """The parameter for the number of items of a page; empty where the method has none."""
    largest: int = 500
    """The documented maximum of `size_parameter`, else a number that the method takes."""
    under: str = ""
    """The type under whose every item the list is. Without an `address` of its own, `items` is a path in that item."""
    location: str = ""
    """Path of the location, where neither ``zone`` nor ``region`` nor the item's name has it."""
    assets: tuple[str, ...] = ()
    """The types of Cloud Asset Inventory that have the same, each as the whole resource; empty for a type that is read by its list only."""
    regional: bool = False
    """True for an API that answers at a host of each location's own; `address` has the host that it answers at for what is global."""
    filtered: bool = False
    """True for a list from which Google leaves out, without a word, what the caller may not see: who may see all has its permission on the
    project."""
    hidden: bool = False
    """Listed for what is under it, and no resource of its own."""


class GcpKind(_Options, frozen=True):
    """A resource type. `method` is the id of a list in Google's discovery documents, and `items` the path to what it lists.

    For an ``aggregatedList``, the path is within the part of each zone or region.
    """

    method: str
    items: str

    @property
    def api(self) -> str:
        """The API's name in discovery documents: ``compute``, ``storage``, ``iam`` ..."""
        return self.method.partition(".")[0]

    @property
    def service(self) -> str:
        """The API's host, which is its name among the enabled services too."""
        return self.address.partition("/")[0] or f"{self.api}.googleapis.com"

    def host_in(self, location: str) -> str:
        """The host at which the API answers for a location: ``us-central1-aiplatform.googleapis.com``."""
        if not self.regional or location in ("", "global"):
            return self.service
        api, _, rest = self.service.partition(".")
        return f"{location}-{self.service}" if "-" in location else f"{api}.{location}.rep.{rest}"

    @property
    def version(self) -> str:
        """The version of the API whose resources are listed: ``v1``."""
        found = _VERSION.search(self.address)
        return found[1] if found else "v1"

    @property
    def is_inline(self) -> bool:
        """True for a type whose items stand in the items of another type."""
        return bool(self.under) and not self.address

    @property
    def methods(self) -> tuple[str, ...]:
        """Every list call of the type."""
        return (self.method, *self.also)

    def methods_of(self, account: str) -> tuple[str, ...]:
        """The list calls for a project, a folder (``folders/42``) or an organization; none where there is nothing to list."""
        if "/" not in account:
            return self.methods
        elsewhere = {".folders.", ".organizations."} - {f".{account.partition('/')[0]}."}
        return tuple(method for method in self.above if not any(one in method for one in elsewhere))

    @property
    def every_method(self) -> tuple[str, ...]:
        """Every call, wherever the type is listed."""
        return tuple(dict.fromkeys((*self.methods, *self.above)))

    @property
    def permissions(self) -> tuple[str, ...]:
        """Every permission that the calls take."""
        return tuple(dict.fromkeys(map(self.permission_for, self.every_method)))

    def permission_for(self, method: str) -> str:
        """The IAM permission of a list call: the declared one, else named like the method without projects and locations."""
        return self.permission or _MIDDLE.sub("", method).replace("aggregatedList", "list").replace(
            "cloudresourcemanager.", "resourcemanager."
        )

    @property
    def what(self) -> str:
        """The call in a sentence: ``list instances``."""
        *_, noun, verb = self.method.split(".")
        return "read the IAM policy" if self.policy else f"{'get' if verb == 'get' else 'list'} {noun}"


def resource_name(account: str) -> str:
    """The name of a project, folder or organization, as Google has it: ``projects/p``, ``folders/42``."""
    return account if "/" in account else f"projects/{account}"


def attachment_point(account: str) -> str:
    """The full name of a project, folder or organization, percent-encoded, as IAM's version 2 takes it in a path."""
    return quote(f"{MANAGER}/{resource_name(account)}", safe="")


def in_words(account: str) -> str:
    """The project, folder or organization in a sentence: ``project p``, ``folder 42``."""
    collection, _, name = resource_name(account).partition("/")
    return f"{collection.removesuffix('s')} {name}"


def project_name(project: str) -> str:
    """The external id of a project."""
    return PROJECTS + project
