"""Signing in to Google: which credentials are taken, where they are sent, and what is said when they are refused."""

from __future__ import annotations

import threading

import pytest
from peers import google_refusals as refusals

from providers import google_signin, patience
from providers.errors import CredentialsError

CLOUD = "https://www.googleapis.com/auth/cloud-platform"
USERS = "https://www.googleapis.com/auth/admin.directory.user.readonly"
ADMIN = "admin@example.com"


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(patience, "wait", lambda seconds: None)


def sign_in(google, *, scopes=(CLOUD,), key=None, subject=""):
    return google_signin.sign_in(google.operator, scopes, key=key or google.key(), subject=subject)


def buckets(google, **how):
    """One list of one API, read with a new sign-in."""
    with sign_in(google, **how).http("storage.googleapis.com", "Cloud Storage") as http:
        return http.get("/storage/v1/b?project=p", what="list buckets", permission="storage.buckets.list").object()


def test_a_service_account_reads_an_api(google):
    google.items["storage.buckets.list"] = [{"name": "b"}]

    assert buckets(google) == {"items": [{"name": "b"}]}
    assert sign_in(google).name == "reader@my-gcp-project-123.iam.gserviceaccount.com"
    assert sign_in(google).project == "my-gcp-project-123"


def test_it_acts_as_the_person_that_the_domain_allows(google):
    google.tokens.delegated = {USERS}
    with sign_in(google, scopes=(USERS,), subject=ADMIN).http("admin.googleapis.com", "Google Workspace") as http:
        assert http.get("/admin/directory/v1/users?customer=my_customer").object() == {}


def test_threads_share_one_token(google):
    signin = sign_in(google)
    threads = [threading.Thread(target=signin.headers) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert len(google.asked("token")) == 1


def test_a_token_that_is_refused_before_its_time_is_renewed_once(google):
    with sign_in(google).http("storage.googleapis.com", "Cloud Storage") as http:
        for _ in range(2):
            http.get("/storage/v1/b?project=p")
        google.tokens.forget()
        http.get("/storage/v1/b?project=p")

        assert len(google.asked("token")) == 2
        with google.failing(refusals.EXPIRED, "storage.buckets.list"), pytest.raises(CredentialsError, match="does not accept"):
            http.get("/storage/v1/b?project=p")
        assert len(google.asked("token")) == 3


def test_a_token_near_its_end_is_not_used(google):
    google.tokens.lifetime = 200  # google-auth counts on less than four minutes as on none
    signin = sign_in(google)
    first, second = signin.headers(), signin.headers()

    assert first != second
