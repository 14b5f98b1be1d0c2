"""Translates Azure's refusals: each has an outcome, and a sentence with Azure's own code and with advice that can work."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from providers.errors import BadAnswer, CredentialsError, Denied, PageTooLarge, ProviderError, ScopeError, Throttled, TimedOut, Unsupported
from providers.http.response import HttpResponse
from providers.microsoft.signin_faults import NEW_SIGN_IN, sign_in_error


class Gone(Unsupported):
    """The resource, or what contains it, does not exist any more."""


_ACTION = re.compile(r"action '([^']+)'")
_VERSION = re.compile(r"api version '([^']+)'", re.IGNORECASE)
_VERSIONS = re.compile(r"supported api-versions are '([^']*)'", re.IGNORECASE)
_NAMESPACE = re.compile(r"/providers/([\w.]+)", re.IGNORECASE)
_UNREGISTERED = frozenset({"missingsubscriptionregistration", "subscriptionnotfound", "subscriptionnotregistered"})
_UNSUPPORTED = frozenset({
    "disallowedprovider", "featurenotsupportedforaccount", "noregisteredproviderfound", "invalidresourcenamespace", "invalidresourcetype",
    "resourcetypenotsupported", "notsupported", "operationnotsupported", "locationnotavailableforresourcetype", "featurenotenabled",
})  # fmt: skip
_TOO_LARGE = frozenset({"responsepayloadtoolarge"})
_STALE_TOKEN = frozenset({"expiredauthenticationtoken"})


def explain(answer: HttpResponse, what: str) -> ProviderError | None:
    """The error that an answer of Resource Manager means; None leaves it to the usual reading."""
    codes, message = list(_codes(answer)), _message(answer)
    code = codes[0] if codes else ""
    detail = f"{answer.status} {' '.join(codes)}: {message}"
    known = {one.lower() for one in codes}
    read = next((read for words, read in _BY_CODE if known & words), _BY_STATUS.get(answer.status))
    if read:
        return read(code, what, answer, detail)
    quoted = f" ({code}: {_first_sentence(message)})" if code else ""
    return ScopeError(f"Azure answers {answer.status} to '{what}'{quoted}", detail=detail) if answer.status < 500 else None


Reading = Callable[[str, str, HttpResponse, str], ProviderError]
"""Makes the error of Azure's code, the request in words, the answer, and the detail for an engineer."""


def _too_large(code: str, what: str, _answer: HttpResponse, detail: str) -> ProviderError:
    return PageTooLarge(f"one page of '{what}' is larger than Azure sends ({code})", detail=detail)


def _unregistered(code: str, _what: str, answer: HttpResponse, detail: str) -> ProviderError:
    namespace = _NAMESPACE.search(answer.url)
    if not namespace:
        return Unsupported(f"the subscription does not exist any more ({code})", detail=detail)
    return Unsupported(
        f"{namespace[1]} is not registered in this subscription ({code}), so it has none of its resources: to use it, register it there",
        detail=detail,
    )


def _unsupported(code: str, what: str, answer: HttpResponse, detail: str) -> ProviderError:
    if not code:
        return _not_azure(what, answer, detail)
    message = _message(answer).strip()
    if _is_other_version(message):
        sentence = f"Azure has '{what}' in other API versions only ({code}: {message[:300]}): is there a newer release of Elder Worker?"
        return ScopeError(sentence, detail=detail)
    return Unsupported(f"Azure does not offer '{what}' in this subscription ({code})", detail=detail)


def _not_azure(what: str, answer: HttpResponse, detail: str) -> ProviderError:
    return BadAnswer(f"'{what}' was answered {answer.status} by something that is not Azure: is a proxy in between?", detail=detail)


def _is_other_version(message: str) -> bool:
    """True where Azure has the type, in other API versions than the one that it was asked with: an older or a sovereign cloud has fewer."""
    ours, theirs = _VERSION.search(message), _VERSIONS.search(message)
    return bool(ours and theirs and ours[1] not in theirs[1].split(", "))


def _gone(code: str, what: str, answer: HttpResponse, detail: str) -> ProviderError:
    if not code:
        return _not_azure(what, answer, detail)
    return Gone(f"what '{what}' asks for does not exist any more ({code or 404})", detail=detail)


def _stale(code: str, _what: str, _answer: HttpResponse, detail: str) -> ProviderError:
    return CredentialsError(
        f"Azure says that the token has expired ({code}): check the clock of this machine and the credential", detail=detail
    )


def _refused_token(code: str, _what: str, answer: HttpResponse, detail: str) -> ProviderError:
    if "AADSTS" in detail:
        return sign_in_error(detail, "AZURE_")
    return CredentialsError(
        f"Azure does not accept the token ({code or answer.status}): {_first_sentence(_message(answer))}; {NEW_SIGN_IN}", detail=detail
    )


def _denied(code: str, what: str, answer: HttpResponse, detail: str) -> ProviderError:
    message = _message(answer)
    found = _ACTION.search(message)
    if not code and not found:
        return _not_azure(what, answer, detail)
    if not found:
        return Denied(f"Azure refuses '{what}' ({code}: {_first_sentence(message)})", permission=what, detail=detail)
    advice = "a deny assignment forbids it" if "deny assignment" in message.lower() else "it is missing; the role Reader has it"
    return Denied(f"Azure refuses the permission {found[1]} ({code or 403}): {advice}", permission=found[1], detail=detail)


def _throttled(code: str, what: str, _answer: HttpResponse, detail: str) -> ProviderError:
    return Throttled(f"Azure asks to slow down at '{what}' ({code or 429})", detail=detail)


def _silent(code: str, what: str, answer: HttpResponse, detail: str) -> ProviderError:
    return TimedOut(f"Azure answers {answer.status} {code}".rstrip() + f" to '{what}'", detail=detail)


_BY_CODE: tuple[tuple[frozenset[str], Reading], ...] = (
    (_TOO_LARGE, _too_large),
    (_UNREGISTERED, _unregistered),
    (_UNSUPPORTED, _unsupported),
    (_STALE_TOKEN, _stale),
)

_BY_STATUS: dict[int, Reading] = {
    401: _refused_token,
    403: _denied,
    404: _gone,
    405: _unsupported,
    408: _silent,
    410: _gone,
    429: _throttled,
    **dict.fromkeys((500, 502, 503, 504), _silent),
}


def _codes(answer: HttpResponse) -> Iterator[str]:
    """The code of the error, and those of its details."""
    error = _error(answer)
    for one in (error, *(error.get("details") or ())):
        if isinstance(one, dict) and isinstance(one.get("code"), str):
            yield one["code"]


def _message(answer: HttpResponse) -> str:
    return str(_error(answer).get("message") or answer.text())


def _error(answer: HttpResponse) -> dict[str, Any]:
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    error = found.get("error", found) if isinstance(found, dict) else {}
    return error if isinstance(error, dict) else {}


def _first_sentence(message: str) -> str:
    """The start of Azure's own reason: one line, bounded."""
    line = message.strip().partition("\n")[0]
    return line.partition(". ")[0].rstrip(".")[:300]
