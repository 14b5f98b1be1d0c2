"""Texts, link rules and parameters that several declarations share."""

from __future__ import annotations

from providers.catalogue.kinds import LinkRule
from providers.gcp.declaration import GcpKind

SERVICE_ACCOUNT = "//iam.googleapis.com/projects/-/serviceAccounts/{value}"
"""Google's own way to name one whose project is not said: e-mail addresses are unique, and are what everything else refers to."""

NETWORK = "//compute.googleapis.com/projects/{project}/global/networks/{value}"
"""The network that is named by a link, by ``projects/p/global/networks/n``, or by its name in the same project."""

NAMED = "//compute.googleapis.com/{value}"
"""Compute Engine's names without a host: ``projects/p/regions/r/subnetworks/s``."""

SECRET = "//secretmanager.googleapis.com/projects/{project}/secrets/{value}"  # noqa: S105 - an id
TOPIC = "//pubsub.googleapis.com/{value}"

IN_VPC, IN_SUBNET = LinkRule("in_vpc", "network"), LinkRule("in_subnet", "subnetwork")
ATTACHED_TO = LinkRule("attached_to", "users[]")
LINK = "{selfLink}"

PRINCIPAL = "member:{value}"
"""The id of a member of a binding or of a principal of a deny policy: made by `principals`."""


def runs_as(path: str) -> LinkRule:
    """The service account whose e-mail address is at a path."""
    return LinkRule("runs_as", path, SERVICE_ACCOUNT)


def encrypted_with(path: str) -> LinkRule:
    """The key of Cloud KMS whose name is at a path."""
    return LinkRule("encrypted_with", path, "//cloudkms.googleapis.com/{value}")


def locations(sub_type: str, base: str, permission: str = "") -> GcpKind:
    """The locations of an API that has no list for all of them; `base` is host and version."""
    api = base.partition(".")[0]
    address = f"{base}/projects/{{project}}/locations"
    return GcpKind(
        sub_type, "location", "{name}", f"{api}.projects.locations.list", "locations[]", address=address, permission=permission, hidden=True
    )
