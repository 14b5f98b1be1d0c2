"""Exceptions of google-auth when it gets no token: each has one of our errors, by its class, its flag and Google's answer."""

from __future__ import annotations

import json

import pytest
from google.auth import exceptions, identity_pool, impersonated_credentials
from google.oauth2 import _client, utils

from providers.errors import BadAnswer, CredentialsError, Denied, TimedOut
from providers.google.operator import GoogleOperator
from providers.google.signin import sign_in
from providers.google.signin_faults import of_signin

EXPECTED = {
    "TransportError": TimedOut,
    "TimeoutError": TimedOut,
    "ResponseError": TimedOut,
    "RefreshError": BadAnswer,
    "OAuthError": BadAnswer,
}
"""The error of each class without an answer of Google's; the others are about the credentials."""
NEVER_RETRYABLE = ("ClientCertError",)
ALL = sorted(
    (one for one in vars(exceptions).values() if isinstance(one, type) and issubclass(one, exceptions.GoogleAuthError)),
    key=lambda one: one.__name__,
)
WHO = "the service account a@b"


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_each_exception_of_google_auth_has_its_error(kind):
    assert type(of_signin(kind("some words"), WHO)) is EXPECTED.get(kind.__name__, CredentialsError)
    passing = CredentialsError if kind.__name__ in NEVER_RETRYABLE or issubclass(kind, exceptions.ReauthFailError) else TimedOut
    assert type(of_signin(kind("some words", retryable=True), WHO)) is passing


def test_the_exceptions_are_those_that_are_installed():
    assert {one.__name__ for one in ALL} >= {*EXPECTED, "DefaultCredentialsError", "MutualTLSChannelError", "ReauthFailError"}


@pytest.mark.parametrize(("renewed", "kind"), [(False, CredentialsError), (True, TimedOut)])
def test_a_metadata_server_that_is_silent_for_a_moment_is_no_missing_key(renewed, kind):
    """Where it has given a token before, it is there: the run is not over."""
    words = "Failed to retrieve the token from the Google Compute Engine metadata service. Compute Engine Metadata server unavailable"
    for error in (exceptions.TransportError(words), exceptions.RefreshError(exceptions.TransportError(words))):
        assert type(of_signin(error, "the machine's service account", renewed=renewed)) is kind


def raised(call, *arguments, **more) -> Exception:
    """The exception that google-auth raises."""
    with pytest.raises(Exception) as found:
        call(*arguments, **more)
    return found.value


@pytest.mark.parametrize(
    ("body", "kind", "told"),
    [
        (
            {"error": "invalid_grant", "error_description": "The audience in ID Token [x] does not match the expected audience."},
            CredentialsError,
            "check the issuer, the audience and the conditions there .*does not match the expected audience",
        ),
        (
            {"error": "unauthorized_client", "error_description": "The given credential is rejected by the attribute condition."},
            CredentialsError,
            "rejected by the attribute condition",
        ),
        ({"error": {"code": 503, "message": "Try later.", "status": "UNAVAILABLE"}}, TimedOut, "does not answer as it should"),
        ("<html>Forbidden</html>", BadAnswer, "is a proxy in between"),
    ],
)
def test_the_security_token_service(body, kind, told):
    ours = of_signin(raised(utils.handle_error_response, body if isinstance(body, str) else json.dumps(body)), "a federated identity")
    assert type(ours) is kind
    with pytest.raises(kind, match=told):
        raise ours


@pytest.mark.parametrize(
    ("body", "retryable", "kind"),
    [
        ({"error": "invalid_grant", "error_description": "Invalid JWT Signature."}, False, CredentialsError),
        ({"error": "invalid_client", "error_description": "The OAuth client was disabled."}, False, CredentialsError),
        ({"error": "unauthorized_client", "error_description": "Client is unauthorized"}, False, Denied),
        ({"error": "server_error"}, True, TimedOut),
        ({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}, False, TimedOut),
        ("<html>502</html>", True, TimedOut),
        ("<html>403</html>", False, BadAnswer),
        ("<!-- ERR_ACCESS_DENIED --><html>Access_denied: RAPT</html>", False, BadAnswer),
    ],
)
def test_the_token_endpoint(body, retryable, kind):
    assert type(of_signin(raised(_client._handle_error_response, body, retryable), WHO, ("scope",))) is kind


class Answer:
    """An answer of IAM Service Account Credentials."""

    def __init__(self, status: int, body: dict) -> None:
        self.status, self.data = status, json.dumps(body).encode()


@pytest.mark.parametrize(
    ("status", "name", "kind"),
    [(403, "PERMISSION_DENIED", CredentialsError), (404, "NOT_FOUND", CredentialsError), (503, "UNAVAILABLE", TimedOut)],
)
def test_an_impersonation(status, name, kind):
    body = {"error": {"code": status, "message": "Permission 'iam.serviceAccounts.getAccessToken' denied", "status": name}}
    call = impersonated_credentials._make_iam_token_request
    ours = of_signin(raised(call, lambda **_: Answer(status, body), "a@b", {}, {}), "a federated identity")
    assert type(ours) is kind
    assert ("roles/iam.workloadIdentityUser" in str(ours)) == (kind is CredentialsError)


@pytest.mark.parametrize("unreadable", [False, True], ids=["gone", "unreadable"])
def test_a_token_file_that_is_not_there_ends_the_run(tmp_path, unreadable):
    """And is looked for once: the other threads are told the same."""
    token, key = tmp_path / "token", tmp_path / "key.json"
    if unreadable:
        token.mkdir()
    source = {"file": str(token)}
    federation = {"type": "external_account", "audience": "//iam", "token_url": "https://sts.googleapis.com/v1/token"}
    key.write_text(json.dumps({**federation, "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "credential_source": source}))
    found = sign_in(GoogleOperator(application_credentials=str(key)), ["scope"])
    assert isinstance(found.credentials, identity_pool.Credentials)
    for _ in range(2):
        with pytest.raises(CredentialsError, match=r"its own token is not to be had|token cannot be read"):
            found.headers()
    assert found.credential.is_refused


def test_an_answer_that_google_auth_cannot_read_is_no_refusal():
    """google-auth lets the error of the JSON through."""
    assert type(of_signin(raised(json.loads, "<html>"), WHO)) is BadAnswer
