"""Google's refusals as our errors. Loads no SDK.

An answer names its reasons in ``errors[].reason`` (the older APIs), in a `google.rpc.ErrorInfo` and in the violations of a
`google.rpc.PreconditionFailure` among its ``details``. One status, 403, stands for a missing permission, a rate limit, an API that nobody
has enabled, a closed billing account, a deleted project, a service perimeter and an organization policy. `CAUSES` tells them apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from providers.errors import (
    Denied,
    PageExpired,
    PageTooLarge,
    ProviderError,
    Throttled,
)
from providers.google.causes import CAUSES, Cause, NotFound
from providers.http.client import Explain
from providers.http.quota import asked_wait
from providers.http.response import HttpResponse, foreign

THROTTLES = frozenset(
    {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded", "RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED"}
)
TOO_NARROW = frozenset({"ACCESS_TOKEN_SCOPE_INSUFFICIENT", "insufficientPermissions"})
TOO_LARGE = frozenset({"responseTooLarge", "responseSizeTooLarge", "RESPONSE_TOO_LARGE"})
STALE = frozenset({"invalid", "INVALID_ARGUMENT", "deleted", "badRequest"})
"""Reasons of a 400 or 410 to a request with a page token that mean that the token has expired."""

QUOTA_WAIT = 15.0
"""Seconds. Google counts its quotas by the minute and rarely says how long to wait: all tries together must outlast one."""

SHOWN = 300
"""Characters of Google's own message in a sentence."""


PLAIN = frozenset({"forbidden", "PERMISSION_DENIED", "IAM_PERMISSION_DENIED", "notAuthorized", "authError", ""})
"""Reasons that say no more than that a permission is missing."""

_PERMISSION = re.compile(
    r"[Pp]ermission '?([a-z]\w*(?:\.\w+){2,})'?|'([a-z]\w*(?:\.\w+){2,})' permission|does not have ([a-z]\w*(?:\.\w+){2,}) access"
)


class Refusal(msgspec.Struct, frozen=True):
    """An answer that is an error, taken apart: its message, its reasons, and what an `ErrorInfo` says beside its reason."""

    status: int
    text: str
    reasons: tuple[str, ...]
    metadata: dict[str, Any]
    retry_delay: float = 0.0

    @classmethod
    def of(cls, answer: HttpResponse) -> Refusal:
        """The refusal in an answer; one without reasons where the body is not Google's."""
        error = _error(answer)
        details = [one for one in error.get("details") or () if isinstance(one, dict)]
        infos = (one["metadata"] for one in details if isinstance(one.get("metadata"), dict))
        return cls(answer.status, str(error.get("message", "")), tuple(_reasons(error, details)), next(infos, {}), _delay(details))

    @property
    def permission(self) -> str:
        """The IAM permission that Google names; empty when it names none."""
        found = _PERMISSION.search(self.text)
        return str(self.metadata.get("permission") or (found and next(filter(None, found.groups()))) or "")

    @property
    def quoted(self) -> str:
        """Google's own reason and message, for the end of a sentence."""
        reason = next((one for one in self.reasons if one not in PLAIN), "")
        text = " ".join(self.text.split())[:SHOWN]
        return f"(Google: {': '.join(filter(None, (reason, text))) or self.status})"

    @property
    def cause(self) -> Cause | None:
        """The cause, by the reasons and else by the wording. A refusal that names a permission has no other."""
        why = set(self.reasons)
        by_reason = next((one for one in CAUSES if why & set(one.reasons)), None)
        if by_reason or self.permission or "IAM_PERMISSION_DENIED" in why:
            return by_reason
        return next((one for one in CAUSES if one.text and re.search(one.text, self.text)), None)


def explain(name: str) -> Explain:
    """The reading of refusals for `Http`: Google's own, or None for the usual one, which names the caller's permission."""

    def read(answer: HttpResponse, what: str) -> ProviderError | None:
        return of_answer(name, answer, what)

    return read


def of_answer(name: str, answer: HttpResponse, what: str) -> ProviderError | None:
    """The error in an answer, or None when the status says it all."""
    refusal, detail = Refusal.of(answer), answer.text()
    why = set(refusal.reasons)
    if why & THROTTLES and answer.status in (403, 429):
        return _throttled(name, refusal, answer, what)
    if answer.status == 413 or why & TOO_LARGE:
        return PageTooLarge(f"{name} has too much for one answer to '{what}' {refusal.quoted}", detail=detail)
    if answer.status == 404 and not _error(answer):
        return foreign(name, answer, what)
    if answer.status == 404:
        return NotFound(f"{name} has no such thing (404): cannot {what} {refusal.quoted}", detail=detail)
    if answer.status in (400, 410) and "pageToken=" in answer.url and why & STALE:
        return PageExpired(f"{name} does not know its own page token any more (cannot {what} to the end)", detail=detail)
    if answer.status in (400, 401, 403, 412):
        return _refused(name, refusal, answer, what)
    return None


def _throttled(name: str, refusal: Refusal, answer: HttpResponse, what: str) -> Throttled:
    quota = next(reason for reason in refusal.reasons if reason in THROTTLES)
    slow = Throttled(f"{name} asks to slow down at '{what}' ({quota})", detail=answer.text())
    slow.wait = asked_wait(answer.headers) or refusal.retry_delay or QUOTA_WAIT
    return slow


def _refused(name: str, refusal: Refusal, answer: HttpResponse, what: str) -> ProviderError | None:
    detail, begin = answer.text(), f"{name} refuses to {what} ({answer.status})"
    if answer.status == 403 and set(refusal.reasons) & TOO_NARROW and not refusal.permission:
        lacking = _oauth_scope(answer)
        return Denied(f"{begin}: the permission '{lacking}' is missing", permission=lacking, detail=detail)
    if cause := refusal.cause:
        return _caused(cause, refusal, begin, detail)
    if answer.status != 403:
        return None
    if refusal.permission:
        sentence = f"the permission '{refusal.permission}' is missing, or a condition or a deny policy withholds it"
        return Denied(f"{begin}: {sentence}", permission=refusal.permission, detail=detail)
    if set(refusal.reasons) <= PLAIN:
        return None
    return Denied(f"{begin} for a reason of its own {refusal.quoted}", detail=detail)


def _caused(cause: Cause, refusal: Refusal, begin: str, detail: str) -> ProviderError:
    about = refusal.metadata
    consumer = about.get("consumer") or about.get("containerInfo") or "the project"
    sentence = cause.sentence.format(consumer=consumer, service=about.get("service") or "the API")
    message = f"{begin}: {sentence} {refusal.quoted}"
    if issubclass(cause.error, Denied):
        return cause.error(message, permission=cause.permission, detail=detail)
    return cause.error(message, detail=detail)


def _error(answer: HttpResponse) -> dict[str, Any]:
    error = answer.document().get("error")
    return error if isinstance(error, dict) else {}


def _reasons(error: dict[str, Any], details: list[dict[str, Any]]) -> Iterator[str]:
    """Every machine-readable reason: of errors, of details, the types of violations, and the canonical status."""
    yield from (str(one.get("reason", "")) for one in error.get("errors") or () if isinstance(one, dict))
    yield from (str(one["reason"]) for one in details if one.get("reason"))
    for one in details:
        yield from (str(violation.get("type", "")) for violation in one.get("violations") or () if isinstance(violation, dict))
    yield str(error.get("status", ""))


def _delay(details: list[dict[str, Any]]) -> float:
    """Seconds of a `google.rpc.RetryInfo`; 0 without one."""
    found = (re.fullmatch(r"(\d{1,6}(?:\.\d{1,9})?)s", str(one.get("retryDelay", ""))) for one in details)
    return next((float(one[1]) for one in found if one), 0.0)


def _oauth_scope(answer: HttpResponse) -> str:
    """The OAuth scope that the token lacks, as the header names it."""
    wanted = re.search(r'scope="([^"]+)"', answer.headers.get("www-authenticate", ""))
    return f"OAuth scope {wanted[1].split()[0]}" if wanted else "an OAuth scope that the sign-in was not given"
