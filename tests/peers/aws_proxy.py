"""A proxy in front of moto that breaks the calls that a test names: by service, region and operation, as the request is signed for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

import pytest
from peers import http_proxy
from peers.http_proxy import Cut, Reply, Request, Rule, Verdict
from peers.moto import Moto

_SIGNED_FOR = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/")
_TARGET = "X-Amz-Target"


@dataclass(frozen=True)
class Call:
    """What a request asks for."""

    service: str
    region: str
    operation: str
    method: str
    path: str
    key: str = ""
    """Id of the access key: each assumed role has its own."""


@dataclass
class AwsReply:
    """What it gets instead of moto's answer."""

    status: int
    code: str
    body: bytes = b""
    message: str = "as the test wants"

    def for_call(self, call: Call, headers: Mapping[str, str]) -> Reply:
        """In the words of the service that is asked."""
        if self.body:
            return Reply(self.status, self.body, {"Content-Type": "text/xml"})
        if _TARGET in headers or call.service not in {"ec2", "s3", "iam", "sts", "rds", "sns", "elasticloadbalancing"}:
            body = f'{{"__type": "{self.code}", "message": "{self.message}"}}'.encode()
            return Reply(self.status, body, {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": self.code})
        error = f"<Error><Code>{self.code}</Code><Message>{self.message}</Message></Error>"
        wrapped = {"ec2": f"<Response><Errors>{error}</Errors></Response>", "s3": error}.get(
            call.service, f"<ErrorResponse>{error}</ErrorResponse>"
        )
        return Reply(self.status, wrapped.encode(), {"Content-Type": "text/xml"})


HALF = Cut(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 1000\r\n\r\n<half")


class Proxy(http_proxy.Proxy):
    """The proxy: `calls` is what was asked; its rule takes a call, and gives an answer, a cut, or None."""

    def __init__(self, target: str, rule: Rule = lambda _: None) -> None:
        self.calls: list[Call] = []
        super().__init__(target, rule)

    def verdict(self, request: Request) -> Verdict:
        """As the rule says of the call."""
        call = _call(request)
        self.calls.append(call)
        answer: AwsReply | Cut | None = self.rule(call)
        return answer.for_call(call, request.headers) if isinstance(answer, AwsReply) else answer


def _call(request: Request) -> Call:
    signed = _SIGNED_FOR.search(request.headers.get("Authorization", ""))
    key, region, service = signed.groups() if signed else ("", "", "")
    asked = parse_qs(request.body.decode("latin-1"))
    operation = request.headers.get(_TARGET, "").split(".")[-1] or asked.get("Action", [""])[0]
    return Call(service, region, operation, request.method, request.path, key)


@pytest.fixture
def aws_proxy(moto: Moto) -> Iterator[Proxy]:
    proxy = Proxy(moto.url)
    yield proxy
    proxy.close()
