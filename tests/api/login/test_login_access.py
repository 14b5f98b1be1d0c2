"""Each role at every route, by a session and by a key, where people sign in by an identity provider; and what it costs where they do not."""

from __future__ import annotations

import subprocess
import sys

import pytest
from peers.elder import routes
from peers.port import free_port
from waiting import CAP

from api.access import HEALTH, SIGN_IN
from worker.store import sessions
from worker.store.sessions import Person

ALLOWED = {"read": {"read", "operate", "admin"}, "operate": {"operate", "admin"}, "admin": {"admin"}, "sync": {"sync", "admin"}}
OWN_PAGE = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Accept": "text/html"}


@pytest.fixture
def issuer():
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture
def api(oidc_api, issuer):
    return oidc_api(issuer)


@pytest.fixture
def browser(api, sql, issuer):
    """Makes browsers with a session of a role."""

    def made(role: str):
        _, cookie = sessions.add(sql, f"state of {role}", Person(issuer, role, f"the {role} one", role))
        http = api.app.test_client()
        http.set_cookie("elder_session", cookie)
        return http

    return made


def test_every_route_has_a_decision_but_health_and_signing_in(api):
    undecided = {path for _, path, name in routes(api.app) if name not in api.context.roles}

    assert undecided == HEALTH | SIGN_IN
    assert api.context.roles["logout"] == "read"


def test_each_role_at_every_route_by_a_session(api, browser):
    browsers = {role: browser(role) for role in ("read", "operate", "admin")}
    found = [one for one in routes(api.app) if one[1] not in HEALTH | SIGN_IN]
    assert len(found) > 50
    for method, path, name in found:
        assert api.app.test_client().open(path, method=method, headers=OWN_PAGE).status_code == 401, (method, path)
        for role, http in browsers.items():
            if path == "/logout":
                continue
            response = http.open(path, method=method, headers=OWN_PAGE)
            if role in ALLOWED[api.context.roles[name]]:
                assert response.status_code not in (401, 403, 500), (role, method, path, response.get_data(as_text=True))
            else:
                assert response.status_code == 403, (role, method, path, response.status_code)
    for role, http in browsers.items():
        assert http.post("/logout", headers=OWN_PAGE).status_code == 200, role
        assert http.get("/", headers=OWN_PAGE).status_code == 401, role


@pytest.mark.parametrize("role", ["read", "operate", "admin", "sync"])
def test_keys_go_on_as_before(api, role):
    key = api.make(role, role)["key"]

    for method, path, name in (("GET", "entities", "GET /api/v1/entities"), ("POST", "sync/runs", "POST /api/v1/sync/runs")):
        allowed = role in ALLOWED[api.context.roles[name]]
        assert (api.call(method, path, key).status_code not in (401, 403)) == allowed
    assert api.call("POST", "/logout", key).status_code == (403 if role == "sync" else 200)


def test_signing_in_asks_for_no_key_and_a_provider_that_is_down_is_told(api):
    assert api.call("GET", "/login", None).status_code == 503
    assert api.call("GET", "/login/callback", None).status_code == 403
    assert api.call("POST", "/login", None).status_code in (401, 405)


def test_on_loopback_without_a_key_people_sign_in_all_the_same(oidc_api, issuer):
    """Else every program of the machine would be an admin, and the audit log would name nobody."""
    api = oidc_api(issuer, ELDER_API_KEY="")

    assert api.call("GET", "entities", None).status_code == 401


@pytest.mark.parametrize("cookie", ["", "x", "é", "' or true --", "a" * 3000])
def test_cookies_that_were_never_made(api, cookie):
    http = api.app.test_client()
    http.set_cookie("elder_session", cookie)

    assert http.get("/api/v1/entities").status_code == 401


def test_a_session_of_another_issuer_or_after_the_sign_in_is_switched_off(browser, oidc_api, keyed):
    cookie = browser("admin").get_cookie("elder_session").value

    for api in (oidc_api("https://another.example.com"), keyed):
        http = api.app.test_client()
        http.set_cookie("elder_session", cookie)
        assert http.get("/api/v1/entities").status_code == 401


def test_over_https_a_cookie_is_of_this_host_alone(false_identity, oidc_api):
    api = oidc_api(false_identity.issuer, ELDER_OIDC_URL="https://localhost")
    http = api.app.test_client()

    begun = http.get("/login", base_url="https://localhost")

    [line] = begun.headers.getlist("Set-Cookie")
    assert line.startswith("__Host-elder_sign_in=")
    for mark in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=600"):
        assert mark in line.split("; "), line
    assert "Domain" not in line
    assert "redirect_uri=https%3A%2F%2Flocalhost%2Flogin%2Fcallback" in begun.location


def test_nothing_is_there_and_nothing_is_imported_where_nobody_signs_in(keyed):
    assert not {path for _, path, _ in routes(keyed.app)} & {*SIGN_IN, "/logout"}
    assert keyed.call("GET", "/login", None).status_code == 401
    code = (
        "import sys, api.server; from api.app import create_app; from worker.config.settings import load;"
        "create_app(load({'DATABASE_URL': 'postgresql://nobody@localhost:1/x'})); print(sorted(m for m in sys.modules if 'authlib' in m or 'joserfc' in m))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=CAP, check=False)

    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
