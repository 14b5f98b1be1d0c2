"""Endpoints as declarations: one of them makes the route, checks what comes in, and describes both in OpenAPI."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import msgspec
from flask import Flask, Response, request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.routing import IntegerConverter

from api import links
from api.compression import compressed
from api.context import Context
from api.errors import ApiError, InvalidBody, UnsupportedMediaType
from api.model import bounds
from providers.complaints import sentence
from providers.errors import ConfigError
from providers.schema import parse
from worker.store.keys import Role

NAME = "name"
"""The one path parameter that is not an id."""

MAX_INTEGER = 2**63 - 1
MAX_BODY, MAX_BULK = 1024 * 1024, 32 * 1024 * 1024
"""Bytes of a body: what a person sends, and what a connector does."""


class Id(IntegerConverter):
    """A number in a path, of no more digits than PostgreSQL's bigint always takes."""

    regex = r"\d{1,18}"


class NoBody(msgspec.Struct, frozen=True):
    """The body of a request that has none."""


class Paging(msgspec.Struct, frozen=True, kw_only=True):
    """Query of a list."""

    page: Annotated[int, bounds(1, 1_000_000)] = 1
    """Number of the page, from 1."""
    per_page: Annotated[int, bounds(1, 1000)] = 50
    """Largest number of items of a page."""

    def __post_init__(self) -> None:
        """Bounds, as a `ValueError`."""
        if not 1 <= self.page <= 1_000_000 or not 1 <= self.per_page <= 1000:
            raise ValueError("`page` starts at 1, and `per_page` is from 1 to 1000")


class NoQuery(msgspec.Struct, frozen=True):
    """The query of a request without parameters."""


class NoAnswer(msgspec.Struct, frozen=True):
    """Answer without a body."""


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """`handle(context, query, body, **path parameters)` gives the answer's body."""

    method: str
    path: str
    summary: str
    handle: Callable[..., Any]
    status: int = 200
    role: Role = dataclasses.field(kw_only=True)
    """The role of a key that may call it (`api.roles`)."""
    narrowed: bool = False
    """True if `handle` shows a key of an organization (`access.organization`) nothing of others; all other ones are closed to it."""
    query: type[msgspec.Struct] = NoQuery
    body: type[msgspec.Struct] = NoBody
    answer: type[msgspec.Struct] = NoAnswer
    """Type of the value that `handle` returns, for the OpenAPI document; the tests validate every answer against it."""
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    streams: tuple[str, ...] = ()
    """Media types besides JSON in which `handle` may answer with a response of its own."""
    bulk: bool = False
    """A large body, decoded by msgspec at once: no complaint about every key, but fast."""


def register(app: Flask, context: Context, prefix: str, endpoints: tuple[Endpoint, ...]) -> None:
    """Registers the routes on the application."""
    app.url_map.converters["id"] = Id
    for endpoint in endpoints:
        rule = prefix + re.sub(r"{(\w+)}", lambda name: f"<{'string' if name[1] == NAME else 'id'}:{name[1]}>", endpoint.path)
        name = f"{endpoint.method} {rule}"
        app.add_url_rule(rule, name, _view(context, endpoint), methods=[endpoint.method])
        context.roles[name] = endpoint.role
        if endpoint.narrowed:
            context.narrowed.add(name)


def _view(context: Context, endpoint: Endpoint) -> Callable[..., Response]:
    def view(**path: int | str) -> Response:
        request.max_content_length = MAX_BULK if endpoint.bulk else MAX_BODY
        answer = endpoint.handle(context, query=_query(endpoint), body=_body(endpoint), **path)
        if isinstance(answer, Response):
            return answer
        response = json_response(answer, endpoint.status)
        response.headers.update(endpoint.headers)
        return _as_read(response, answer) if endpoint.method == "GET" else response

    return view


def _as_read(response: Response, answer: Any) -> Response:
    """The response with the header Link of a list and an ETag, in gzip where that is asked for; 304 when the caller has it already."""
    if found := links.header(answer, request.args.items(multi=True)):
        response.headers["Link"] = found
    response.add_etag(weak=True)  # the same for the answer and for what it is in gzip
    response.make_conditional(request)
    return compressed(response)


def json_response(body: Any, status: int = 200) -> Response:
    """A JSON response; times in UTC end with Z."""
    return Response(msgspec.json.encode(body) + b"\n", status, content_type="application/json")


def _query(endpoint: Endpoint) -> Any:
    raw: dict[str, Any] = dict(request.args.items())
    types = {field.encode_name: field.type for field in msgspec.structs.fields(endpoint.query)}
    complaints = [f"`{name}` is given twice" for name in types if len(request.args.getlist(name)) > 1]
    for name in [name for name in raw if name in types]:
        if "\0" in raw[name]:
            complaints.append(f"`{name}`: a NUL has no place here")
        try:
            raw[name] = msgspec.convert(raw[name], types[name], strict=False)
            if isinstance(raw[name], int) and abs(raw[name]) > MAX_INTEGER:
                complaints.append(f"`{name}` is too large")
        except msgspec.ValidationError as error:
            complaints.append(sentence(error, types[name], name))
    if complaints:
        raise ApiError("the query is not valid", complaints)
    return _parsed(endpoint.query, raw, "the query is not valid", "query parameter")


def _body(endpoint: Endpoint) -> Any:
    if endpoint.body is NoBody:
        read_chunks()
        return NoBody()
    if request.mimetype != "application/json":
        raise UnsupportedMediaType(f"the body must be JSON, not '{request.mimetype}': send 'Content-Type: application/json'")
    data = request.get_data(cache=False)
    if len(data) == request.max_content_length:  # a chunked body is cut there without a word
        raise RequestEntityTooLarge
    try:
        raw = msgspec.json.decode(data, type=endpoint.body if endpoint.bulk else Any)
    except msgspec.ValidationError as error:
        raise InvalidBody([sentence(error, endpoint.body)]) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ApiError(f"the body is not valid JSON: {error}") from None
    if endpoint.bulk:
        return raw
    if not isinstance(raw, dict):
        raise ApiError("the body must be a JSON object")
    return _parsed(endpoint.body, raw, "the body is not valid", "field")


def read_chunks() -> None:
    """Reads a chunked body that nobody wants to its end, so that nonsense in it is refused and not ignored."""
    if request.headers.get("Transfer-Encoding"):
        request.get_data(cache=False)


def _parsed(kind: type[msgspec.Struct], raw: Mapping[str, Any], message: str, noun: str) -> Any:
    try:
        return parse(kind, raw)
    except ConfigError as error:
        raise ApiError(message, [complaint.replace("config key", noun) for complaint in error.complaints]) from None
