"""The list of buckets, by google-cloud-storage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client

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


def pages(session: Session, project: str, size: int) -> Iterator[dict[str, Any]]:
    """Every page, as Google's JSON."""
    client = Client(project=project, credentials=AnonymousCredentials(), _http=session)
    for page in client.list_buckets(page_size=size, retry=None).pages:
        yield page.raw_page
