"""Bodies of successes: one that is not the answer of its operation is an error, as botocore would read it as an empty list.

botocore takes any text for the body of a JSON protocol (the page of a proxy becomes a `message` that nobody looks at), and from XML of any
kind the members that it finds, which are none. So a success must be what the operation's model says: a JSON object or an XML document of
the operation's own name, with at least one member of the answer where it has any at all.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from botocore.parsers import ResponseParserError

_CHUNK = 1024
"""Bytes in which a document is read until its root is known."""

_TOP = msgspec.json.Decoder(dict[str, msgspec.Raw])
"""Reads the keys of an object alone: an answer may be large, and botocore reads it again."""

_BESIDE_THE_BODY = ("header", "headers", "statusCode")
"""Places of an answer's members outside its body: all that HeadBucket has, with which botocore finds a bucket's region."""

_FAILURES = frozenset({"html", "Error", "ErrorResponse", "Errors", "Fault", "Response"})
"""Roots of XML documents that are not an answer, whatever the operation."""

_ENVELOPES = ("query", "ec2")
"""Protocols whose answers are named after their operation."""


def refuse_other(operation_model: Any, response_dict: Mapping[str, Any], **_: Any) -> None:
    """Raises `ResponseParserError` for a success without the body that its operation has. Called for each answer, before it is parsed."""
    members = operation_model.output_shape.members.values() if operation_model.output_shape else ()
    in_body = [member for member in members if member.serialization.get("location") not in _BESIDE_THE_BODY]
    if not in_body or operation_model.has_streaming_output or response_dict["status_code"] >= 300:
        return
    trouble = _trouble(operation_model, response_dict["body"])
    if trouble:
        raise ResponseParserError(f"the answer to {operation_model.name} {trouble}")


def _trouble(operation_model: Any, body: bytes) -> str:
    """The fault of a body, in words; empty for the body of an answer."""
    if not body:
        return "has no body"
    payload = operation_model.output_shape.serialization.get("payload")
    shape = operation_model.output_shape.members[payload] if payload else operation_model.output_shape
    protocol = operation_model.service_model.resolved_protocol
    if shape.type_name != "structure":
        return "is a page" if body.lstrip().startswith(b"<") else ""
    if "cbor" in protocol:
        return ""  # nothing but CBOR can be read as that
    return _json_trouble(shape, body) if "json" in protocol else _xml_trouble(operation_model, protocol, shape, body)


def _json_trouble(shape: Any, body: bytes) -> str:
    try:
        found: Any = _TOP.decode(body)
    except msgspec.DecodeError:  # also what botocore takes all the same, such as NaN
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            return "is not JSON"
    if not isinstance(found, dict):
        return f"is a JSON {type(found).__name__}"
    names = {name for name in found if not name.startswith("_") or name == "__type"}
    lists = {member.serialization.get("name", name) for name, member in shape.members.items() if member.type_name == "list"}
    if wrong := next((name for name in sorted(lists & names) if not _is_list(found[name])), ""):
        return f"has a {wrong} that is not a list"
    return "" if not names or names & set(_names(shape)) else f"has none of its members, but {', '.join(sorted(names)[:5])}"


def _is_list(value: Any) -> bool:
    """True for a list, read or not yet, and for nothing."""
    return bytes(value)[:1] in (b"[", b"n") if isinstance(value, msgspec.Raw) else value is None or isinstance(value, list)


def _xml_trouble(operation_model: Any, protocol: str, shape: Any, body: bytes) -> str:
    try:
        tags = _tags(body, children=protocol not in _ENVELOPES)
        name = next(tags)
        if protocol in _ENVELOPES:
            return "" if name == f"{operation_model.name}Response" else f"is a document <{name}>"
        children = set(tags)
    except (ET.ParseError, StopIteration):
        return "is not XML"
    strange = name in _FAILURES or (children and not children & set(_names(shape)))
    return f"is a document <{name}>" if strange else ""


def _tags(body: bytes, *, children: bool) -> Iterator[str]:
    """The name of the root, and those of its children. The rest of a long document is botocore's to read."""
    if children:
        root = ET.fromstring(body)  # noqa: S314 - botocore reads the same document by the same parser; expat bounds what entities become
        yield from (_local(element.tag) for element in (root, *root))
        return
    parser: ET.XMLPullParser[Any] = ET.XMLPullParser(("start",))
    for start in range(0, len(body), _CHUNK):
        parser.feed(body[start : start + _CHUNK])
        found: Any = next(iter(parser.read_events()), None)
        if found:
            yield _local(found[1].tag)
            return


def _names(shape: Any) -> Iterator[str]:
    """The names that the members of a structure have in a body."""
    for name, member in shape.members.items():
        yield member.serialization.get("name", name)
        if member.type_name == "list" and member.serialization.get("flattened"):
            yield member.member.serialization.get("name", name)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
