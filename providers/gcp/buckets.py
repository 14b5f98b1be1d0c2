"""The list of buckets, by google-cloud-storage, which is loaded with the first list: a job is ready without it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from providers.gcp.config import GcpOperator
from providers.gcp.session import Session
from providers.google import failure as google_failure
from providers.google.signin import Signin
from providers.http.client import Http

HOST = "storage.googleapis.com"


def http(signin: Signin, operator: GcpOperator, connections: int) -> Http:
    """Cloud Storage's client. `STORAGE_EMULATOR_HOST` is another place for it; over plain http our token does not go there."""
    elsewhere = operator.storage_emulator_host
    if not elsewhere:
        return signin.http(HOST, HOST, connections=connections)
    url = elsewhere if "://" in elsewhere else f"http://{elsewhere}"
    if url.startswith("https://"):
        return signin.http(HOST, HOST, connections=connections, url=url)
    return Http(url, HOST, explain=google_failure.explain(HOST), advice="check STORAGE_EMULATOR_HOST", connections=connections)


def asking(session: Session, project: str) -> Callable[[str | None, int], dict[str, Any]]:
    """The call of the list: takes a page token and a size, and gives the page as Google's JSON."""
    from google.auth.credentials import AnonymousCredentials  # noqa: PLC0415
    from google.cloud.storage import Client  # noqa: PLC0415

    client = Client(project=project, credentials=AnonymousCredentials(), _http=session)

    def ask(token: str | None, size: int) -> dict[str, Any]:
        pages = client.list_buckets(page_size=size, page_token=token, retry=None).pages
        found: dict[str, Any] = next(pages).raw_page
        return found

    return ask
