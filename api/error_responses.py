"""The answers to requests that are refused or fail, by status, for the OpenAPI document: what each means, and what the caller does next."""

from __future__ import annotations

from typing import Any

from api.endpoint import MAX_BODY, MAX_BULK, Endpoint, NoBody

ERROR = {
    "type": "object",
    "description": "Why a request was refused or failed.",
    "required": ["error", "details"],
    "properties": {
        "error": {"type": "string", "description": "What is wrong, in a sentence.", "examples": ["the body is not valid"]},
        "details": {
            "type": "array",
            "items": {"type": "string"},
            "description": "What exactly, and what to do.",
            "examples": [["`name` is missing", "unknown field `shedule_interval`; is `schedule_interval` meant?"]],
        },
    },
    "additionalProperties": False,
}

MEANINGS = {
    "400": (
        "Invalid",
        "The query or the body is not valid: `details` says what is wrong and what would be right. Correct it before it is sent again.",
    ),
    "401": ("NoKey", "There is no key, or it is unknown, has expired or was revoked."),
    "403": (
        "NotAllowed",
        "The key has another role than this needs, or the request comes from a page or to a name that the API does not trust.",
    ),
    "404": ("NotThere", "There is no such thing, or it was deleted."),
    "409": (
        "Conflict",
        "What is there does not allow it, as an equal name or a run that goes on, or something else was changing the same: read it first.",
    ),
    "413": (
        "TooLarge",
        f"The body is too large: more than {MAX_BODY >> 20} MB, or {MAX_BULK >> 20} MB in a call that connectors deliver by.",
    ),
    "415": ("NotJson", "The body is something else than JSON: send `Content-Type: application/json`."),
    "429": ("TooManyWrongKeys", "Too many wrong keys came from the caller's address. Wait for as long as `Retry-After` says."),
    "503": ("Unavailable", "The database, or whatever else it takes, cannot be used now. The same request may succeed later."),
}
"""Status -> name and meaning."""

OF_NO_OPERATION = {
    "405": "There is such a path, and not with this method: the header `Allow` says with which.",
    "500": "The API failed at this request; its log says why.",
}
"""Status -> meaning, of answers that no operation of the document names: the request reached none, or nobody foresaw what happened."""

_WAIT = {"Retry-After": {"description": "Seconds to wait for.", "required": True, "schema": {"type": "integer", "minimum": 1}}}


def sentences() -> dict[str, str]:
    """Status -> meaning, of all answers to requests that are refused or fail."""
    return {status: meaning for status, (_, meaning) in MEANINGS.items()} | OF_NO_OPERATION


def components() -> dict[str, Any]:
    """The responses, each once, for all operations."""
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    found: dict[str, Any] = {name: {"description": meaning, "content": content} for name, meaning in MEANINGS.values()}
    found[MEANINGS["429"][0]]["headers"] = _WAIT
    return found


def of(endpoint: Endpoint) -> dict[str, Any]:
    """References to the responses of an operation, by status."""
    statuses = {"400", "401", "403", "429", "503"}
    if "{" in endpoint.path:
        statuses |= {"404"}
    if endpoint.method != "GET":
        statuses |= {"404", "409"}  # a body or query may name what is not there, too
    if endpoint.body is not NoBody:
        statuses |= {"413", "415"}
    return {status: {"$ref": f"#/components/responses/{MEANINGS[status][0]}"} for status in sorted(statuses)}
