"""What the fakes of JSON APIs share: a state that a handler answers from, a judge of every request and answer, faults by predicate."""

from __future__ import annotations

import contextlib
import ssl
import threading
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from peers import serving

Reply = tuple[int, dict[str, str], Any]
"""Status, headers, body. Status 0 cuts the connection in the middle of an answer."""


class Fake:
    """State behind a server. A subclass has `reply`, and `judge` to hold against the vendor's own description."""

    token = ""
    scheme = "Bearer"

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.problems: list[str] = []
        self.fault: Callable[[str, dict[str, str]], Reply | None] = lambda _path, _query: None
        self.before: Callable[[str, dict[str, str]], None] = lambda _path, _query: None
        self.lock = threading.Lock()

    def reply(self, path: str, query: dict[str, str]) -> Reply:
        """The answer to a GET."""
        raise NotImplementedError

    def refusal(self) -> Reply:
        """To whoever has the wrong token."""
        raise NotImplementedError

    def refused(self, path: str, headers: Mapping[str, str]) -> Reply | None:
        """The refusal of a request that is not signed in as it should be; None for one that is."""
        return None if headers.get("Authorization", "") == f"{self.scheme} {self.token}" else self.refusal()

    def posted(self, path: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """The answer to a POST, which only a sign-in may send."""
        self.problems.append(f"POST {path}")
        return 405, {}, {}

    def judge_request(self, path: str, query: dict[str, str]) -> list[str]:
        """What is wrong with a request."""
        raise NotImplementedError

    def judge_answer(self, path: str, status: int, body: Any) -> list[str]:
        """What is wrong with an answer of ours."""
        raise NotImplementedError

    def answered(self, path: str, query: dict[str, str], sent: Mapping[str, str]) -> Reply:
        """The whole way of a request."""
        with self.lock:
            self.requests.append((path, query))
            self.problems += self.judge_request(path, query)
            self.before(path, query)
            fault = self.fault(path, query)
            if fault is not None:
                return fault
            status, headers, body = self.refused(path, sent) or self.reply(path, query)
            self.problems += self.judge_answer(path, status, body)
            return status, headers, body


class Handler(serving.Handler):
    """Passes GETs, and the POSTs of a sign-in, to a `Fake`; nothing else is answered, as nothing else may be asked."""

    fake: Fake

    def do_GET(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        status, headers, body = self.fake.answered(url.path, query, self.headers)
        self.answer(status or 200, body, headers, missing=0 if status else 100)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.fake.lock:
            status, headers, answer = self.fake.posted(self.path, body, self.headers)
        self.answer(status or 200, answer, headers, missing=0 if status else 100)


@contextlib.contextmanager
def running(fake: Fake, tls: ssl.SSLContext | None = None) -> Iterator[Fake]:
    """The fake behind a port of this machine; at the end, everything that it was asked and said must have been right."""
    with serving.serving(Handler, tls, fake=fake) as fake.url:
        yield fake
    assert not fake.problems, fake.problems[:5]
