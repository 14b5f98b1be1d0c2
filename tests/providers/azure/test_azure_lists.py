"""Azure's lists page by page, by a path and by a typed client: a list is read to its end, or it is an error."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from azure_account import CREDENTIALS
from peers.arm_account import SUBSCRIPTION

from providers import registry
from providers.azure.client import Connection
from providers.errors import ProviderError
from providers.schema import parse
from providers.testing import operator_of

HOW: dict[str, tuple[str, Callable[[Connection], Any]]] = {
    "path": (
        f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/locks",
        lambda connection: connection.list(f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/locks", "2020-05-01"),
    ),
    "typed": (
        f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Compute/virtualMachines",
        lambda connection: connection.typed("compute.virtual_machines.list_all", SUBSCRIPTION),
    ),
}
"""The ways to read a list, each with what is asked for."""
FIRST, SECOND, THIRD = ([{"id": f"/x/{page}{number}", "name": f"{page}{number}"} for number in range(2)] for page in "abc")


@pytest.fixture(params=HOW)
def listed(request, account):
    """The names in a list whose pages are given: a function. In a page, ``NEXT`` stands for a link to a further page of this list."""
    path, read = HOW[request.param]

    def names(*pages: Any) -> list[str]:
        asked = iter(pages)
        number = 0

        def fault(_method: str, at: str) -> tuple[int, dict, Any] | None:
            nonlocal number
            if at.lower() != path.lower():
                return None
            number += 1
            page = next(asked)
            if isinstance(page, dict) and page.get("nextLink") == "NEXT":
                link = f"{account.operator['AZURE_RESOURCE_MANAGER_URL']}{path}?api-version=2020-05-01&%24skiptoken={number}"
                page = {**page, "nextLink": link}
            return 200, {}, page

        account.fault = fault
        provider = registry.get("azure")
        connection = Connection(parse(provider.config, CREDENTIALS), operator_of(provider, account.operator))
        with contextlib.closing(connection):
            found = [item["name"] for item in read(connection)]
        assert next(asked, None) is None, "not every page was asked for"
        return found

    return names


def test_every_page_is_read(listed):
    pages = {"value": FIRST, "nextLink": "NEXT"}, {"value": SECOND, "nextLink": "NEXT"}, {"value": THIRD, "nextLink": None}
    assert listed(*pages) == ["a0", "a1", "b0", "b1", "c0", "c1"]


def test_an_empty_page_in_the_middle_is_not_the_end(listed):
    assert listed({"value": FIRST, "nextLink": "NEXT"}, {"value": [], "nextLink": "NEXT"}, {"value": THIRD}) == ["a0", "a1", "c0", "c1"]


ERROR = {"code": "InternalServerError", "message": "Try again later."}
WRONG = {
    "nothing": {},
    "null": {"value": None},
    "an object": {"value": {}},
    "a number": {"value": 0},
    "an error alone": {"error": ERROR},
    "an error and no items": {"value": [], "error": ERROR},
    "an error and items": {"value": SECOND, "error": ERROR},
    "a bare list": SECOND,
    "an empty list": [],
    "an empty text": "",
    "another name": {"Value": SECOND},
}
"""Answers with success that are not a page."""
RAISED = (ProviderError, AttributeError, TypeError, ValueError)
"""Exceptions that end a scope: our own, and those that the SDK of a typed client raises."""


@pytest.mark.parametrize("page", WRONG.values(), ids=WRONG.keys())
@pytest.mark.parametrize("at", ["first", "last"])
def test_a_success_that_is_not_a_page_is_an_error_wherever_it_comes(listed, page, at):
    pages = (page,) if at == "first" else ({"value": FIRST, "nextLink": "NEXT"}, page)
    with pytest.raises(RAISED):
        listed(*pages)


def test_a_page_that_comes_again_by_another_link_is_an_error(listed):
    page = {"value": FIRST, "nextLink": "NEXT"}
    with pytest.raises(ProviderError, match="circle"):
        listed(page, page, {"value": THIRD})


def test_a_link_to_another_host_is_an_error(listed):
    with pytest.raises(ProviderError, match="another host"):
        listed({"value": FIRST, "nextLink": "https://evil.example/list?api-version=2020-05-01"}, {"value": SECOND})


@pytest.mark.parametrize("link", [{}, [], 0, False, {"href": "x"}, 7, True], ids=repr)
def test_a_link_that_is_not_a_text_is_not_the_end(listed, link):
    with pytest.raises(RAISED):
        listed({"value": FIRST, "nextLink": link})
