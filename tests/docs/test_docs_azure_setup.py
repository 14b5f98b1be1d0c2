"""docs/setup-azure.md: its commands are those of az, its configs and settings are taken by our code, its denials are told by runs."""

from __future__ import annotations

import json
import re
import shlex

import pytest
from azure.core.exceptions import ClientAuthenticationError
from peers.arm_account import SECRET, SUBSCRIPTION, TENANT
from peers.graph import SECRET as GRAPH_SECRET
from peers.graph import TENANT as GRAPH_TENANT
from recorder import Recorder
from setup_page import SetupPage, vendor_faults

from providers import registry
from providers.azure.config import AzureConfig, AzureOperator
from providers.entra.client import _explained
from providers.entra.config import EntraOperator
from providers.errors import Denied, Outcome, ProviderError
from providers.http import retry
from providers.http.response import HttpResponse
from providers.microsoft import failure
from providers.microsoft.signin_faults import SENTENCES, sentence
from providers.runner import run
from providers.schema import parse
from providers.testing import operator_of
from worker.cli.main import main
from worker.config import sources

PAGE = SetupPage("docs/setup-azure.md")


@pytest.mark.parametrize("words", PAGE.calls("az", "kubectl"), ids=" ".join)
def test_a_command_is_one_of_the_vendors(words):
    assert vendor_faults(words) == []


def test_the_page_has_commands_of_every_step():
    assert len(PAGE.calls("az")) == 17
    assert "az role definition update --role-definition @role.json" in PAGE.text


def test_the_printed_role_is_the_one_that_is_assigned(capsys):
    [command] = PAGE.of("elder-worker")
    assert main(shlex.split(command.partition(">")[0])[1:]) == 0
    role = json.loads(capsys.readouterr().out)
    assert [words for words in PAGE.calls("az") if "--role" in words and words[words.index("--role") + 1] == role["Name"]]
    assert all(action.endswith("/read") for action in role["Actions"])
    assert role["DataActions"] == []
    assert {"Microsoft.KeyVault/vaults/secrets/read", "Microsoft.KeyVault/vaults/keys/read"} <= set(role["Actions"])


def test_the_configs_are_a_jobs():
    bodies = PAGE.jobs()
    assert [body["provider"] for body in bodies] == ["azure", "entra"]
    for body in bodies:
        parse(registry.get(body["provider"]).config, body["config"])
    pairs = [pair for pair in PAGE.pairs() if "provider" not in pair]
    assert [tuple(pair) for pair in pairs] == [
        ("subscription_ids",),
        ("management_group_ids",),
        ("exclude_subscriptions",),
        ("optional_types",),
    ]
    assert all(parse(AzureConfig, pair) for pair in pairs)


def test_the_settings_are_the_workers():
    known = {one.name for name in ("azure", "entra") for one in sources.variables(registry.description(name))}
    assert {name.removesuffix("_FILE") if name.endswith("SECRET_FILE") else name for name in PAGE.settings()} <= known
    cloud = PAGE.settings()["AZURE_CLOUD"]
    assert operator_of(registry.get("azure"), {"AZURE_CLOUD": cloud}) == AzureOperator(cloud="AzureUSGovernment")
    assert operator_of(registry.get("entra"), {"ENTRA_CLOUD": cloud}) == EntraOperator(cloud="AzureUSGovernment")


def test_the_permissions_that_are_added_are_those_that_entra_takes():
    ids = dict(re.findall(r"^\| `([\w.]+)`[^|]* \| `([0-9a-f-]{36})` \|$", PAGE.text, re.MULTILINE))
    hidden = ids.pop("Member.Read.Hidden")
    [added] = [words for words in PAGE.calls("az") if "--api-permissions" in words]

    assert set(ids) == {permission for kind in registry.get("entra").resource_types() for permission in kind.permissions}
    assert {word.removesuffix("=Role") for word in added if word.endswith("=Role")} == set(ids.values())
    assert hidden not in ids.values()


def test_the_federated_credential_and_the_label_are_documents():
    [credential] = map(json.loads, PAGE.documents())
    assert credential["subject"] == "system:serviceaccount:elder:elder-worker"
    [patch] = [words for words in PAGE.calls("kubectl") if "patch" in words]
    labels = json.loads(patch[-1])["spec"]["template"]["metadata"]["labels"]
    assert labels == {"azure.workload.identity/use": "true"}


def _opened(provider: str, peer, **config):
    found = registry.get(provider)
    return found.open(parse(found.config, config), operator_of(found, peer.operator))


def _told(source) -> list[tuple[str, str]]:
    """The outcomes and sentences of a run, and what ended it."""
    sink = Recorder()
    try:
        run(source, sink)
    except ProviderError as error:
        return [(error.error_kind, str(error))]
    finally:
        source.close()
    return [(report.outcome.value, report.message) for report in sink.reports.values() if report.outcome is not Outcome.COMPLETE]


@pytest.fixture
def azure_told(azure, monkeypatch):
    monkeypatch.setattr(retry, "wait", lambda seconds: None)
    azure.subscription()
    own = {"tenant_id": TENANT, "client_id": "app-1", "client_secret": SECRET}

    def with_fault(status: int, code: str, message: str = "No.", of: str = "/locks") -> list[tuple[str, str]]:
        azure.fault = lambda _method, path: (status, {}, {"error": {"code": code, "message": message}}) if path.endswith(of) else None
        found = _told(_opened("azure", azure, **own))
        azure.fault = lambda _method, _path: None
        return found

    action = "does not have authorization to perform action 'Microsoft.Authorization/locks/read' over scope"
    found = [
        *with_fault(403, "AuthorizationFailed", f"The client {action} '/subscriptions/x'."),
        *with_fault(403, "DenyAssignmentAuthorizationFailed", f"The client {action} '/x' because of the deny assignment 'd'."),
        *with_fault(409, "MissingSubscriptionRegistration"),
        *with_fault(429, "TooManyRequests"),
        *_told(_opened("azure", azure, **own, subscription_ids=["00000000-0000-0000-0000-000000000001"])),
        *_told(_opened("azure", azure, **own, management_group_ids=["contoso"])),
    ]
    azure.limited[SUBSCRIPTION] = "Prod"
    found += _told(_opened("azure", azure, **own))
    del azure.subscriptions[SUBSCRIPTION]
    source = _opened("azure", azure, **own)
    with pytest.raises(Denied) as caught:
        source.check()
    source.close()
    return [*found, (caught.value.error_kind, str(caught.value))]


@pytest.fixture
def entra_told(graph, monkeypatch):
    monkeypatch.setattr(retry, "wait", lambda seconds: None)
    graph.group("Board", graph.add("/users", displayName="User"), visibility="HiddenMembership")
    graph.permissions -= {"User.Read.All", "Member.Read.Hidden"}
    body = {"error": {"code": "Authentication_RequestFromNonPremiumTenantOrB2CTenant", "message": "No."}}
    answer = HttpResponse(403, {}, json.dumps(body).encode(), "https://graph.microsoft.com/v1.0/devices")
    unlicensed = _explained(answer, "list devices")
    source = _opened("entra", graph, tenant_id=GRAPH_TENANT, client_id="app-1", client_secret=GRAPH_SECRET)
    return [*_told(source), (unlicensed.outcome.value, str(unlicensed))]


def test_every_denial_has_a_sentence_that_a_run_tells(azure_told, entra_told):
    refused = [("credentials", f"cannot sign in to Azure: {sentence(code, 'AZURE_')}") for code in SENTENCES]

    for error in (
        FileNotFoundError(2, "No such file or directory", "/token"),
        ClientAuthenticationError("No response content from Microsoft Entra ID"),
    ):
        ours = failure.of_signin(error, "AZURE_")
        refused.append((ours.error_kind, str(ours)))

    assert len(PAGE.denials()) == 21
    assert PAGE.untold([*azure_told, *entra_told, *refused]) == []
