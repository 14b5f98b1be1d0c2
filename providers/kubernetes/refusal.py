"""Refusals of an API server, told with its own reason: it is a `Status`, whose message says what the number does not."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from providers.errors import BadAnswer, Denied, PageExpired, ProviderError, ScopeError, TimedOut, Unsupported
from providers.http.response import HttpResponse, refusal
from providers.kubernetes.policy import ANONYMOUS

NAME = "the API server"
NO_SUCH_PATH = "404 page not found"
"""The API server's text for a path that it does not serve: a type whose definition is deleted since it was announced."""

_LONGEST = 300
"""Characters of a message that a sentence quotes."""

_IMPERSONATION = re.compile(r'cannot impersonate resource "([^"]+)"')
_ANONYMOUS = f'User "{ANONYMOUS}"'
_PLAIN_DENIAL = re.compile(
    r'.*cannot \w+ (?:resource|path) "[^"]*"(?: in API group "[^"]*")?(?: at the cluster scope| in the namespace "[^"]*")?'
)


class _Status(msgspec.Struct):
    kind: str
    message: str | None = None
    code: int | None = None
    status: str | None = None


def explain(answer: HttpResponse, what: str) -> ProviderError | None:
    """The error of a refusal, where Kubernetes says more than its number; None leaves it to the usual reading."""
    text, said = answer.text(), _status(answer)
    message = _line(said.message) if said else ""
    match answer.status:
        case 410:
            return PageExpired(f"the pages of '{what}' have expired (410)", detail=text)
        case 400 if "continue" in text:
            return PageExpired(f"the pages of '{what}' have expired (400)", detail=text)
        case 406:
            return Unsupported(f"{NAME} does not offer '{what}' in this form (406)", detail=text)
        case 403 | 404 if not said and _is_strange(answer):
            return BadAnswer(
                f"'{what}' was answered {answer.status} by something that is not an API server: is a proxy in between?", detail=text
            )
        case 404 if not said:  # in the API server's own text, which is not JSON
            return Unsupported(f"{NAME} does not offer '{what}' (404)", detail=text)
        case 403:
            return _denied(what, message, text)
        case status if status >= 500:
            reason = message or _plain(answer)
            return TimedOut(f"{NAME} answered {status} to '{what}': {reason}", detail=text) if reason else None
        case status if message and status not in (401, 404, 405, 408, 425, 429):
            return ScopeError(f"{NAME} answered {status} to '{what}': {message}", detail=text)
        case _:
            return None


def failed_success(answer: HttpResponse, what: str) -> ProviderError | None:
    """The error of a `Status` that came with a success's number, as gateways pass it on; None for any other answer."""
    said = _status(answer)
    if said is None or said.status == "Success":
        return None
    refused = msgspec.structs.replace(answer, status=said.code or 500)
    return explain(refused, what) or refusal(NAME, refused, what)


def _denied(what: str, message: str, text: str) -> ProviderError | None:
    if found := _IMPERSONATION.search(message):
        lacking = f"impersonate {found[1]}"
        sentence = f"{NAME} does not let us act as the kubeconfig's `as` says (403): allow '{lacking}' to our own user, or take `as` out"
        return Denied(sentence, permission=lacking, detail=text)
    if _ANONYMOUS in message:
        sentence = f"{NAME} takes us for nobody ({ANONYMOUS}) and refuses to {what} (403): check the token or client certificate"
        return Denied(sentence, permission=what, detail=text)
    reason = message.removeprefix(found[0]).lstrip(" :") if (found := _PLAIN_DENIAL.match(message)) else message
    return Denied(f"{NAME} refuses to {what} (403): {reason}", permission=_permission(what), detail=text) if reason else None


def _permission(what: str) -> str:
    """The permission that a request takes: its name without where it was asked for."""
    return what.partition(" in namespace ")[0]


def _is_strange(answer: HttpResponse) -> bool:
    """True for a refusal that no API server gives. Of those who speak for one, some refuse in texts of their own, but not in pages."""
    return answer.body.lstrip().startswith(b"<") or (answer.status == 404 and not answer.text().startswith(NO_SUCH_PATH))


def _plain(answer: HttpResponse) -> str:
    """The line that a proxy of the API server's own answers with, such as ``error trying to reach service``."""
    return _line(answer.text()) if answer.headers.get("content-type", "").startswith("text/plain") else ""


def _line(message: Any) -> str:
    return str(message or "").strip().partition("\n")[0][:_LONGEST].rstrip(". ")


def _status(answer: HttpResponse) -> _Status | None:
    try:
        found = _STATUS.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return found if found.kind == "Status" else None


_STATUS = msgspec.json.Decoder(_Status)
