"""The verdict over our credential: dead once it was accepted before, and the source refuses it for what every valid one may read.

A 401 to one list says less than it seems to. An aggregated API server of Kubernetes that does not trust the API server answers so to
everybody, Microsoft Graph answers so for a part of its API alone, AWS in a region that is not enabled, and a service that authenticates may
fail for a second. A request that is open to every valid credential tells these from one that has expired or was revoked.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from providers.errors import CredentialsError, ProviderError

TRIES = 3
"""Refusals of the confirming request in a row that are certain: the waits between them bridge an authenticator that fails for a moment."""


def again(refused: CredentialsError) -> CredentialsError:
    """The same refusal as a new exception: one that is raised in several threads gathers all their tracebacks."""
    fresh = CredentialsError.__new__(type(refused), *refused.args)  # a subclass may ask for more than its sentence when it is made
    fresh.__dict__.update(refused.__dict__)
    return fresh


class Credential:
    """The verdict of a source over our credential. Safe to use from several threads."""

    def __init__(self, source: str, confirm: Callable[[], object] | None = None) -> None:
        """`source` is its name in sentences. `confirm` asks for what every valid credential may read.

        It raises `CredentialsError` when the source refuses the credential, and any other `ProviderError` when it gives no verdict. Without
        `confirm`, nothing is dead but what `refuse` says.
        """
        self.source = source
        self._confirm, self._lock = confirm, threading.Lock()
        self._accepted = False
        self._refused: CredentialsError | None = None

    @property
    def is_refused(self) -> bool:
        """True once the source no longer accepts the credential: nothing more is asked with it."""
        return self._refused is not None

    @property
    def refused(self) -> CredentialsError | None:
        """Why the source no longer accepts the credential, as a new exception; None while it does."""
        return again(self._refused) if self._refused else None

    def confirm_by(self, confirm: Callable[[], object]) -> None:
        """Sets the confirming request, for a source that is known later than its credential."""
        self._confirm = confirm

    def accepted(self) -> None:
        """Notes that a request was answered."""
        self._accepted = True

    def ensure_accepted(self) -> None:
        """Raises `CredentialsError` once the source no longer accepts the credential."""
        if refused := self.refused:
            raise refused

    def refuse(self, error: CredentialsError) -> None:
        """Notes a refusal that leaves no doubt, such as one of the sign-in. The first one counts."""
        self._refused = self._refused or error

    def judge(self, error: CredentialsError) -> None:
        """Returns when the source accepts the credential after all. Raises `CredentialsError` when it does not.

        `error` is raised when there is no verdict, and for a credential that was never accepted, of which nothing is doubtful.
        """
        with self._lock:
            self.ensure_accepted()
            if not self._accepted or self._confirm is None:
                raise error
            try:
                self._asked_for_certain(self._confirm)
            except CredentialsError as refused:
                self.refuse(refused)
            except ProviderError:
                raise error from None
        self.ensure_accepted()

    def _asked_for_certain(self, confirm: Callable[[], object]) -> None:
        """Asks up to `TRIES` times. Raises what the last time raised."""
        from providers.http import retry  # noqa: PLC0415 - 8 MB with asyncio, which a job of AWS has no other use for

        retry.retrying(TRIES, lambda error: isinstance(error, CredentialsError), self.source)(confirm)
