"""The lists of Compute Engine, by google-cloud-compute's typed transports. Importing this module loads the library."""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Callable
from typing import Any

from google.auth.credentials import AnonymousCredentials

from providers.gcp import lean
from providers.gcp.catalogue import KINDS
from providers.gcp.session import Session


def service_and_method(method: str) -> tuple[str, str]:
    """``compute.globalAddresses.list`` -> ``global_addresses``, ``list``, as the library spells them."""
    _, service, call = method.split(".")
    return _snake(service), _snake(call)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda found: f"_{found[1].lower()}", name)


def _lists() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for kind in KINDS:
        for service, call in (service_and_method(method) for method in kind.methods if kind.api == "compute" and not kind.address):
            found.setdefault(service, []).append(call)
    return found


lean.load(_lists())
from google.protobuf import json_format  # noqa: E402 - the lean types come first

_types = importlib.import_module(f"{lean.COMPUTE}.types.compute")


@functools.cache
def _transport_of(service: str) -> Any:
    transports = importlib.import_module(f"{lean.COMPUTE}.services.{service}.transports")
    return getattr(transports, f"{lean.camel(service)}RestTransport")


def asking(session: Session, method: str, project: str) -> Callable[[str | None, int], dict[str, Any]]:
    """The call of a list: takes a page token and a size, and gives the page as Google's JSON.

    What Google cannot reach is named in the page (`unreachables`, `warning`), and is not an error here.
    """
    service, call = service_and_method(method)
    transport = _transport_of(service)(credentials=AnonymousCredentials())  # the session signs in
    transport._session = session  # noqa: SLF001 - its constructor takes none
    send = getattr(transport, call)  # and not its client's: that one retries, and looks for certificates in the environment
    request_type = getattr(_types, lean.request_name(service, call))

    def ask(token: str | None, size: int) -> dict[str, Any]:
        page = send(request_type(project=project, max_results=size, page_token=token))
        found: dict[str, Any] = json_format.MessageToDict(type(page).pb(page))
        return found

    return ask
