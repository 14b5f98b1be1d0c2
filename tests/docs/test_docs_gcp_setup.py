"""docs/setup-gcp.md: its commands are those of gcloud, its roles, configs and files are taken by our code, its denials are told by a run."""

from __future__ import annotations

import json
import shlex

import pytest
import yaml
from document import blocks
from google.auth.exceptions import OAuthError, RefreshError
from peers import google_permissions, google_refusals
from peers.google_cloud import PROJECTS
from recorder import Recorder
from setup_page import SetupPage, vendor_faults

from providers import registry
from providers.errors import ConfigError, CredentialsError, Denied, Outcome
from providers.gcp.catalogue import ABOVE_PROJECTS
from providers.gcp.config import GcpConfig
from providers.google import key as google_key
from providers.google.causes import CAUSES
from providers.google.signin_faults import of_signin
from providers.http import retry
from providers.runner import run
from providers.schema import parse
from providers.testing import operator_of
from worker.cli.main import main
from worker.config import sources

PAGE = SetupPage("docs/setup-gcp.md")
ONE, OTHER = PROJECTS


@pytest.mark.parametrize("words", PAGE.calls("gcloud", "kubectl"), ids=" ".join)
def test_a_command_is_one_of_the_vendors(words):
    assert vendor_faults(words) == []


def test_the_page_has_commands_of_every_step():
    assert len(PAGE.calls("gcloud")) == 19
    assert len(PAGE.calls("elder-worker")) == 3


def _printed(command: str, capsys) -> list[str]:
    """The permissions of the role that a command of the page prints; every one is a permission that Google has."""
    assert main(shlex.split(command.partition(">")[0])[1:]) == 0
    permissions = json.loads(capsys.readouterr().out)["includedPermissions"]
    assert set(permissions) <= google_permissions.known()
    return permissions


def test_the_role_goes_where_a_command_of_the_page_puts_it(capsys):
    """A role of a project has no permission that Google takes in an organization's only; with `feed: assets` it has that of Asset Inventory."""
    of_project, of_organization, with_assets = (_printed(command, capsys) for command in PAGE.of("elder-worker"))

    assert not [name for name in of_project + with_assets if name.startswith(ABOVE_PROJECTS)]
    assert {"resourcemanager.folders.list", "resourcemanager.organizations.get"} <= set(of_organization)
    assert set(with_assets) - set(of_project) == {"cloudasset.assets.listResource"}


def test_the_configs_are_a_jobs():
    (body,) = PAGE.jobs()
    config = parse(GcpConfig, body["config"])
    assert config.project_ids == ("my-project", "other-project")
    named = [parse(GcpConfig, pair) for pair in PAGE.pairs()]
    assert len(named) == 8
    assert {one.feed for one in named} == {"lists", "assets", "auto"}
    assert GcpConfig().feed == "lists"


def test_the_settings_are_the_workers():
    known = {one.name for one in sources.variables(registry.description("gcp"))}
    assert set(PAGE.settings()) <= known
    assert {"GCP_CREDENTIALS_FILE", "GOOGLE_APPLICATION_CREDENTIALS"} <= known


def test_the_file_of_a_federation_is_taken_from_the_operator_and_not_from_a_job(tmp_path):
    (text,) = [block.text for block in blocks(PAGE.path) if block.language == "json"]
    path = tmp_path / "google-federation.json"
    path.write_text(text)
    pod = next(yaml.safe_load(block.text) for block in blocks(PAGE.path) if block.language == "yaml")
    token = pod["volumes"][0]["projected"]["sources"][0]["serviceAccountToken"]

    assert google_key.read_operator(str(path), "GOOGLE_APPLICATION_CREDENTIALS")["credential_source"] == {
        "file": "/var/run/secrets/google/token"
    }
    assert google_key.token_file(str(path)) == f"/var/run/secrets/google/{token['path']}"
    assert token["audience"] == f"https:{json.loads(text)['audience']}"
    with pytest.raises(ConfigError, match="taken here: service_account"):
        google_key.read_job(str(path), "credentials_path")


def test_the_api_server_takes_the_volume_of_the_token(kube):
    pod = next(yaml.safe_load(block.text) for block in blocks(PAGE.path) if block.language == "yaml")
    mount = {"name": "google-token", "mountPath": "/var/run/secrets/google"}
    template = {"metadata": {"labels": {"app": "w"}}, "spec": {"containers": [{"name": "w", "image": "w", "volumeMounts": [mount]}], **pod}}
    sent = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "setup-gcp"}}
    sent["spec"] = {"selector": {"matchLabels": {"app": "w"}}, "template": template}
    stored = kube.call("POST", "/apis/apps/v1/namespaces/shop/deployments?dryRun=All", sent)["spec"]["template"]
    (volume,) = stored["spec"]["volumes"]
    assert volume["projected"]["sources"] == pod["volumes"][0]["projected"]["sources"]


@pytest.fixture
def told(company, google, monkeypatch):
    """The outcomes and sentences that runs over the contract server tell when something is wrong."""
    monkeypatch.setattr(retry, "wait", lambda seconds: None)
    provider = registry.get("gcp")
    company.enabled = ["serviceusage", "redis"]
    folder = {"name": "folders/42", "parent": "organizations/7", "displayName": "Folder", "state": "ACTIVE"}
    google.items |= {
        "cloudresourcemanager.folders.get": folder,
        "cloudresourcemanager.folders.list": lambda call: [],
        "redis.projects.locations.instances.list": lambda call: [],
    }

    def opened(**config):
        raw = {"credentials_json": google.key(), **config}
        return provider.open(parse(provider.config, raw), operator_of(provider, company.operator))

    def sentences(refusal=None, when="", **config) -> list[tuple[str, str]]:
        sink = Recorder()
        source = opened(**config)
        try:
            if refusal:
                with google.failing(refusal, when):
                    run(source, sink)
            else:
                run(source, sink)
        finally:
            source.close()
        return [(report.outcome.value, report.message) for report in sink.reports.values() if report.outcome is not Outcome.COMPLETE]

    def refused(**config) -> tuple[str, str]:
        source = opened(**config)
        try:
            with pytest.raises(Denied) as caught:
                source.check()
        finally:
            source.close()
        return caught.value.error_kind, str(caught.value)

    assets = {"project_ids": [ONE], "feed": "assets"}
    return [
        *sentences(
            google_refusals.denied("resourcemanager.projects.getIamPolicy"), "cloudresourcemanager.projects.getIamPolicy", project_ids=[ONE]
        ),
        *sentences(google_refusals.throttled("rateLimitExceeded"), "cloudresourcemanager.projects.getIamPolicy", project_ids=[ONE]),
        *sentences(project_ids=[ONE, "not-there-at-all"]),
        *sentences(google_refusals.denied("resourcemanager.folders.list"), "cloudresourcemanager.folders.list", folder_ids=["42"]),
        *sentences(google_refusals.denied("cloudasset.assets.listResource"), "cloudasset.assets.list", **assets),
        *sentences(google_refusals.disabled("cloudasset.googleapis.com"), "cloudasset.assets.list", **assets),
        refused(exclude_projects=["*"]),
    ]


def test_every_denial_has_a_sentence_that_a_run_tells(told):
    outcomes = {"Denied": "denied", "Unsupported": "unsupported", "Disabled": "unsupported", "CredentialsError": "credentials"}
    causes = [(outcomes[cause.error.__name__], cause.sentence) for cause in CAUSES]
    replies = ("Invalid JWT Signature", "account not found", "Token must be in a reasonable timeframe", "Compute Engine Metadata")
    refusals = [of_signin(ValueError(reply, {"error": "invalid_grant", "error_description": reply}), "the account") for reply in replies]
    refusals += [
        of_signin(OAuthError("Error code invalid_grant", '{"error": "invalid_grant"}'), "a federated identity"),
        of_signin(RefreshError("File '/token' was not found."), "a federated identity"),
        of_signin(RefreshError("Unable to acquire impersonated credentials", '{"error": {"status": "PERMISSION_DENIED"}}'), "the account"),
    ]
    assert {type(one) for one in refusals} == {CredentialsError}

    assert len(PAGE.denials()) == 22
    assert PAGE.untold([*told, *causes, *(("credentials", str(one)) for one in refusals)]) == []
