"""The answer to one HTTP request: its body as JSON, the link to the next page, and the error that its status means."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

import msgspec

from providers.errors import BadAnswer, CredentialsError, Denied, ProviderError, ScopeError, Throttled, TimedOut, Unsupported


class HttpResponse(msgspec.Struct, frozen=True):
    """The whole answer to one request. Header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes
    url: str

    def json(self) -> Any:
        """The body as JSON. Raises `BadAnswer` when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            kind = self.headers.get("content-type", "no content type")
            raise BadAnswer(f"{host(self.url)} answered with something that is not JSON ({kind}): check the address") from None

    def object(self) -> dict[str, Any]:
        """The body, which must be a JSON object. Raises `BadAnswer`."""
        found = self.json()
        if not isinstance(found, dict):
            raise BadAnswer(f"{host(self.url)} answered with a JSON {type(found).__name__}, not an object")
        if found.keys() == {"error"} and self.status < 300:
            raise BadAnswer(f"{host(self.url)} answered {self.status} with an error: {str(found['error'])[:300]}", detail=self.text())
        return found

    def array(self) -> list[Any]:
        """The body, which must be a JSON array. Raises `BadAnswer`."""
        found = self.json()
        if not isinstance(found, list):
            raise BadAnswer(f"{host(self.url)} answered with a JSON {type(found).__name__}, not an array")
        return found

    def text(self) -> str:
        """The start of the body, for an engineer."""
        return self.body[:2000].decode(errors="replace")

    def document(self) -> dict[str, Any]:
        """The body of a refusal, where it is a JSON object; else an empty one."""
        try:
            found = self.json()
        except BadAnswer:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def is_foreign(self) -> bool:
        """True for a refusal that is not a JSON object, as every source sends: it is a proxy's, a firewall's or a load balancer's."""
        return not self.body.lstrip().startswith(b"{")


def refusal(name: str, answer: HttpResponse, what: str, permission: str = "") -> ProviderError:
    """The error that a status outside 200 to 299 means, when the source has no reading of its own; with the source's own words."""
    text, status, said = answer.text(), answer.status, own_words(answer)
    match status:
        case 401:
            sentence = f"{name} does not accept the credentials (401): they are wrong, revoked or expired; give new ones{said}"
            return CredentialsError(sentence, detail=text)
        case 403 if answer.body.lstrip().startswith(b"<"):  # a page: some sources refuse in plain text
            sentence = f"'{what}' was refused (403) by something that is not {name}: does a proxy or a firewall in between keep us out?"
            return Denied(sentence, detail=text)
        case 403:
            lacking = permission or what
            return Denied(f"{name} refuses to {what} (403): the permission '{lacking}' is missing{said}", permission=lacking, detail=text)
        case 404 | 405 | 501 if answer.is_foreign:
            return foreign(name, answer, what)
        case 404 | 405 | 501:
            return Unsupported(f"{name} does not offer '{what}' ({status}){said}", detail=text)
        case 429:
            return Throttled(f"{name} asks to slow down at '{what}' (429){said}", detail=text)
        case _ if status in (408, 425) or status >= 500:
            return TimedOut(f"{name} answered {status} to '{what}'{said}", detail=text)
        case _ if 300 <= status < 400:
            return BadAnswer(f"{name} answered '{what}' with a redirect ({status}), which is not followed: check the address", detail=text)
        case _:
            return ScopeError(f"{name} answered {status} to '{what}'{said}", detail=text)


def foreign(name: str, answer: HttpResponse, what: str) -> BadAnswer:
    """The error for an answer that the source has not given: it says nothing of what there is."""
    sentence = f"'{what}' was answered {answer.status} by something that is not {name}: is a proxy in between, or the address wrong?"
    return BadAnswer(sentence, detail=answer.text())


SAID = 300
"""Characters of a source's own words in a sentence."""

_WORDS = ("error_description", "errorSummary", "message", "detail", "error", "title")
"""The keys under which sources say why they refuse, in the body or in its ``error``."""


def own_words(answer: HttpResponse) -> str:
    """The source's own reason, for the end of a sentence; empty where it gives none."""
    body = answer.document()
    error = body.get("error")
    found = (one.get(key) for one in (error, body) if isinstance(one, dict) for key in _WORDS)
    text = next((one for one in found if isinstance(one, str) and one.strip()), "")
    return f" (it says: {' '.join(text.split())[:SAID]})" if text else ""


_LINK = re.compile(r'<([^<>]*)>((?:\s*;\s*[\w*]+\s*=\s*(?:"[^"]*"|[^\s",;]+))*)')
_NEXT = re.compile(r';\s*rel\s*=\s*"?(?:[^"]*\s)?next(?:\s[^"]*)?"?\s*(?:;|$)', re.IGNORECASE)


def next_link(answer: HttpResponse) -> str | None:
    """The URL of the next page by the ``Link`` header (RFC 8288), for `Http.pages`."""
    return next((url for url, parameters in _LINK.findall(answer.headers.get("link", "")) if _NEXT.search(parameters)), None)


def host(url: str) -> str:
    """Host and port of a URL."""
    return urlsplit(url).netloc
