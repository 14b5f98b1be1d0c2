"""A sign-in under way: where it leads to afterwards, and what a browser brings back."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet

from api.login import attempt
from api.login.attempt import LASTS, Attempt, opened, own_path, sealed
from api.login.errors import SignInRefused
from worker.config.secretbox import SecretBox


@pytest.mark.parametrize("path", ["/", "/jobs/7", "/entities?provider=aws&page=2", "/entities?q=https://example.com/", "/a//b"])
def test_a_path_of_ours(path):
    assert own_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "", "//evil.example.com", "///evil.example.com", "/\\evil.example.com", "\\\\evil.example.com", "https://evil.example.com",
        "javascript:alert(1)", "/\t/evil.example.com", "/\n/evil.example.com", "/\r\nSet-Cookie: a=b", "\t//evil.example.com", " //evil",
        "evil.example.com", "/@evil.example.com\\", "/login", "/login/", "/login/callback?code=1", "/logout", "/é", "/a b", "/" + "a" * 500,
        "http:evil.example.com", "/\x00",
    ],
)  # fmt: skip
def test_no_path_leads_elsewhere(path):
    assert own_path(path) == "/"


@pytest.fixture
def box():
    return SecretBox([Fernet.generate_key().decode()])


def test_what_a_browser_keeps(box):
    begun = Attempt(path="/jobs/7")
    cookie = sealed(begun, box)

    assert opened(cookie, begun.state, box) == begun
    for secret in (begun.state, begun.nonce, begun.verifier):
        assert secret not in cookie
        assert len(secret) >= 43
    assert len(sealed(Attempt(path="/" + "a" * 499), box)) < 4000


def test_it_is_no_secret_of_a_job_and_no_secret_of_a_job_is_one(box):
    begun = Attempt()
    for other in ("text", {"state": begun.state, "purpose": "other"}, ["a"]):
        with pytest.raises(SignInRefused, match="not begun in this browser"):
            opened(box.seal(other)["$fernet"], begun.state, box)


@pytest.mark.parametrize("cookie", ["", "x", "gAAAAA", "é"])
def test_what_is_no_cookie_of_ours(box, cookie):
    with pytest.raises(SignInRefused, match="not begun in this browser"):
        opened(cookie, "state", box)


def test_another_state_and_another_key(box):
    begun = Attempt()
    for state in ("", "x", begun.state + "x", "é\ud800"):
        with pytest.raises(SignInRefused, match="another sign-in"):
            opened(sealed(begun, box), state, box)
    with pytest.raises(SignInRefused, match="not begun"):
        opened(sealed(begun, box), begun.state, SecretBox([Fernet.generate_key().decode()]))


def test_it_lasts_ten_minutes(box, monkeypatch):
    begun = Attempt(begun=1000.0)
    monkeypatch.setattr(attempt.time, "time", lambda: 1000.0 + LASTS)
    assert opened(sealed(begun, box), begun.state, box) == begun
    monkeypatch.setattr(attempt.time, "time", lambda: 1001.0 + LASTS)

    with pytest.raises(SignInRefused, match="more than 10 minutes ago"):
        opened(sealed(begun, box), begun.state, box)
