"""One account: its clients, and whether AWS still accepts its credentials."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError

from providers.aws.client import Sessions
from providers.aws.failure import RAISED, is_final, translate
from providers.concurrency import OncePerKey
from providers.errors import CredentialsError, ProviderError, ScopeError, TimedOut
from providers.http.credential import Credential

CLIENTS = 24
"""Clients that are kept for an account, each of 0.1 MB. The reads of all regions go from service to service together.

One that is dropped is closed; a read that still uses it connects anew.
"""


class Account:
    """The clients of one account; `close` closes their connections."""

    def __init__(self, sessions: Sessions, account: str, partition: str, credentials: Any, verdict: Credential | None = None) -> None:
        """`verdict` is that of the source, where its credentials are those of the account; any other account has its own."""
        self.id, self.partition = account, partition
        self.regions: tuple[str, ...] = ()
        """The regions that are read, once they have been listed."""
        self._sessions, self._credentials = sessions, credentials
        self._session = sessions.session(credentials)
        self._clients = OncePerKey[tuple[str, str], Any](most=CLIENTS, drop=lambda client: client.close())
        self._verdict = verdict or Credential("AWS")
        self._verdict.confirm_by(self._asked_sts)
        self._verdict.accepted()  # STS has told who they are, or gives them out when they are first used

    def client(self, service: str, region: str) -> Any:
        """The client for a service in a region, made anew only when `CLIENTS` others were used since."""
        return self._clients.get((service, region), lambda: self._sessions.client(self._session, service, region))

    def probe(self, service: str, region: str) -> Any:
        """A client that gives up early, to learn whether a region answers."""
        return self._sessions.probe(self._session, service, region)

    def close(self) -> None:
        """Closes all open connections."""
        for client in self._clients.clear():
            client.close()

    @property
    def is_refused(self) -> bool:
        """True once AWS no longer accepts the credentials: nothing more is asked with them."""
        return self._verdict.is_refused

    def ensure_accepted(self) -> None:
        """Raises `CredentialsError` once AWS no longer accepts the credentials."""
        self._verdict.ensure_accepted()

    def judged(self, error: CredentialsError, raised: Exception, region: str) -> ProviderError:
        """Explains a call that was refused for its credentials.

        When they have expired, or STS does not accept them either, they are not used again. When STS does, it is the region that does not
        know them: AWS answers so in a region that is not enabled for the account. When STS gives no verdict, the call alone has failed.
        So it has when there were no credentials to sign it with, and there are again.
        """
        try:
            if is_final(raised):
                self._verdict.refuse(error)
            self._verdict.judge(error)
        except CredentialsError as refused:
            return refused
        if isinstance(raised, BotoCoreError):  # no answer of AWS
            return TimedOut(f"for a moment, there was nothing to sign the call with: {error}", detail=error.detail)
        return not_enabled(region, self.id) if region else error

    def _asked_sts(self) -> None:
        """Asks STS, which knows every identity. Raises `ProviderError`."""
        try:
            self.client("sts", self._sessions.home).get_caller_identity()
        except RAISED as found:
            raise translate(found, "sts:GetCallerIdentity", f"account {self.id}") or found from found


def not_enabled(region: str, account: str) -> ScopeError:
    """The error for a region that is not opted in."""
    advice = "enable it, or leave it out (`exclude_regions` in the job's config, AWS_EXCLUDE_REGIONS for the connector)"
    return ScopeError(f"region {region} is not enabled for account {account}: {advice}")
