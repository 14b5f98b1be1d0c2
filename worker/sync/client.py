"""The HTTP client of the Elder API for connectors: the requests of `worker.sync.messages`, with retries and errors as sentences.

The bearer key goes with every request and into no message.
"""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import urlencode

import msgspec

from providers.errors import CredentialsError, ProviderError, ScopeError, Throttled, TimedOut
from providers.http.client import Http
from providers.http.response import HttpResponse
from providers.records import Scope
from worker.sync.messages import (
    Batch,
    Fingerprints,
    HeldReleased,
    ReleaseHeld,
    ScopeClosed,
    ScopeOpened,
    Stored,
    SyncRun,
    SyncsRequested,
    SyncStored,
    Tombstoned,
    WorkerConnectors,
)

AnswerT = TypeVar("AnswerT")


class ApiError(Exception):
    """The Elder API did not do what it was asked to do; the message is for the operator. `final`: a retry is of no use."""

    def __init__(self, message: str, *, final: bool) -> None:
        super().__init__(message)
        self.final = final


class _Missing(ScopeError):
    """The Elder API answered 404."""


_KINDS = {404: _Missing, 408: TimedOut, 425: TimedOut, 429: Throttled}
"""Errors by the status of the answer."""


class NoSuchCall(ApiError):
    """The Elder API does not have this call, because it is older than the worker."""


class ElderApi:
    """A client; safe to use from several threads."""

    def __init__(self, url: str, key: str = "", *, retries: int = 3, ca_file: str = "") -> None:
        """`retries` is how often a call is sent again after a broken connection, a 429 or a 5xx. `ca_file` holds the CAs to trust."""
        self._url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = Http(
            self._url,
            f"the Elder API at {self._url}",
            headers=headers,
            explain=self._explain,
            advice="check ELDER_API_URL",
            trust="name the file of its CA in ELDER_API_CA_BUNDLE",
            ca_file=ca_file,
            tries=retries + 1,
            connections=4,
        )

    def fingerprints(self, owner: str, scope: Scope) -> Fingerprints:
        """The fingerprints that the API holds of a scope."""
        query = urlencode({"owner": owner} | msgspec.structs.asdict(scope))
        return self._call("GET", f"/api/v1/sync/fingerprints?{query}", None, Fingerprints)

    def begin_scope(self, opened: ScopeOpened) -> Fingerprints:
        """Tells that the reading of a scope begins; returns what the API holds of it. An API that is older is only asked for that."""
        try:
            return self._call("POST", "/api/v1/sync/scopes/begin", opened, Fingerprints)
        except NoSuchCall:
            return self.fingerprints(opened.owner, opened.scope)

    def store(self, batch: Batch) -> Stored:
        """Stores a batch of resources by a bulk upsert."""
        return self._call("POST", "/api/v1/sync/batch", batch, Stored)

    def close_scope(self, closed: ScopeClosed) -> Tombstoned:
        """Closes a scope, and tombstones what it no longer has."""
        return self._call("POST", "/api/v1/sync/scopes", closed, Tombstoned)

    def put_run(self, sync: SyncRun) -> SyncStored:
        """Tells how a sync stands, for the connector's history."""
        return self._call("POST", "/api/v1/sync/runs", sync, SyncStored)

    def report(self, connectors: WorkerConnectors) -> SyncsRequested:
        """Tells how the worker's connectors stand, and asks which syncs people want at once."""
        return self._call("POST", "/api/v1/sync/connectors", connectors, SyncsRequested)

    def release(self, owner: str) -> HeldReleased:
        """Tombstones what the guard held back."""
        return self._call("POST", "/api/v1/sync/release", ReleaseHeld(owner), HeldReleased)

    def check(self) -> None:
        """Asks the API something that needs the key and its database. Raises `ApiError`."""
        self.fingerprints("connector:check", Scope("check", "", "", ""))

    def close(self) -> None:
        """Closes the connections to the API."""
        self._http.close()

    def _call(self, method: str, path: str, body: msgspec.Struct | None, answer: type[AnswerT]) -> AnswerT:
        """One call with its retries. Raises `ApiError`."""
        encoded = None if body is None else msgspec.json.encode(body)
        headers = {"Content-Type": "application/json"} if encoded is not None else {}
        try:
            received = self._http.send(method, path, body=encoded, headers=headers)
        except (Throttled, TimedOut) as error:
            raise ApiError(str(error), final=False) from None
        except _Missing as error:
            raise NoSuchCall(str(error), final=True) from None
        except ProviderError as error:
            raise ApiError(str(error), final=True) from None
        try:
            return msgspec.json.decode(received.body, type=answer)
        except msgspec.MsgspecError as error:
            sentence = f"the Elder API at {self._url} gave an answer that makes no sense ({error}): check ELDER_API_URL"
            raise ApiError(sentence, final=True) from None

    def _explain(self, answer: HttpResponse, _what: str) -> ProviderError:
        if answer.status in {401, 403}:
            said = _sentence(answer.body)
            return CredentialsError(f"the Elder API at {self._url} refuses the worker ({answer.status}: {said}): check ELDER_API_KEY")
        kind = _KINDS.get(answer.status, TimedOut if answer.status >= 500 else ScopeError)
        return kind(f"the Elder API at {self._url} answered {answer.status}: {_sentence(answer.body)}")


def _sentence(data: bytes) -> str:
    """The API's own sentence, if it gave one."""
    try:
        return str(msgspec.json.decode(data)["error"])
    except (msgspec.MsgspecError, LookupError, TypeError):
        return data[:200].decode(errors="replace") or "nothing"
