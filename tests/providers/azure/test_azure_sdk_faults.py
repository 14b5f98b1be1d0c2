"""Exceptions of Microsoft's libraries: each has one of our errors, and a sign-in without an answer is not taken for a refused one."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import pytest
from azure.core import exceptions as azure
from azure.identity import CredentialUnavailableError, ManagedIdentityCredential, WorkloadIdentityCredential
from azure.identity._exceptions import AuthenticationRequiredError
from peers.arm_account import TENANT

from providers.errors import BadAnswer, CredentialsError, NoCredentialsYet, ProviderError, ScopeError, TimedOut
from providers.http.response import HttpResponse
from providers.microsoft.failure import classify
from providers.microsoft.signin import Bearer
from providers.microsoft.transport import Transport

EXPECTED = {
    "AuthenticationRequiredError": CredentialsError,
    "ClientAuthenticationError": CredentialsError,
    "CredentialUnavailableError": CredentialsError,
    "DecodeError": BadAnswer,
    "DeserializationError": BadAnswer,
    "IncompleteReadError": BadAnswer,
    "ServiceRequestError": TimedOut,
    "ServiceRequestTimeoutError": TimedOut,
    "ServiceResponseError": TimedOut,
    "ServiceResponseTimeoutError": TimedOut,
}
"""The error of each exception, by name; one that is not here is the trouble of one call."""


def exceptions() -> list[type]:
    own = [one for one in vars(azure).values() if isinstance(one, type) and issubclass(one, Exception) and one.__module__ == azure.__name__]
    return sorted({*own, CredentialUnavailableError, AuthenticationRequiredError}, key=lambda one: one.__name__)


def made(kind: type) -> Exception:
    answer = SimpleNamespace(status_code=418, reason="", text=lambda: "", content_type="", headers={})
    if kind in (azure.ODataV4Error, azure.StreamConsumedError, azure.StreamClosedError, azure.ResponseNotReadError):
        return kind(SimpleNamespace(**vars(answer), request=SimpleNamespace(method="GET", url="x")))
    return kind(scopes=("x",), message="x") if kind is AuthenticationRequiredError else kind("x")


@pytest.mark.parametrize("kind", exceptions(), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("prefix", ["AZURE_", "ENTRA_"])
def test_each_exception_of_azure_core_and_azure_identity_has_its_error(kind, prefix):
    assert type(classify(made(kind), prefix)) is EXPECTED.get(kind.__name__, ScopeError)


def test_the_exceptions_are_those_that_are_installed():
    assert {one.__name__ for one in exceptions()} >= set(EXPECTED)


class Answering:
    """An HTTP client that gives written answers; an exception is raised."""

    def __init__(self, *answers: bytes | Exception) -> None:
        self._answers = list(answers)

    def send(self, _method: str, url: str, **_more: object) -> HttpResponse:
        found = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(found, Exception):
            raise found
        return HttpResponse(200, {"content-type": "application/json"}, found, url)


def token(seconds: int) -> bytes:
    return json.dumps({"access_token": "t", "expires_in": str(seconds), "resource": "https://x", "token_type": "Bearer"}).encode()


def workload(path: str, *answers: bytes | Exception) -> Bearer:
    transport = Transport(Answering(*answers))  # type: ignore[arg-type]
    options = {"disable_instance_discovery": True, "transport": transport, "retry_total": 0}
    found = WorkloadIdentityCredential(tenant_id=TENANT, client_id="app-1", token_file_path=path, **options)
    return Bearer(found, ["https://x/.default"], "AZURE_", lambda: found)


def machine(*answers: bytes | Exception) -> Bearer:
    found = ManagedIdentityCredential(transport=Transport(Answering(*answers)), retry_total=0)  # type: ignore[arg-type]
    return Bearer(found, ["https://x/.default"], "AZURE_", lambda: found)


def told(bearer: Bearer) -> ProviderError:
    with pytest.raises(ProviderError) as found:
        bearer.headers()
    return found.value


def test_a_federated_token_that_is_not_mounted_is_named_and_final(tmp_path):
    bearer = workload(str(tmp_path / "gone"), b"{}")
    for _ in range(2):
        error = told(bearer)
        assert type(error) is CredentialsError
        assert f"{tmp_path / 'gone'} cannot be read (No such file or directory)" in str(error)


@pytest.mark.parametrize("body", [b"<html>", b"{}"])
def test_a_page_in_place_of_a_token_is_no_wrong_secret(tmp_path, body):
    """And it is told once for the run."""
    (tmp_path / "token").write_text("x")
    bearer = workload(str(tmp_path / "token"), body)
    assert type(told(bearer)) is NoCredentialsYet
    assert re.search("is not Microsoft Entra|is not JSON", str(told(bearer)))


def test_a_secrets_sign_in_that_is_answered_by_a_page_is_no_wrong_secret():
    """azure-identity wraps the error of msal's JSON."""
    error = azure.ClientAuthenticationError("Authentication failed: Expecting value: line 1 column 1 (char 0)")
    error.__cause__ = json.JSONDecodeError("Expecting value", "<html>", 0)
    assert type(classify(error, "AZURE_")) is BadAnswer


@pytest.mark.parametrize("silence", [TimedOut("no answer"), b"<html>"], ids=["silent", "page"])
def test_a_managed_identity_that_is_silent_for_a_moment_is_not_missing(silence):
    assert type(told(machine(TimedOut("no answer")))) is CredentialsError, "where there never was one"
    bearer = machine(token(240), silence)
    for _ in range(2):  # it ends within five minutes, and is renewed
        assert bearer.headers() == {"Authorization": "Bearer t"}
    bearer.renew({"Authorization": "Bearer t"}, HttpResponse(401, {}, b"", "https://x"))
    bearer._credential = machine(silence)._credential
    bearer._anew = lambda: bearer._credential
    error = told(bearer)
    assert type(error) is NoCredentialsYet
    assert "no managed identity" not in str(error)
