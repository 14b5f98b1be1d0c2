"""The caller's permissions on each subscription, by which a list is believed.

Resource Graph leaves out silently what the caller may not read, and so does Resource Manager: to a principal whose role is assigned on a
resource group it lists that group and what is in it, as if the subscription had no more. So a type is believed only when the caller's
permissions on the subscription itself cover it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable

from providers.azure import catalogue
from providers.azure.client import Connection
from providers.azure.kinds import AzureKind
from providers.azure.permissions import Permissions
from providers.concurrency import OncePerKey
from providers.errors import Denied, ScopeError

PERMISSIONS_PATH, PERMISSIONS_VERSION = "/subscriptions/{subscription}/providers/Microsoft.Authorization/permissions", "2018-07-01"


class Rights:
    """The caller's permissions in each subscription, asked for once, by the read that needs them first."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known = OncePerKey[str, Permissions | Denied]()

    def allow(self, subscription: str, action: str) -> bool:
        """True for an action that the caller may do in all of the subscription. Raises `ProviderError` as long as that is not known."""
        found = self._of(subscription)
        return not isinstance(found, Denied) and found.allow(action)

    def refused(self, kinds: Iterable[AzureKind], subscription: str) -> list[tuple[AzureKind, ScopeError]]:
        """The types that the caller may not read in all of the subscription, and why; all of them as long as that is not known."""
        try:
            allowed = self._of(subscription)
        except ScopeError as error:
            return [(kind, error) for kind in kinds]
        if isinstance(allowed, Denied):
            return [(kind, allowed) for kind in kinds]
        lacking = ((kind, next((one for one in kind.actions if not allowed.allow(one)), "")) for kind in kinds)
        return [(kind, missing(action)) for kind, action in lacking if action]

    def _of(self, subscription: str) -> Permissions | Denied:
        """The caller's permissions, or why they may not be read. Raises other `ProviderError`s; then the next one asks again."""
        return self._known.get(subscription, functools.partial(self._asked, subscription))

    def _asked(self, subscription: str) -> Permissions | Denied:
        path = PERMISSIONS_PATH.replace("{subscription}", subscription)
        try:
            return Permissions(self._connection.list(path, PERMISSIONS_VERSION, permission=catalogue.PERMISSIONS_READ))
        except Denied as error:
            return error


def missing(action: str) -> ScopeError:
    """The error for a permission that the caller does not have on a subscription as a whole."""
    sentence = f"the permission {action} is missing on the subscription as a whole; the role Reader has it, assigned on the subscription"
    return Denied(sentence, permission=action)
