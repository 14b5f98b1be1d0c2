"""Texts and link rules that several declarations share."""

from __future__ import annotations

from providers.catalogue.kinds import LinkRule

SERVICE_ACCOUNT = "//iam.googleapis.com/projects/-/serviceAccounts/{value}"
"""Google's own way to name one whose project is not said: e-mail addresses are unique, and are what everything else refers to."""

NETWORK = "//compute.googleapis.com/{value}"
"""Of a network or subnetwork that is named without a host: ``projects/p/global/networks/n``."""

KEY = "//cloudkms.googleapis.com/{value}"
"""Of a key of Cloud KMS, or one of its versions."""

TOPIC = "//pubsub.googleapis.com/{value}"

IN_VPC, IN_SUBNET = LinkRule("in_vpc", "network"), LinkRule("in_subnet", "subnetwork")
ATTACHED_TO = LinkRule("attached_to", "users[]")


def runs_as(path: str) -> LinkRule:
    """The service account whose e-mail address is at a path."""
    return LinkRule("runs_as", path, SERVICE_ACCOUNT)


def encrypted_with(path: str) -> LinkRule:
    """The key of Cloud KMS whose name is at a path."""
    return LinkRule("encrypted_with", path, KEY)
