"""What Google says when it refuses, as one of our errors. Loads no SDK.

An answer's reasons are in ``errors[].reason`` (the older APIs) and in a `google.rpc.ErrorInfo` among the ``details``; one status, 403, is
a missing permission, a rate limit, or an API that nobody has enabled.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from providers.errors import BadAnswer, CredentialsError, Denied, PageExpired, ProviderError, Throttled, TimedOut, Unsupported
from providers.http.client import Explain
from providers.http.quota import asked_wait
from providers.http.response import HttpResponse


class NotFound(Unsupported):
    """What was asked for is not there (404)."""


class Disabled(Unsupported):
    """The API is not enabled in the project."""


class StalePage(PageExpired):
    """The page token is not accepted any more: the list is to be read again from its first page."""


THROTTLES = frozenset(
    {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded", "RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED"}
)
DISABLED = frozenset({"accessNotConfigured", "SERVICE_DISABLED"})
TOO_NARROW = frozenset({"ACCESS_TOKEN_SCOPE_INSUFFICIENT", "insufficientPermissions"})

QUOTA_WAIT = 15.0
"""Seconds. Google counts its quotas by the minute and does not say how long to wait: all tries together must outlast one."""

_PERMISSION = re.compile(r"[Pp]ermission '?([a-z]\w*(?:\.\w+){2,})'?|'([a-z]\w*(?:\.\w+){2,})' permission")


def explain(name: str) -> Explain:
    """For `Http`: Google's own reading of a refusal, or None for the usual one, which names the caller's permission."""

    def read(answer: HttpResponse, what: str) -> ProviderError | None:
        return of_answer(name, answer, what)

    return read


def of_answer(name: str, answer: HttpResponse, what: str) -> ProviderError | None:
    """The error in an answer, or None when the status says it all."""
    error = _error(answer)
    why, text, detail = set(reasons(answer)), str(error.get("message", "")), answer.text()
    if why & THROTTLES and answer.status in (403, 429):
        quota = next(reason for reason in reasons(answer) if reason in THROTTLES)
        slow = Throttled(f"{name} asks to slow down at '{what}' ({quota})", detail=detail)
        slow.wait = asked_wait(answer.headers) or QUOTA_WAIT
        return slow
    if answer.status == 404:
        return NotFound(f"{name} has no such thing (404): cannot {what}", detail=detail)
    if answer.status in (400, 410) and "pageToken=" in answer.url and why & {"invalid", "INVALID_ARGUMENT", "deleted", "badRequest"}:
        return StalePage(f"{name} does not know its own page token any more (cannot {what} to the end)", detail=detail)
    if answer.status != 403:
        return None
    if why & DISABLED:
        about = _metadata(error)
        api, project = about.get("service") or "the API", about.get("consumer") or "the project"
        return Disabled(f"{name} cannot {what}: {api} is not enabled in {project}; enable it if it is to be read", detail=detail)
    permission = _permission(answer, why, text, error)
    if not permission:
        return None
    return Denied(f"{name} refuses to {what} (403): the permission '{permission}' is missing", permission=permission, detail=detail)


def reasons(answer: HttpResponse) -> Iterator[str]:
    """Every machine-readable reason in a refusal."""
    error = _error(answer)
    yield from (str(one.get("reason", "")) for one in error.get("errors") or () if isinstance(one, dict))
    yield from (str(one.get("reason", "")) for one in error.get("details") or () if isinstance(one, dict))
    yield str(error.get("status", ""))


def _error(answer: HttpResponse) -> dict[str, Any]:
    try:
        found = answer.json()
    except BadAnswer:
        return {}
    error = found.get("error") if isinstance(found, dict) else None
    return error if isinstance(error, dict) else {}


def _metadata(error: dict[str, Any]) -> dict[str, Any]:
    infos = (one.get("metadata") for one in error.get("details") or () if isinstance(one, dict))
    return next((found for found in infos if isinstance(found, dict)), {})


def _permission(answer: HttpResponse, why: set[str], text: str, error: dict[str, Any]) -> str:
    if why & TOO_NARROW:
        wanted = re.search(r'scope="([^"]+)"', answer.headers.get("www-authenticate", ""))
        return f"OAuth scope {wanted[1].split()[0]}" if wanted else "an OAuth scope that the sign-in was not given"
    found = _PERMISSION.search(text)
    return str(_metadata(error).get("permission") or (found and (found[1] or found[2])) or "")


def of_signin(error: Exception, who: str, scopes: Sequence[str] = ()) -> ProviderError:
    """What google-auth raises when it gets no token. `who` is the account, as people know it."""
    said = next((one for one in error.args[1:] if isinstance(one, dict)), {})
    code, text = str(said.get("error", "")), str(said.get("error_description", ""))
    detail = f"{code}: {text}" if code else str(error)
    if code == "unauthorized_client":
        wanted = " ".join(scopes)
        sentence = f"Google Workspace does not let {who} have {wanted}: add the scope to its client id (domain-wide delegation)"
        return Denied(sentence, permission=wanted, detail=detail)
    for pattern, cure in _SIGNIN:
        if re.search(pattern, detail, re.IGNORECASE):
            return CredentialsError(f"Google does not sign in {who}: {cure}", detail=detail)
    if code and not getattr(error, "retryable", False):
        return CredentialsError(f"Google does not sign in {who} ({code}): check the key and the account", detail=detail)
    return TimedOut(f"no token for {who}: Google's token endpoint (or metadata server) does not answer as it should", detail=detail)


_SIGNIN = (
    ("certificate.verify.failed", "the certificate of its token endpoint cannot be verified; set GOOGLE_CA_BUNDLE"),
    ("iat and exp|reasonable timeframe", "the time in the request is wrong; set this machine's clock (NTP)"),
    ("account not found", "the account was deleted or disabled; make a key of another one"),
    ("invalid jwt signature", "the key was deleted, or is another account's; make a new one"),
    ("invalid email or user", "there is no such person in the domain; name an active administrator"),
    ("compute ?metadata|compute engine metadata", "there is no key; give one, or run where Google's metadata server answers"),
    ("invalid_grant", "the key or the refresh token was revoked or has expired; make a new one"),
)
