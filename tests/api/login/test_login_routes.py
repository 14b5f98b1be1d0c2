"""Signing in by a real identity provider: roles, sessions and their ends, CSRF, the audit log, and where a person is led to."""

from __future__ import annotations

import urllib.parse

import pytest
from peers.identity import FIRST, PEOPLE, SECRET, SITE, Person, identity

ISSUER_LINES = "select actor, role, action, object, after from audit_log where action like 'signed%' order by id"


@pytest.fixture
def api(identity_provider, oidc_api):
    return oidc_api(identity_provider.issuer)


@pytest.mark.peer("npm")
@pytest.mark.parametrize(("name", "role"), [("ada", "admin"), ("bo", "operate"), ("cy", "operate")])
def test_a_persons_groups_give_the_role(api, name, role):
    person = Person(api)

    answer = person.sign_in(name, "/scopes?state=current")

    assert (answer.status_code, answer.location) == (303, "/scopes?state=current")
    page = person.get(answer.location)
    assert (page.status_code, "Sign out" in page.text) == (200, True)
    assert person.get("/audit").status_code == (200 if role == "admin" else 403)
    assert f"role {role}" in page.text


@pytest.mark.peer("npm")
def test_groups_in_the_id_token_and_a_public_client(tmp_path, oidc_api):
    public = {"token_endpoint_auth_method": "none", "client_secret": None}
    with identity(tmp_path, groups_in_id_token=True, **public) as provider:
        person = Person(oidc_api(provider.issuer, ELDER_OIDC_CLIENT_SECRET=""))

        assert person.sign_in("ada").status_code == 303
        assert person.get("/audit").status_code == 200


@pytest.mark.peer("npm")
@pytest.mark.parametrize(("name", "sentence"), [("eve", "Eve has no role here: none of the 1 in the claim"), ("nul", "there is no claim")])
def test_nobody_is_let_in_without_a_group_that_gives_a_role(api, name, sentence):
    person = Person(api)

    answer = person.sign_in(name)

    assert (answer.status_code, sentence in answer.get_data(as_text=True)) == (403, True), answer.get_data(as_text=True)
    assert person.get("/", **{"Sec-Fetch-Mode": "cors"}).status_code == 401


@pytest.mark.peer("npm")
def test_the_audit_log_names_the_person(api, sql, identity_provider):
    person = Person(api)
    person.sign_in("ada")
    assert person.press("/organizations", data={"name": "Engines"}).status_code == 303
    person.press("/logout")

    actor = f"oidc:Ada Lovelace (ada at {identity_provider.issuer})"
    after = {"issuer": identity_provider.issuer, "subject": "ada", "name": "Ada Lovelace", "role": "admin"}
    lines = sql.execute(ISSUER_LINES).fetchall()
    assert [line[:3] for line in lines] == [(actor, "admin", "signed in"), (actor, "admin", "signed out")]
    assert lines[0][4] == after
    assert sql.execute("select actor from audit_log where action = 'organization made'").fetchall() == [(actor,)]


@pytest.mark.peer("npm")
def test_signing_out_ends_the_session_at_once_and_not_the_one_elsewhere(api):
    person = Person(api)
    person.sign_in("bo")
    cookie = person.http.get_cookie("elder_session").value

    answer = person.press("/logout")

    assert (answer.status_code, "Your session here has ended" in answer.text, "/session/end" in answer.text) == (200, True, True)
    assert person.http.get_cookie("elder_session") is None
    person.http.set_cookie("elder_session", cookie)
    assert person.get("/", **{"Sec-Fetch-Mode": "cors"}).status_code == 401, "a copy of the cookie is of no use"


@pytest.mark.peer("npm")
def test_a_session_ends_when_it_is_idle_and_after_its_lifetime(api, sql):
    person = Person(api)
    person.sign_in("bo")

    def age(column: str, seconds: int) -> int:
        sql.execute(f"update elder_worker.api_sessions set {column} = now() - make_interval(secs => {seconds})")
        return person.http.get("/api/v1/organizations").status_code

    assert age("seen_at", 3500) == 200
    assert age("seen_at", 3601) == 401
    assert (age("seen_at", 0), age("created_at", 35_900), age("created_at", 36_001)) == (200, 200, 401)


@pytest.mark.peer("npm")
def test_a_page_that_is_left_open_does_not_keep_its_session(api, sql):
    person = Person(api)
    person.sign_in("bo")
    old = "update elder_worker.api_sessions set seen_at = now() - interval '10 minutes'"
    fresh = "select seen_at > now() - interval '1 minute' from elder_worker.api_sessions"
    sql.execute(old)

    assert person.get("/", **{"Sec-Fetch-Mode": "cors"}).status_code == 200
    assert sql.execute(fresh).fetchone() == (False,)
    assert person.get("/", **{"Sec-Fetch-Mode": "navigate"}).status_code == 200
    assert sql.execute(fresh).fetchone() == (True,)


@pytest.mark.peer("npm")
@pytest.mark.parametrize(
    ("site", "origin", "status"),
    [
        ("same-origin", None, 303),
        (None, SITE, 303),
        (None, None, 403),
        ("none", None, 403),
        ("same-site", SITE, 403),
        ("cross-site", SITE, 403),
        (None, "http://localhost.example.com", 403),
        (None, "null", 403),
    ],
)
def test_a_session_changes_something_from_our_own_pages_only(api, site, origin, status):
    person = Person(api)
    person.sign_in("ada")

    assert person.press("/organizations", site, origin, data={"name": "Engines"}).status_code == status


@pytest.mark.peer("npm")
def test_a_state_is_taken_once_even_by_the_browser_that_has_kept_it(api, sql):
    person = Person(api)
    begun = person.http.get("/login")
    kept = person.http.get_cookie("elder_sign_in").value
    back = person.elsewhere.signed_in(begun.location, "ada").removeprefix(SITE)

    assert person.http.get(back).status_code == 303
    again = person.http.get(back)
    assert (again.status_code, "was completed before" in again.get_data(as_text=True)) == (403, True)
    person.http.set_cookie("elder_sign_in", kept)
    replayed = person.http.get(back)
    assert (replayed.status_code, "(invalid_grant)" in replayed.get_data(as_text=True)) == (403, True)
    assert sql.execute("select count(*) from elder_worker.api_sessions").fetchone() == (1,)


@pytest.mark.peer("npm")
def test_the_answer_of_somebody_elses_sign_in_is_refused(api):
    """Else a person would work in the session of an attacker, and a stolen answer would be a session."""
    ada, eve = Person(api), Person(api)
    address = eve.elsewhere.signed_in(eve.http.get("/login").location, "bo").removeprefix(SITE)
    assert "was not begun in this browser" in ada.http.get(address).get_data(as_text=True)
    ada.http.get("/login")

    answer = ada.http.get(address)

    assert (answer.status_code, "another sign-in" in answer.get_data(as_text=True)) == (403, True)
    assert ada.http.get_cookie("elder_session") is None


@pytest.mark.peer("npm")
def test_signing_in_anew_ends_the_session_before(api, sql):
    person = Person(api)
    person.sign_in("ada")
    before = person.http.get_cookie("elder_session").value
    person.sign_in("ada")

    assert person.http.get_cookie("elder_session").value != before
    assert sql.execute("select count(*) filter (where ended_at is null), count(*) from elder_worker.api_sessions").fetchone() == (1, 2)


@pytest.mark.peer("npm")
def test_a_browser_without_a_session_is_led_to_sign_in_and_back_and_a_program_is_not(api):
    person = Person(api)
    asked = person.get("/entities?provider=aws&page=2")

    assert (asked.status_code, asked.location) == (303, "/login?next=%2Fentities%3Fprovider%3Daws%26page%3D2")
    wanted = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(asked.location).query))["next"]
    assert person.sign_in("bo", wanted).location == "/entities?provider=aws&page=2"
    program = Person(api).http.get("/api/v1/entities")
    assert (program.status_code, "Bearer" in program.headers["WWW-Authenticate"]) == (401, True)
    assert "WWW-Authenticate" not in Person(api).press("/organizations").headers, "a browser would ask for a password"


@pytest.mark.peer("npm")
def test_the_provider_is_down(tmp_path, oidc_api):
    with identity(tmp_path) as provider:
        api = oidc_api(provider.issuer)
        ada = Person(api)
        ada.sign_in("ada")
        begun = Person(api)
        back = begun.elsewhere.signed_in(begun.http.get("/login").location, "bo").removeprefix(SITE)
        provider.stop()

        answer = begun.get(back)

        assert (answer.status_code, "Nobody can sign in now" in answer.text) == (503, True), answer.text
        assert 'href="/login"' in answer.text, "it can be tried again"
        assert ada.get("/").status_code == 200, "who has signed in goes on"
        assert Person(oidc_api(provider.issuer)).get("/login").status_code == 503
        assert api.call("GET", "organizations", FIRST).status_code == 200, "keys go on"


@pytest.mark.peer("npm")
def test_no_secret_of_a_sign_in_is_stored_or_logged(api, sql, caplog):
    person = Person(api)
    back = person.elsewhere.signed_in(person.http.get("/login").location, "ada").removeprefix(SITE)
    person.http.get(back)
    code = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(back).query))["code"]
    rows = str(
        sql.execute("select s::text, (select string_agg(a::text, ' ') from audit_log a) from elder_worker.api_sessions s").fetchall()
    )

    for secret in (person.http.get_cookie("elder_session").value, code, SECRET):
        assert secret not in rows + caplog.text
    assert PEOPLE["ada"]["name"] in rows
