"""The accounts of an organization: which of them are read, and what is said of the others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from providers.aws.account import Account
from providers.aws.client import Sessions
from providers.aws.failure import RAISED, translate
from providers.aws.paging import pages
from providers.errors import BadAnswer, Outcome
from providers.provider import Item, Read
from providers.records import Incomplete, Scope

_SKIPPED = frozenset({"SUSPENDED", "PENDING_CLOSURE", "PENDING_ACTIVATION"})
_CLOSED = "CLOSED"


class Member(msgspec.Struct, frozen=True):
    """One account. `state` is empty where AWS names none."""

    id: str
    state: str

    @property
    def is_skipped(self) -> bool:
        """True for an account that lives and cannot be read."""
        return self.state in _SKIPPED


def members(sessions: Sessions, account: Account, endpoint: str) -> Iterator[Member]:
    """The accounts of the organization that are not closed, as they are listed. Raises `BadAnswer` for none: ours is one of them."""
    client = account.client("organizations", endpoint)
    paging = sessions.paging("organizations", client, "ListAccounts")
    listed = 0
    try:
        for page in pages(client.list_accounts, {}, paging, what="organizations:ListAccounts"):
            found = [Member(one["Id"], _state(one)) for one in page.get("Accounts", ())]
            listed += len(found)
            yield from (one for one in found if one.state != _CLOSED)
    except RAISED as error:
        raise translate(error, "organizations:ListAccounts") or error from error
    if not listed:
        raise BadAnswer(f"AWS names no account of the organization of account {account.id}, which is one of them: is something in between?")


def _state(account: dict[str, Any]) -> str:
    """`State`, or what `Status` said of the same before AWS replaced it: SUSPENDED stood for closed accounts as well."""
    if account.get("State"):
        return str(account["State"])
    status = str(account.get("Status", ""))
    return _CLOSED if status == "SUSPENDED" else status


def skipped(member: Member) -> Read:
    """The read that tells why an account is not read."""
    sentence = f"account {member.id} is not read: its state is {member.state}"
    return Read((Scope("aws", member.id, "", "*"),), lambda: (Incomplete("*", Outcome.SKIPPED, sentence),))


def noted(read: Read, member: Member) -> Read:
    """A read of an account of unknown state, which says so."""

    def fetch() -> Iterator[Item]:
        yield from read.fetch()
        sentence = f"AWS names no state of account {member.id}: it is read all the same"
        yield Incomplete(read.scopes[0].resource_type, Outcome.COMPLETE, sentence)

    return msgspec.structs.replace(read, fetch=fetch)
