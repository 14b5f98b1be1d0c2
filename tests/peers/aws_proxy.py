"""A proxy in front of moto that breaks the calls that a test names: by service, region and operation, as the request is signed for."""

from __future__ import annotations

import contextlib
import http.server
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs

import pytest
import urllib3
from peers.moto import Moto

_SIGNED_FOR = re.compile(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/")
_TIMES = 10_000


@dataclass(frozen=True)
class Call:
    """What a request asks for."""

    service: str
    region: str
    operation: str
    method: str
    path: str


@dataclass
class Answer:
    """What it gets instead of moto's answer."""

    status: int
    code: str
    body: bytes = b""

    def for_call(self, call: Call, headers) -> tuple[int, dict[str, str], bytes]:
        if self.body:
            return self.status, {"Content-Type": "text/xml"}, self.body
        if "x-amz-target" in headers or call.service not in {"ec2", "s3", "iam", "sts", "rds", "sns", "elasticloadbalancing"}:
            body = f'{{"__type": "{self.code}", "message": "as the test wants"}}'.encode()
            return self.status, {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": self.code}, body
        error = f"<Error><Code>{self.code}</Code><Message>as the test wants</Message></Error>"
        wrapped = {"ec2": f"<Response><Errors>{error}</Errors></Response>", "s3": error}.get(
            call.service, f"<ErrorResponse>{error}</ErrorResponse>"
        )
        return self.status, {"Content-Type": "text/xml"}, wrapped.encode()


@dataclass(frozen=True)
class Cut:
    """The connection is closed after this much of an answer."""

    after: bytes = b""


HALF = Cut(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 1000\r\n\r\n<half")


Rule = Callable[[Call], Answer | Cut | None]


class Proxy:
    """The proxy: `calls` is what was asked, `rule` what is to happen."""

    def __init__(self, target: str, rule: Rule = lambda _: None) -> None:
        self.rule = self._usual = rule
        self.calls: list[Call] = []
        self._http = urllib3.PoolManager(maxsize=32, retries=False)
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler(target))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="aws-proxy")
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._http.clear()

    @contextlib.contextmanager
    def broken(self, rule: Rule) -> Iterator[None]:
        """Breaks what the rule names while the block runs."""
        self.rule = rule
        try:
            yield
        finally:
            self.rule = self._usual

    def _handler(self, target: str) -> type[http.server.BaseHTTPRequestHandler]:
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                call = _call(self.command, self.path, self.headers, body)
                proxy.calls.append(call)
                answer = proxy.rule(call)
                if isinstance(answer, Cut):
                    self.close_connection = True
                    self.wfile.write(answer.after)
                    return
                if answer is None:
                    headers = {k: v for k, v in self.headers.items() if k.lower() != "connection"}
                    real = proxy._http.request(self.command, target + self.path, body=body, headers=headers, decode_content=False)
                    status, sent, data = real.status, dict(real.headers), real.data
                else:
                    status, sent, data = answer.for_call(call, self.headers)
                self.send_response(status)
                for key, value in sent.items():
                    if key.lower() not in {"content-length", "connection", "transfer-encoding", "server", "date"}:
                        self.send_header(key, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do  # noqa: N815

            def log_message(self, *_) -> None:
                pass

        return Handler


def _call(method: str, path: str, headers, body: bytes) -> Call:
    signed = _SIGNED_FOR.search(headers.get("Authorization", ""))
    region, service = signed.groups() if signed else ("", "")
    operation = headers.get("X-Amz-Target", "").split(".")[-1] or parse_qs(body.decode("latin-1")).get("Action", [""])[0]
    return Call(service, region, operation, method, path)


@pytest.fixture
def aws_proxy(moto: Moto) -> Iterator[Proxy]:
    proxy = Proxy(moto.url)
    yield proxy
    proxy.close()
