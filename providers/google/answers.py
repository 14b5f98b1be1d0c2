"""Answers as Google gives them: a list without items has no member of the list's name, and so looks like anybody's JSON object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.errors import BadAnswer

UNREACHABLE = ("unreachables", "unreachable", "missingZones", "failedLocations", "failedLocation")
"""Members in which the APIs name the places that did not answer."""

ENVELOPE = frozenset({"kind", "etag", "id", "selfLink", "nextPageToken", "warning", "warnings", *UNREACHABLE})
"""Members that a list may have beside its items; each of Google's lists that has more of them has one of these too."""


def check_answer(answer: Mapping[str, Any], member: str, what: str) -> None:
    """Raises `BadAnswer` for an answer that has neither the `member` nor anything else of Google's, or that holds an error.

    An answer with nothing in it at all is Google's for a list without items.
    """
    if "error" in answer or (answer and member not in answer and ENVELOPE.isdisjoint(answer)):
        names = ", ".join(sorted(map(str, answer))[:10])
        raise BadAnswer(f"the answer to '{what}' is not Google's: it has {names}; is a proxy in between?")


def listed(answer: Mapping[str, Any], member: str, what: str) -> list[Any]:
    """The items in a member of an answer; none where it has no such member. Raises `BadAnswer` for a member that is not a list."""
    found = answer.get(member)
    if found is not None and not isinstance(found, list):
        raise BadAnswer(f"the answer to '{what}' has a JSON {type(found).__name__} as its {member}, and not a list")
    return found or []


def objects(answer: Mapping[str, Any], member: str, what: str) -> list[dict[str, Any]]:
    """The items in a member of an answer, as `listed` has them. Raises `BadAnswer` also for an item that is not an object."""
    found = listed(answer, member, what)
    if not all(isinstance(item, dict) for item in found):
        raise BadAnswer(f"the answer to '{what}' has {member} that are not objects: it is not known what is missing")
    return found
