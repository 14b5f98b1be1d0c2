"""A real identity provider: npm's `oidc-provider`, which the OpenID Foundation has certified, with people who sign in as a browser does."""

from __future__ import annotations

import contextlib
import json
import pathlib
import re
import shutil
import socket
import subprocess
import urllib.parse
from collections.abc import Iterator

import pytest
import urllib3
import waiting
from peers import mortal, npm
from peers.absent import missing
from peers.elder import FIRST, KeyedApi, settings
from peers.port import free_port

from api.app import create_app

VERSION = "9.13.3"
SITE = "http://localhost"
"""The API as a browser of these tests reaches it."""

CLIENT, SECRET = "elder", "canary-oidc/secret+of 100%"
PEOPLE = {
    "ada": {"name": "Ada Lovelace", "email": "ada@example.com", "groups": ["engineers", "elder-admins"]},
    "bo": {"name": "Bo", "groups": ["operations"]},
    "cy": {"email": "cy@example.com", "groups": ["readers", "operations"]},
    "eve": {"name": "Eve", "groups": ["visitors"]},
    "nul": {"groups": None},
}
ROLES = "elder-admins=admin,operations=operate,readers=read"


class Identity:
    """A running identity provider."""

    def __init__(self, issuer: str, process: subprocess.Popen) -> None:
        self.issuer, self.process = issuer, process

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def identity(folder: pathlib.Path, *, groups_in_id_token: bool = False, **changes: object) -> Iterator[Identity]:
    """An identity provider that knows `PEOPLE` and one client, of which `changes` are fields."""
    library = npm.installed("oidc-provider", VERSION, "oidc-provider", "an identity provider") / "oidc-provider" / "lib" / "index.js"
    node = shutil.which("node") or missing("node is not installed: it runs the identity provider")
    port = free_port()
    issuer, log = f"http://127.0.0.1:{port}", folder / f"identity-{port}.log"
    client = {
        "client_id": CLIENT,
        "client_secret": SECRET,
        "redirect_uris": [f"{SITE}/login/callback"],
        "scope": "openid profile email groups",
        **changes,
    }
    client = {name: value for name, value in client.items() if value is not None}
    given = {"issuer": issuer, "port": port, "client": client, "accounts": PEOPLE, "groupsInIdToken": groups_in_id_token}
    with log.open("wb") as out:
        command = [node, str(pathlib.Path(__file__).with_suffix(".mjs")), library.as_uri(), json.dumps(given)]
        process = mortal.start(command, stdout=out, stderr=out)
    found = Identity(issuer, process)
    try:
        waiting.until(lambda: _listens(process, port, log), "the identity provider does not listen", 60, 0.05)
        yield found
    finally:
        found.stop()


def _listens(process: subprocess.Popen, port: int, log: pathlib.Path) -> bool:
    assert process.poll() is None, log.read_text()
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Browser:
    """A browser at the identity provider: it keeps cookies, and fills in the forms that it is shown."""

    def __init__(self) -> None:
        self._http, self._cookies = urllib3.PoolManager(retries=False), dict[str, str]()

    def signed_in(self, url: str, name: str) -> str:
        """The address at our site that the identity provider sends a person back to, who signs in there as `name`."""
        for _ in range(12):
            if url.startswith(SITE + "/"):
                return url
            answer = self._asked("GET", url)
            form = re.search(r'<form[^>]*action="([^"]*)"', answer.data.decode())
            if form and answer.status == 200:
                consents = b'value="consent"' in answer.data
                fields = {"prompt": "consent"} if consents else {"prompt": "login", "login": name, "password": "any"}
                answer = self._asked("POST", urllib.parse.urljoin(url, form[1]), fields)
            assert answer.status in (302, 303), answer.data.decode()
            url = urllib.parse.urljoin(url, answer.headers["Location"])
        raise AssertionError(f"the identity provider leads in a circle: {url}")

    def _asked(self, method: str, url: str, fields: dict[str, str] | None = None) -> urllib3.BaseHTTPResponse:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        body = urllib.parse.urlencode(fields) if fields else None
        form = {"Content-Type": "application/x-www-form-urlencoded"} if fields else {}
        answer = self._http.request(method, url, body=body, headers=headers | form, redirect=False)
        for line in answer.headers.getlist("Set-Cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer


class Person:
    """Somebody with a browser of their own at our site, and at the identity provider."""

    def __init__(self, api: KeyedApi) -> None:
        self.http, self.elsewhere = api.app.test_client(), Browser()

    def sign_in(self, name: str, wanted: str = "/"):
        """The answer to the last step of a sign-in."""
        begun = self.http.get("/login", query_string={"next": wanted})
        assert begun.status_code == 303, begun.get_data(as_text=True)
        return self.http.get(self.elsewhere.signed_in(begun.location, name).removeprefix(SITE))

    def get(self, path: str, **headers: str):
        return self.http.get(path, headers={"Accept": "text/html", **headers})

    def press(self, path: str, site: str | None = "same-origin", origin: str | None = None, **more):
        """A button of a page: `site` and `origin` are what the browser says of where it is."""
        said = {"Sec-Fetch-Site": site, "Origin": origin}
        return self.http.post(path, headers={"Accept": "text/html", **{name: text for name, text in said.items() if text}}, **more)


@pytest.fixture(scope="module")
def identity_provider(tmp_path_factory):
    """A real identity provider."""
    with identity(tmp_path_factory.mktemp("identity")) as found:
        yield found


@pytest.fixture
def oidc_api(database):
    """Makes APIs with sign-in by an issuer."""
    apps = []

    def make(issuer: str, **changes: str) -> KeyedApi:
        given = {
            "ELDER_API_KEY": FIRST, "ELDER_OIDC_ISSUER": issuer, "ELDER_OIDC_CLIENT_ID": CLIENT, "ELDER_OIDC_CLIENT_SECRET": SECRET,
            "ELDER_OIDC_URL": SITE, "ELDER_OIDC_ROLES": ROLES, "ELDER_OIDC_SCOPES": "openid,profile,email,groups", **changes,
        }  # fmt: skip
        apps.append(create_app(settings(database, **given)))
        return KeyedApi(apps[-1])

    yield make
    for app in apps:
        app.extensions["elder"].pool.close()
