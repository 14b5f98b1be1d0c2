"""Each list call of AWS at the wire, made from botocore's own service models: whatever page is refused, cut, repeated, circular or changed between two
pages, the list is exact, or its reading raises.
"""

from __future__ import annotations

import collections
import os
import random
import types

import botocore.endpoint
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.exceptions import BotoCoreError, ClientError, ConnectionClosedError
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model
from test_aws_paging import ACCOUNT, SESSIONS, Raw, filled, item_shape, listings, put, some

from providers.aws.paging import pages
from providers.catalogue.paths import values
from providers.errors import ProviderError

ROUNDS = int(os.environ.get("LISTS_ROUNDS", "3"))
SEED = int(os.environ.get("LISTS_SEED", "11"))
FAULTS = ("refused", "cut", "repeated", "circle", "broken", "delete", "empty", "insert")
ITEMS, SIZE = 9, 2
ERRORS = {
    "json": (b'{"__type": "AccessDeniedException", "message": "no", "Message": "no"}', {"x-amzn-errortype": "AccessDeniedException"}),
    "xml": (b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>", {}),
    "ec2": (b"<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors></Response>", {}),
}


class Listed:
    """A list at the wire, read by a cursor: `faults` are what happens at the nth request."""

    def __init__(self, model, items: str, paging, chance: random.Random, faults: dict[int, str], *, lasting: bool) -> None:
        self.model, self.path, self.paging, self.chance, self.faults, self.lasting = model, items, paging, chance, faults, lasting
        self.there = [f"{n:04d}" for n in range(0, ITEMS * 10, 10)]
        self.always, self.ever = set(self.there), set(self.there)
        self.at, self.given, self.asked, self.hit = "", [], 0, collections.Counter()

    def __call__(self, request, **_):
        fault = self._fault()
        self.asked += 1
        if fault:
            self.hit[fault] += 1
        if fault == "cut":
            raise ConnectionClosedError(endpoint_url=request.url)
        if fault in ("refused", "broken"):
            return self._error(request.url, 403 if fault == "refused" else 500)
        if fault in ("repeated", "circle") and self.given:
            return self._reply(request.url, *self.given[-1 if fault == "repeated" else 0])
        if fault == "empty":
            return self._reply(request.url, [], self._token(request) or "-")
        self._change(fault)
        token = self._token(request)
        rest = [one for one in self.there if one > token]
        return self._reply(request.url, rest[:SIZE], rest[SIZE - 1] if len(rest) > SIZE else "", keep=True)

    def _fault(self) -> str:
        first = min(self.faults, default=None)
        if first is not None and (self.lasting or self.faults[first] == "circle") and self.asked >= first and self.asked < first + 12:
            return self.faults[first]
        return self.faults.get(self.asked, "")

    def _change(self, fault: str) -> None:
        if fault == "insert":
            new = f"{self.chance.randrange(0, ITEMS * 10):04d}x{self.asked}"
            self.there = sorted([*self.there, new])
            self.ever.add(new)
        if fault == "delete" and self.there:
            self.always.discard(self.there.pop(self.chance.randrange(len(self.there))))

    def _token(self, request) -> str:
        text = f"{request.url} {request.body!r}"
        return max((part[:6].split("_")[0] for part in text.split("tok-en-")[1:]), default="")

    def _error(self, url: str, status: int):
        protocol = self.model.service_model.resolved_protocol
        body, headers = ERRORS["ec2" if protocol == "ec2" else "xml" if "xml" in protocol or protocol == "query" else "json"]
        return AWSResponse(url, status, headers, Raw(body))

    def _reply(self, url: str, names: list[str], token: str, *, keep: bool = False):
        if keep:
            self.given.append((names, token))
        shape, answer = self.model.output_shape, {}
        put(answer, shape, self.path, [some(item_shape(shape, self.path), name) for name in names])
        for output in self.paging.outputs if token else ():
            put(answer, shape, output, ["x", f"tok-en-{token}_"] if output.endswith("[]") else f"tok-en-{token}_")
        if self.paging.more:
            put(answer, shape, self.paging.more, bool(token))
        serializer = get_serializer_class(self.model.service_model.service_name, self.model.service_model.resolved_protocol)
        made = serializer(operation_model=self.model).serialize(answer)
        return AWSResponse(url, 200, made["headers"], Raw(made["body"].encode() if isinstance(made["body"], str) else made["body"]))


def test_every_list_is_exact_or_raises(capsys, monkeypatch):
    monkeypatch.setattr(botocore.endpoint, "time", types.SimpleNamespace(sleep=lambda _seconds: None, time=__import__("time").time))
    chance, wrong = random.Random(SEED), []
    lists = hit = read_whole = 0
    interleavings = set()
    for parameter in listings():
        service, listing = parameter.values
        client = ACCOUNT.client(service, "us-east-1")
        paging = SESSIONS.paging(service, client, listing.operation)
        if not paging.outputs or any(output.endswith("[]") for output in paging.outputs):
            continue
        lists += 1
        model = get_service_model(service).operation_model(listing.operation)
        event = f"before-send.{client.meta.service_model.service_id.hyphenize()}.{listing.operation}"
        for _ in range(ROUNDS * 2):
            faults = {chance.randrange(5): chance.choice(FAULTS) for _ in range(chance.choice((1, 1, 2)))}
            wire = Listed(model, listing.items, paging, chance, faults, lasting=chance.random() < 0.3)
            client.meta.events.register(event, wire)
            try:
                answers = list(pages(getattr(client, xform_name(listing.operation)), filled(listing.parameters), paging))
            except (ProviderError, ClientError, BotoCoreError):
                continue
            finally:
                client.meta.events.unregister(event, wire)
                hit += sum(wire.hit.values())
                interleavings |= {(parameter.id, *pair) for pair in faults.items()} if wire.hit else set()
            read_whole += 1
            found = {name for answer in answers for item in values(answer, listing.items) for name in named(item)}
            if not wire.always <= found <= wire.ever:
                wrong.append(f"{parameter.id}: {faults}, without {sorted(wire.always - found)}, with {sorted(found - wire.ever)}")
    with capsys.disabled():
        print(
            f"\naws: {lists} lists, {hit} faults, {len(interleavings)} interleavings, {read_whole} read whole, {len(wrong)} wrong", end=""
        )
    assert not wrong, wrong[:5]
    assert lists > 100
    assert hit > lists


def named(item) -> list[str]:
    """The name in an item, which stands in each of its texts, or in those of the one member of a union."""
    if isinstance(item, str):
        return [item]
    inside = [name for value in item.values() if isinstance(value, dict) for name in named(value)]
    return ([value for value in item.values() if isinstance(value, str)] or inside)[:1]
