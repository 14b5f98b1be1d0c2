"""The pages of keys: who has which role, and what their forms make, rotate, revoke and refuse."""

from __future__ import annotations

import html
import re

import pytest
from peers.elder import FIRST

from api.pages.keys import EXPIRIES, GRACES, ROLES

BROWSER = {"Accept": "text/html"}
HOSTILE = "<script>alert(1)</script>\"'"
FORM = {"name": "ci", "role": "operate", "expires_in_days": "90"}


@pytest.fixture
def page(keyed):
    def get(path: str, status: int = 200, key: str = FIRST) -> str:
        response = keyed.call("GET", path, key, headers=BROWSER)
        assert response.status_code == status, response.get_data(as_text=True)
        return response.get_data(as_text=True)

    return get


@pytest.fixture
def send(keyed):
    """Sends a form; returns what was answered, or the path that the answer leads to."""

    def post(path: str, form: dict | None = None, status: int = 303, key: str = FIRST) -> str:
        response = keyed.call("POST", path, key, data=form or {}, headers=BROWSER)
        text = response.get_data(as_text=True)
        assert response.status_code == status, text
        return response.headers["Location"] if status == 303 else text

    return post


def key_in(text: str) -> str:
    [found] = re.findall(r'<pre class="long secret">(elder_[\w-]{43})</pre>', text)
    return found


def told(text: str) -> str:
    [found] = re.findall(r'<div class="note bad" role="alert">(.*?)</div>', text, re.DOTALL)
    return html.unescape(re.sub(r"<[^>]*>", " ", found))


def form_of(text: str) -> dict[str, str]:
    """The rotation's form as it is shown, with its default time."""
    [prefix] = re.findall(r'name="prefix" value="([^"]+)"', text)
    [grace] = re.findall(r'<option value="(\d+)" selected>', text)
    return {"prefix": prefix, "grace_seconds": grace}


def test_without_a_key_the_page_says_so_and_has_the_form(page):
    text = page("/keys")

    assert "There is no key beside <code>ELDER_API_KEY</code>" in text
    assert re.findall(r'name="role" value="([^"]+)"', text) == list(ROLES)
    assert 'href="/keys" aria-current="page"' in text


def test_one_is_made_and_shown_once(keyed, page, send, sql):
    answer = send("/keys", FORM, 201)

    key = key_in(answer)
    assert "Shown this once" in answer
    assert keyed.status(key) == 200
    [made] = keyed.call("GET", "keys").json["keys"]
    assert (made["name"], made["role"]) == ("ci", "operate")
    days = "select round(extract(epoch from expires_at - created_at) / 86400)::int from elder_worker.api_keys"
    assert sql.execute(days).fetchone() == (90,)
    for path in ("/keys", f"/keys/{made['id']}", "/audit"):
        assert key not in page(path), path


@pytest.mark.parametrize("days", [days for _, days in EXPIRIES])
def test_each_expiry_of_the_form_is_taken(keyed, send, days):
    send("/keys", {**FORM, "expires_in_days": str(days)}, 201)

    [made] = keyed.call("GET", "keys").json["keys"]
    assert (made["expires_at"] is None) == (days == 0)


@pytest.mark.parametrize(
    ("change", "status", "sentence"),
    [
        ({"name": " "}, 400, "`name` has 1 to 100 printable characters"),
        ({"role": "root"}, 400, "`role` must be"),
        ({"role": ""}, 400, "`role` must be"),
        ({"expires_in_days": "x"}, 400, "'x' is not a number"),
        ({"expires_in_days": "99999"}, 400, "`expires_in_days`"),
        ({"name": "taken"}, 409, "a key named 'taken' is in use"),
    ],
)
def test_what_is_refused_is_told_and_nothing_entered_is_lost(keyed, send, change, status, sentence):
    keyed.make("taken", "read")
    given = {**FORM, **change}

    text = send("/keys", given, status)

    assert "Not made" in told(text)
    assert sentence in told(text)
    assert f'name="name" required maxlength="100" value="{given["name"].strip() or " "}"' in text
    assert re.findall(r'name="role" value="([^"]+)" checked', text) == [role for role in ROLES if role == given["role"]]
    assert len(keyed.call("GET", "keys").json["keys"]) == 1


def test_the_list_and_the_page_say_how_each_stands(keyed, page, sql):
    for name in (HOSTILE, "expired", "revoked"):
        keyed.make(name, "read", expires_in_days=30)
    sql.execute("update elder_worker.api_keys set expires_at = now() - interval '1 hour' where name = 'expired'")
    sql.execute("update elder_worker.api_keys set revoked_at = now() where name = 'revoked'")

    text = page("/keys")

    assert HOSTILE not in text
    rows = {
        html.unescape(name): tag
        for name, tag in re.findall(r'<a href="/keys/\d+">(.*?)</a>.*?<span class="tag ([\w-]+)">', text, re.DOTALL)
    }
    assert rows == {"revoked": "revoked", "expired": "expired", HOSTILE: "in-use"}
    ended = page(re.findall(r'href="(/keys/\d+)">revoked', text)[0])
    assert ("Rotate" in ended, "<dt>Revoked</dt>" in ended) == (False, True)
    assert 'href="/audit?actor=key%3Arevoked"' in ended


def test_a_rotation_shows_the_new_key_and_takes_each_form_once(keyed, page, send):
    made = keyed.make("ci", "read")
    path = f"/keys/{made['id']}"
    form = form_of(page(path))
    assert form["grace_seconds"] == "86400"

    second = key_in(send(f"{path}/rotate", form, 200))
    again = send(f"{path}/rotate", form, 409)

    assert "this form was sent before" in told(again)
    assert "is still accepted" in again
    assert (keyed.status(made["key"]), keyed.status(second)) == (200, 200)
    third = key_in(send(f"{path}/rotate", {**form_of(again), "grace_seconds": "0"}, 200))
    assert (keyed.status(made["key"]), keyed.status(second), keyed.status(third)) == (401, 401, 200)
    for seconds in ("", "-1", str(GRACES[-1][1] + 1)):
        assert "Not rotated" in told(send(f"{path}/rotate", {**form_of(page(path)), "grace_seconds": seconds}, 400))


def test_revoked_at_once(keyed, page, send):
    made = keyed.make("ci", "read")

    assert send(f"/keys/{made['id']}/revoke") == "/keys"

    assert keyed.status(made["key"]) == 401
    send(f"/keys/{made['id']}/revoke", status=404)
    page("/keys/999999", 404)


def test_who_revokes_the_own_key_is_warned(keyed, page):
    admin = keyed.make("me", "admin")
    other = keyed.make("other", "read")

    assert "You use it now" in page(f"/keys/{admin['id']}", key=admin["key"])
    assert "You use it now" not in page(f"/keys/{other['id']}", key=admin["key"])


def test_only_an_admin_sees_and_opens_them(keyed, page, send):
    operator = keyed.make("operator", "operate")["key"]

    assert 'href="/keys"' not in page("/", key=operator)
    assert 'href="/keys"' in page("/")
    page("/keys", 403, operator)
    send("/keys", FORM, 403, operator)


def test_a_page_of_another_site_changes_nothing(keyed):
    made = keyed.make("ci", "read")
    for path in ("/keys", f"/keys/{made['id']}/rotate", f"/keys/{made['id']}/revoke"):
        response = keyed.call("POST", path, data=FORM, headers={**BROWSER, "Sec-Fetch-Site": "cross-site"})
        assert response.status_code == 403, path
    assert keyed.status(made["key"]) == 200
