"""The verdict over our credential: refused for good once it was accepted before and discovery refuses it too.

A 401 to one list says less than it seems to. An aggregated API server that does not trust the API server answers so to everybody, and a
webhook that authenticates may fail for a second. Discovery (`/api`) is open to every account, so it tells these from a token or certificate
that has expired or was revoked.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from providers.errors import CredentialsError, ProviderError
from providers.http import retry

TRIES = 3
"""Refusals of discovery in a row that are certain: the waits between them bridge an authenticator that fails for a moment."""


class Credential:
    """The verdict of the API server over our credential. Safe to use from several threads."""

    def __init__(self, discover: Callable[[], object]) -> None:
        """`discover` asks for what every account may read; raises `CredentialsError` when the server refuses the credential."""
        self._discover, self._lock = discover, threading.Lock()
        self._retrying = retry.retrying(TRIES, lambda error: isinstance(error, CredentialsError), "the API server")
        self._accepted = False
        self._refused: CredentialsError | None = None

    @property
    def is_refused(self) -> bool:
        """True once the API server no longer accepts the credential: nothing more is asked with it."""
        return self._refused is not None

    def accepted(self) -> None:
        """Notes that a request was answered."""
        self._accepted = True

    def ensure_accepted(self) -> None:
        """Raises `CredentialsError` once the API server no longer accepts the credential."""
        if self._refused is not None:
            raise CredentialsError(str(self._refused), detail=self._refused.detail)

    def judge(self, error: CredentialsError) -> None:
        """Returns when the API server accepts the credential after all. Raises `CredentialsError` when it does not.

        `error` is raised when discovery gives no verdict, and for a credential that was never accepted, of which nothing is doubtful.
        """
        with self._lock:
            self.ensure_accepted()
            if not self._accepted:
                raise error
            try:
                self._retrying(self._discover)
            except CredentialsError as refused:
                self._refused = refused
            except ProviderError:
                raise error from None
        self.ensure_accepted()
