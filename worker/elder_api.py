"""The Elder API as the connectors use it: three calls, each of which may be sent twice without harm.

``GET /api/v1/sync/fingerprints?owner=&provider=&account=&region=&resource_type=&coverage=``
    What the API holds of one scope: ``{"fingerprints": "<base64>", "count": n}``, the base64 of little-endian signed 64-bit pairs (key,
    content) of the active entities, sorted by key; hashes as in `worker.wire`. An unknown scope is an empty one.

``POST /api/v1/sync/batch``
    ``{"owner", "run", "scope": [provider, account, region, resource_type, coverage], "organizations": [[external_id, name, parent]],
    "resources": [<resource as in worker.wire>], "default_organization_id", "create_missing_organizations"}``; bulk upsert by external id;
    answers ``{"created", "updated", "unchanged", "rejected": [{"external_id", "reason"}]}``.

``POST /api/v1/sync/scopes``
    ``{"owner", "run", "scope", "outcome", "resources", "message", "permission", "detail", "unseen": "<base64 of 64-bit keys>"}``, at the
    end of each scope; `unseen` (what a complete scope no longer has) is tombstoned unless the guard holds it back; answers
    ``{"deleted", "held_back"}``.

The bearer key goes with every request and into no message.
"""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import urlencode

import msgspec
import tenacity
import urllib3

from providers.records import Organization, Scope

TIMEOUT = urllib3.Timeout(connect=5.0, read=60.0)
RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
LONGEST_WAIT = 60.0
"""Seconds; a Retry-After beyond it is not waited for."""

AnswerT = TypeVar("AnswerT")


class ApiError(Exception):
    """The Elder API did not do what it was asked; the message is a sentence for the operator. `final`: asking again is of no use."""

    def __init__(self, message: str, *, final: bool, wait: float | None = None) -> None:
        super().__init__(message)
        self.final, self.wait = final, wait


class Batch(msgspec.Struct, frozen=True):
    """Body of ``POST /sync/batch``."""

    owner: str
    run: str
    scope: Scope
    organizations: list[Organization]
    resources: list[msgspec.Raw]
    default_organization_id: int | None = None
    create_missing_organizations: bool = True


class Rejected(msgspec.Struct, frozen=True):
    """A resource that the API does not take."""

    external_id: str
    reason: str


class Stored(msgspec.Struct, frozen=True):
    """Answer to a `Batch`."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: list[Rejected] = []


class ScopeClosed(msgspec.Struct, frozen=True):
    """Body of ``POST /sync/scopes``."""

    owner: str
    run: str
    scope: Scope
    outcome: str
    resources: int
    message: str = ""
    permission: str = ""
    detail: str = ""
    unseen: bytes = b""
    """Little-endian 64-bit keys; base64 in JSON."""


class Tombstoned(msgspec.Struct, frozen=True):
    """Answer to a `ScopeClosed`."""

    deleted: int = 0
    held_back: int = 0


class Fingerprints(msgspec.Struct, frozen=True):
    """Answer to ``GET /sync/fingerprints``."""

    fingerprints: bytes = b""
    count: int = 0


class ElderApi:
    """A client; safe to use from several threads."""

    def __init__(self, url: str, key: str = "", *, retries: int = 3, pool: urllib3.PoolManager | None = None) -> None:
        """`retries` is how often a call is sent again after a broken connection, a 429 or a 5xx."""
        self._url = url.rstrip("/")
        self._headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._pool = pool or urllib3.PoolManager(retries=False, timeout=TIMEOUT, maxsize=4)
        self._retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(retries + 1),
            wait=_wait,
            retry=tenacity.retry_if_exception(lambda error: isinstance(error, ApiError) and not error.final),
            reraise=True,
        )

    def fingerprints(self, owner: str, scope: Scope) -> Fingerprints:
        """What the API holds of a scope."""
        query = urlencode({"owner": owner} | msgspec.structs.asdict(scope))
        return self._call("GET", f"/api/v1/sync/fingerprints?{query}", None, Fingerprints)

    def store(self, batch: Batch) -> Stored:
        """Bulk upsert."""
        return self._call("POST", "/api/v1/sync/batch", batch, Stored)

    def close_scope(self, closed: ScopeClosed) -> Tombstoned:
        """The end of a scope."""
        return self._call("POST", "/api/v1/sync/scopes", closed, Tombstoned)

    def check(self) -> None:
        """Whether the API answers at all. Raises `ApiError`."""
        self._call("GET", "/healthz", None, dict[str, object])

    def _call(self, method: str, path: str, body: msgspec.Struct | None, answer: type[AnswerT]) -> AnswerT:
        """One call with its retries. Raises `ApiError`."""
        encoded = None if body is None else msgspec.json.encode(body)
        received = self._retrying(self._once, method, path, encoded)
        try:
            return msgspec.json.decode(received, type=answer)
        except msgspec.MsgspecError as error:
            raise ApiError(
                f"the Elder API at {self._url} gave an answer that makes no sense ({error}): check ELDER_API_URL", final=True
            ) from None

    def _once(self, method: str, path: str, body: bytes | None) -> bytes:
        headers = self._headers | ({"Content-Type": "application/json"} if body is not None else {})
        try:
            response = self._pool.request(method, self._url + path, body=body, headers=headers, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            reason = type(error).__name__
            raise ApiError(f"the Elder API at {self._url} cannot be reached ({reason}): check ELDER_API_URL", final=False) from None
        if response.status == 200:
            return response.data
        raise _refused(self._url, response)


def _refused(url: str, response: urllib3.BaseHTTPResponse) -> ApiError:
    if response.status in {401, 403}:
        return ApiError(f"the Elder API at {url} refuses the worker ({response.status}): check ELDER_API_KEY", final=True)
    wait = response.headers.get("Retry-After", "")
    return ApiError(
        f"the Elder API at {url} answered {response.status}: {_words(response.data)}",
        final=response.status not in RETRIED,
        wait=float(wait) if wait.isdecimal() else None,
    )


def _words(data: bytes) -> str:
    """The API's own sentence, if it gave one."""
    try:
        return str(msgspec.json.decode(data)["error"])
    except (msgspec.MsgspecError, LookupError, TypeError):
        return data[:200].decode(errors="replace") or "nothing"


def _wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.wait if isinstance(error, ApiError) and error.wait is not None else 0.0
    growing = tenacity.wait_random_exponential(multiplier=0.5, max=LONGEST_WAIT)(state)
    return min(LONGEST_WAIT, max(asked, growing))
