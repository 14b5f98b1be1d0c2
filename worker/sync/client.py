"""The Elder API as the connectors use it: three calls, each of which may be sent twice without harm.

``GET /api/v1/sync/fingerprints?owner=&provider=&account=&region=&resource_type=&coverage=``
    What the API holds of one scope: ``{"fingerprints": "<base64>", "count": n}``, the base64 of little-endian signed 64-bit pairs (key,
    content) of the active entities, sorted by key; hashes as in `worker.run.wire`. An unknown scope is an empty one.

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

from providers.errors import CredentialsError, ProviderError, ScopeError, Throttled, TimedOut
from providers.http.client import Answer, Http
from providers.records import Organization, Scope

AnswerT = TypeVar("AnswerT")


class ApiError(Exception):
    """The Elder API did not do what it was asked; the message is a sentence for the operator. `final`: asking again is of no use."""

    def __init__(self, message: str, *, final: bool) -> None:
        super().__init__(message)
        self.final = final


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


class ReleaseHeld(msgspec.Struct, frozen=True):
    """Body of ``POST /sync/release``: a connector, as in ``connector:ldap``."""

    owner: str


class HeldReleased(msgspec.Struct, frozen=True):
    """How many of its entities were marked as gone."""

    owner: str
    released: int


class Fingerprints(msgspec.Struct, frozen=True):
    """Answer to ``GET /sync/fingerprints``."""

    fingerprints: bytes = b""
    count: int = 0


class ElderApi:
    """A client; safe to use from several threads."""

    def __init__(self, url: str, key: str = "", *, retries: int = 3) -> None:
        """`retries` is how often a call is sent again after a broken connection, a 429 or a 5xx."""
        self._url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        name, advice = f"the Elder API at {self._url}", "check ELDER_API_URL"
        self._http = Http(self._url, name, headers=headers, explain=self._explain, advice=advice, tries=retries + 1, connections=4)

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

    def release(self, owner: str) -> HeldReleased:
        """Marks as gone what the guard held back."""
        return self._call("POST", "/api/v1/sync/release", ReleaseHeld(owner), HeldReleased)

    def check(self) -> None:
        """Whether the API answers, takes our key, and has its database. Raises `ApiError`."""
        self._call("GET", "/api/v1/organizations?per_page=1", None, dict[str, object])

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def _call(self, method: str, path: str, body: msgspec.Struct | None, answer: type[AnswerT]) -> AnswerT:
        """One call with its retries. Raises `ApiError`."""
        encoded = None if body is None else msgspec.json.encode(body)
        headers = {"Content-Type": "application/json"} if encoded is not None else {}
        try:
            received = self._http.send(method, path, body=encoded, headers=headers)
        except (Throttled, TimedOut) as error:
            raise ApiError(str(error), final=False) from None
        except ProviderError as error:
            raise ApiError(str(error), final=True) from None
        try:
            return msgspec.json.decode(received.body, type=answer)
        except msgspec.MsgspecError as error:
            sentence = f"the Elder API at {self._url} gave an answer that makes no sense ({error}): check ELDER_API_URL"
            raise ApiError(sentence, final=True) from None

    def _explain(self, answer: Answer, _what: str) -> ProviderError:
        if answer.status in {401, 403}:
            return CredentialsError(f"the Elder API at {self._url} refuses the worker ({answer.status}): check ELDER_API_KEY")
        kind = Throttled if answer.status == 429 else TimedOut if answer.status in (408, 425) or answer.status >= 500 else ScopeError
        return kind(f"the Elder API at {self._url} answered {answer.status}: {_words(answer.body)}")


def _words(data: bytes) -> str:
    """The API's own sentence, if it gave one."""
    try:
        return str(msgspec.json.decode(data)["error"])
    except (msgspec.MsgspecError, LookupError, TypeError):
        return data[:200].decode(errors="replace") or "nothing"
