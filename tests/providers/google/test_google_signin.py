"""Signing in to Google: which credentials are taken, where they are sent, and what is said when they are refused."""

from __future__ import annotations

import json
import subprocess
import sys
import threading

import pytest
from peers import google_refusals as refusals
from peers import google_tokens as tokens
from peers.google_contract import Google, contract
from peers.port import free_port

from providers.errors import ConfigError, CredentialsError, Denied, NoCredentialsYet, PageExpired, Throttled, Unsupported
from providers.google import key as google_key
from providers.google import signin as google_signin
from providers.google.causes import NotFound
from providers.google.operator import GoogleOperator
from providers.http import retry
from providers.variables import read

CLOUD = "https://www.googleapis.com/auth/cloud-platform"
USERS = "https://www.googleapis.com/auth/admin.directory.user.readonly"
ADMIN = "admin@example.com"


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(retry, "wait", lambda seconds: None)


def sign_in(google, *, scopes=(CLOUD,), key=None, subject=""):
    return google_signin.sign_in(read(GoogleOperator, google.operator), scopes, key=key or google.key(), subject=subject)


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


def written(tmp_path, content) -> str:
    path = tmp_path / "credentials.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def federated(tmp_path, **source) -> dict:
    """What ``gcloud iam workload-identity-pools create-cred-config`` writes."""
    token = tmp_path / "token"
    token.write_text(tokens.FEDERATED)
    return {
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": source or {"file": str(token)},
    }


# --- which credentials are taken


@pytest.mark.parametrize(
    "made",
    [
        lambda google, tmp_path: google.key(),
        lambda google, tmp_path: {"type": "authorized_user", **tokens.PERSON},
        lambda google, tmp_path: federated(tmp_path),
    ],
    ids=["service_account", "authorized_user", "external_account"],
)
def test_the_operators_file_may_be_of_any_kind_without_a_program(google, tmp_path, made):
    operator = {**google.operator, "GOOGLE_APPLICATION_CREDENTIALS": written(tmp_path, made(google, tmp_path))}
    with google_signin.sign_in(read(GoogleOperator, operator), [CLOUD]).http("storage.googleapis.com", "Cloud Storage") as http:
        assert http.get("/storage/v1/b?project=p").object() == {}
    assert len(google.asked("token")) == 1


def test_without_a_file_the_machine_says_who_it_is(google, monkeypatch):
    from google.auth.compute_engine import _metadata

    with contract(Google()) as machine:
        monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", machine.url.removeprefix("http://"))
        signin = google_signin.sign_in(read(GoogleOperator, {"GOOGLE_ENDPOINT_URL": machine.url}), [CLOUD])
        with signin.http("storage.googleapis.com", "Cloud Storage") as http:
            assert http.get("/storage/v1/b?project=p").object() == {}
        assert len(machine.asked("metadata")) == 2


def test_without_anything_it_is_said_what_to_do(google, monkeypatch):
    from google.auth.compute_engine import _metadata

    monkeypatch.setattr("google.auth._exponential_backoff.time.sleep", lambda seconds: None)
    monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", f"127.0.0.1:{free_port()}")
    with pytest.raises(CredentialsError, match="there is no key; give one, or run where"):
        google_signin.sign_in(GoogleOperator(), [CLOUD]).headers()


@pytest.mark.parametrize(
    "kind", ["external_account", "authorized_user", "impersonated_service_account", "gdch_service_account", "", 7, None]
)
def test_a_job_may_bring_a_service_accounts_key_and_nothing_else(google, kind):
    with pytest.raises(ConfigError, match=r"`credentials\.type` .*taken here: service_account"):
        google_key.check_job(google.key(type=kind))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"client_email": None}, "`credentials.client_email` is missing"),
        ({"private_key": None}, "`credentials.private_key` is missing"),
        ({"client_email": "reader"}, "`credentials.client_email` is not an e-mail address"),
        ({"private_key": "canary"}, "`credentials.private_key` is not a PEM key"),
        ({"private_key": "-----BEGIN PRIVATE KEY-----\\ncanary"}, "escaped once too often"),
        ({"private_key": ["canary"]}, "`credentials.private_key` is not a PEM key"),
        ({"universe_domain": "canary.example"}, "`credentials.universe_domain` must be googleapis.com"),
    ],
)
def test_a_key_is_refused_by_its_field_and_never_quoted(google, changes, words):
    with pytest.raises(ConfigError) as refused:
        google_key.check_job(google.key(**changes))

    assert words in str(refused.value)
    assert "canary" not in str(refused.value).replace("canary.example", "")


def test_a_key_that_is_damaged_is_refused_by_its_field_and_never_quoted(google):
    lines = google.key()["private_key"].splitlines()
    key = google.key(private_key="\n".join([*lines[:3], *lines[5:]]))
    with pytest.raises(ConfigError, match=r"`credentials\.private_key` cannot be used") as refused:
        sign_in(google, key=key)

    assert lines[2] not in str(refused.value) + refused.value.detail


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("not json, canary", "is not JSON"),
        ("[]", "holds a JSON list"),
        ({"type": "external_account"}, "`credential_source` is missing"),
        ({"type": "impersonated_service_account"}, "taken here: service_account, authorized_user, external_account"),
    ],
)
def test_a_file_that_is_none_is_refused_by_the_variable_that_names_it(tmp_path, content, words):
    with pytest.raises(ConfigError) as refused:
        google_signin.sign_in(read(GoogleOperator, {"GOOGLE_APPLICATION_CREDENTIALS": written(tmp_path, content)}), [CLOUD])

    assert "GOOGLE_APPLICATION_CREDENTIALS" in str(refused.value)
    assert words in str(refused.value)
    assert "canary" not in str(refused.value)


def test_no_program_is_run_for_credentials_not_even_the_operators(google, tmp_path):
    key = federated(tmp_path, executable={"command": f"/usr/bin/touch {tmp_path}/ran", "timeout_millis": 5000})
    with pytest.raises(ConfigError, match=r"`credential_source\.executable` is refused"):
        google_signin.sign_in(read(GoogleOperator, {"GOOGLE_APPLICATION_CREDENTIALS": written(tmp_path, key)}), [CLOUD])

    assert not (tmp_path / "ran").exists()


def test_acting_as_a_person_takes_a_service_account(google, tmp_path):
    operator = {"GOOGLE_APPLICATION_CREDENTIALS": written(tmp_path, {"type": "authorized_user", **tokens.PERSON})}
    with pytest.raises(ConfigError, match="takes a service account's key"):
        google_signin.sign_in(read(GoogleOperator, operator), [USERS], subject=ADMIN)


# --- where they are sent


def test_the_token_endpoint_in_a_key_is_never_followed(google):
    with contract(Google()) as stranger:
        key = google.key(token_uri=f"{stranger.url}/token")
        google_key.check_job(key)
        buckets(google, key=key)

    assert stranger.calls == []
    assert len(google.asked("token")) == 1


def test_without_an_endpoint_of_the_operator_it_is_googles(google):
    signin = google_signin.sign_in(GoogleOperator(), [CLOUD], key=google.key(token_uri="https://example.com/token"))

    assert signin.credentials._token_uri == "https://oauth2.googleapis.com/token"
    assert signin.base_url("compute.googleapis.com") == "https://compute.googleapis.com"


# --- what is said when they are refused


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (refusals.INVALID_GRANT, "the key was deleted"),
        (refusals.ACCOUNT_GONE, "the account was deleted or disabled"),
        (refusals.Refusal(400, "invalid_grant", "Token has been expired or revoked."), "was revoked or has expired"),
        (refusals.Refusal(401, "invalid_client", "The OAuth client was disabled."), r"\(invalid_client\)"),
    ],
)
def test_a_refused_sign_in_says_what_to_do(google, refusal, words):
    with google.failing(refusal, "token"), pytest.raises(CredentialsError, match=words) as refused:
        buckets(google)

    assert "reader@my-gcp-project-123" in str(refused.value)
    assert len(google.asked("token")) == 1, "what cannot succeed is not tried again"


def test_a_wrong_clock_is_named(google, monkeypatch):
    import datetime as dt

    from google.auth import _helpers

    monkeypatch.setattr("google.oauth2.service_account._helpers.utcnow", lambda: dt.datetime(2020, 1, 1))  # noqa: DTZ001 - as google-auth has it
    with pytest.raises(CredentialsError, match=r"set this machine's clock \(NTP\)"):
        buckets(google)
    assert _helpers.utcnow().year == 2020


def test_a_scope_that_the_domain_does_not_delegate_is_a_missing_permission(google):
    google.tokens.delegated = {USERS}
    with pytest.raises(Denied, match="domain-wide delegation") as refused:
        sign_in(google, scopes=(CLOUD,), subject=ADMIN).headers()

    assert refused.value.permission == CLOUD


@pytest.mark.parametrize("refusal", [refusals.BROKEN, refusals.CUT], ids=["500", "cut"])
def test_a_token_endpoint_that_is_down_says_nothing_of_the_key(google, monkeypatch, refusal):
    monkeypatch.setattr("google.auth._exponential_backoff.time.sleep", lambda seconds: None)
    with google.failing(refusal, "token"), pytest.raises(NoCredentialsYet, match="does not answer as it should"):
        sign_in(google).headers()


def test_a_certificate_that_is_not_trusted_is_named(google):
    operator = {"GOOGLE_ENDPOINT_URL": google.url}
    with pytest.raises(CredentialsError, match="set GOOGLE_CA_BUNDLE"):
        google_signin.sign_in(read(GoogleOperator, operator), [CLOUD], key=google.key()).headers()


# --- what an API says when it refuses


@pytest.mark.parametrize("reason", ["userRateLimitExceeded", "rateLimitExceeded", "quotaExceeded"])
@pytest.mark.parametrize("status", [403, 429])
def test_a_rate_limit_is_no_missing_permission(google, reason, status, monkeypatch):
    waits: list[float] = []
    monkeypatch.setattr(retry, "wait", waits.append)
    with google.failing(refusals.throttled(reason, status), "storage.buckets.list", times=1):
        buckets(google)
    with google.failing(refusals.throttled(reason, status), "storage.buckets.list"), pytest.raises(Throttled, match=reason):
        buckets(google)

    assert sum(waits[1:]) >= 60, "a quota is counted by the minute"


@pytest.mark.parametrize(
    ("refusal", "permission"),
    [
        (refusals.denied("compute.disks.list"), "compute.disks.list"),
        (refusals.Refusal(403, "forbidden", "Required 'iam.roles.list' permission for 'projects/p'"), "iam.roles.list"),
        (refusals.Refusal(403, "", "Permission storage.buckets.get denied on resource", "PERMISSION_DENIED"), "storage.buckets.get"),
        (refusals.Refusal(403, "", "The caller does not have permission", "PERMISSION_DENIED"), "storage.buckets.list"),
        (refusals.denied(), "storage.buckets.list"),
    ],
)
def test_a_missing_permission_is_named_by_google_or_else_by_us(google, refusal, permission):
    with google.failing(refusal, "storage.buckets.list"), pytest.raises(Denied) as refused:
        buckets(google)

    assert refused.value.permission == permission
    assert permission in str(refused.value)


def test_a_token_without_the_scope_is_a_missing_permission(google):
    with pytest.raises(Denied) as refused:
        buckets(google, scopes=("https://www.googleapis.com/auth/compute.readonly",))

    assert "OAuth scope https://www.googleapis.com/auth/" in refused.value.permission


def test_an_api_that_is_not_enabled_is_unsupported(google):
    fault = refusals.disabled("storage.googleapis.com")
    with google.failing(fault, "storage.buckets.list"), pytest.raises(Unsupported, match=r"storage\.googleapis\.com is not enabled"):
        buckets(google)


def test_what_is_not_there_and_a_stale_page_have_names_of_their_own(google):
    google.items["storage.buckets.list"] = [{"name": str(number)} for number in range(4)]
    with sign_in(google).http("storage.googleapis.com", "Cloud Storage") as http:
        with pytest.raises(NotFound), google.failing(refusals.NOT_FOUND, "storage.buckets.list"):
            http.get("/storage/v1/b?project=p")
        with pytest.raises(PageExpired):
            http.get("/storage/v1/b?project=p&pageToken=old")


def test_no_client_library_of_google_is_loaded_for_it():
    """google-auth alone, over urllib3: a sign-in costs neither requests nor grpc."""
    code = (
        "import sys; from providers.google import signin as google_signin\n"
        "found = {'requests', 'grpc', 'googleapiclient', 'httplib2', 'aiohttp'} & set(sys.modules)\nassert not found, found"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
