"""Signing in at an API beside a third party's package that claims every installed module as its own: what it claims is not importable."""

from __future__ import annotations

import importlib.metadata
import pathlib

import pytest
import urllib3
from cryptography.fernet import Fernet
from peers.identity import CLIENT, FIRST, ROLES, SECRET, SITE, Browser
from peers.service import Part, get
from third_party import install


class Visitor:
    """A person with a browser at an API that listens on a port of its own and calls itself `SITE`."""

    def __init__(self, url: str) -> None:
        self._url, self._http, self._cookies = url, urllib3.PoolManager(retries=False), dict[str, str]()

    def get(self, path: str) -> urllib3.BaseHTTPResponse:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        headers = {"Host": "localhost", "Accept": "text/html", "Cookie": cookies}
        answer = self._http.request("GET", self._url + path, headers=headers, redirect=False)
        for line in answer.headers.getlist("Set-Cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer

    def sign_in(self, name: str) -> urllib3.BaseHTTPResponse:
        """The page that a person sees after the sign-in."""
        begun = self.get("/login")
        assert begun.status == 303, begun.data.decode()
        back = Browser().signed_in(begun.headers["Location"], name).removeprefix(SITE)
        ended = self.get(back)
        assert ended.status == 303, ended.data.decode()
        return self.get(ended.headers["Location"])


@pytest.fixture
def api(database, identity_provider, tmp_path):
    """An API with sign-in, beside the package, which leaves the file `imported` when it is imported."""
    module = f"import pathlib\npathlib.Path({str(tmp_path / 'imported')!r}).touch()\n"
    claims = importlib.metadata.packages_distributions()
    path = install(
        tmp_path / "site", {"library": "elder_library:Library"}, {"elder_library.py": module}, name="elder-library", claims=claims
    )
    environ = {
        "DATABASE_URL": database, "PYTHONPATH": path, "ELDER_SECRET_KEYS": Fernet.generate_key().decode(), "ELDER_API_KEY": FIRST,
        "ELDER_OIDC_ISSUER": identity_provider.issuer, "ELDER_OIDC_CLIENT_ID": CLIENT, "ELDER_OIDC_CLIENT_SECRET": SECRET,
        "ELDER_OIDC_URL": SITE, "ELDER_OIDC_ROLES": ROLES, "ELDER_OIDC_SCOPES": "openid,profile,email,groups",
    }  # fmt: skip
    part = Part(tmp_path / "api.log", "api", environ, "ELDER_API_PORT")
    part.wait(lambda: get(f"{part.url}/healthz"), "the API does not answer")
    yield part
    part.stop()


@pytest.mark.peer("npm")
def test_a_person_signs_in_beside_a_package_that_claims_every_module(api, tmp_path):
    page = Visitor(api.url).sign_in("ada")

    assert (page.status, "role admin" in page.data.decode()) == (200, True), api.log.read_text()
    assert not pathlib.Path(tmp_path / "imported").exists(), "the package itself is imported by jobs alone"
