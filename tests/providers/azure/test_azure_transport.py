"""How requests to Azure are sent: to Azure's own hosts only, with the token that it asks for, by our own client. Case az-6."""

from __future__ import annotations

import pytest
from azure_account import read
from peers import serving

from providers.errors import Outcome
from providers.http.response import HttpResponse

# az-6: another host


@pytest.fixture
def elsewhere():
    """The address of a server that is not Azure, and the headers that it was sent."""
    sent = []

    class Handler(serving.Handler):
        def do_GET(self):
            sent.append(dict(self.headers))
            self.send_error(404)

    with serving.serving(Handler) as url:
        yield url, sent


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("Microsoft.Storage/storageAccounts", "azure_storage_account"),
        ("Microsoft.Compute/virtualMachines", "azure_vm"),
        ("/resourcegroups", "azure_resource_group"),
        ("/roleAssignments", "azure_role_assignment"),
        ("/permissions", "azure_disk"),
        ("/resources", "azure_disk"),
    ],
)
def test_case_az_6_a_link_to_another_host_is_refused_and_no_token_goes_there(account, elsewhere, path, kind):
    url, sent = elsewhere
    page = {"value": [], "nextLink": f"{url}/next?api-version=2021-04-01"}
    account.fault = lambda method, asked: (200, {}, page) if method == "GET" and asked.lower().endswith(path.lower()) else None
    report = read(account).report(kind)
    assert not sent
    assert "another host" in report.message
    assert report.outcome is Outcome.ERROR


# The transport


def test_a_challenge_for_claims_is_answered_with_a_new_token(account):
    """Continuous access evaluation: Azure wants another token, and says which."""
    import base64

    claims = base64.b64encode(b'{"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}').decode()
    challenge = {"WWW-Authenticate": f'Bearer authorization_uri="https://login", error="insufficient_claims", claims="{claims}"'}
    left = [1]

    def once(_method, path):
        if path.endswith("/resourcegroups") and left[0]:
            left[0] -= 1
            return 401, challenge, {"error": {"code": "InvalidAuthenticationToken", "message": "claims"}}
        return None

    account.fault = once
    assert read(account).report("azure_resource_group").outcome is Outcome.COMPLETE
    assert "nbf" in account.sign_ins[-1].get("claims", "")


def test_the_requests_library_sends_nothing(account, monkeypatch):
    import requests

    monkeypatch.setattr(requests.Session, "send", lambda *_args, **_options: pytest.fail("requests was used"))
    assert read(account).tally.complete


def test_an_answer_is_what_both_generations_of_the_sdk_expect():
    from azure.core.rest import HttpRequest

    from providers.microsoft.transport import Answered

    answer = Answered(
        HttpRequest("GET", "https://x/y"), HttpResponse(200, {"content-type": "application/json"}, b'{"a": 1}', "https://x/y")
    )
    assert (answer.json(), answer.text(), answer.body(), answer.content, answer.read()) == ({"a": 1}, '{"a": 1}', *[b'{"a": 1}'] * 3)
    assert (answer.headers["Content-Type"], answer.status_code, answer.reason) == ("application/json", 200, "200")
    assert list(answer.iter_bytes()) == list(answer.iter_raw()) == [b'{"a": 1}']
