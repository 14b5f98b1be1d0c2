"""The config of the provider gcp, its admission, its connector, and whose credentials are used."""

from __future__ import annotations

import json
import pathlib

import pytest

from providers import registry, schema
from providers.errors import ConfigError
from providers.testing import connector_of, operator_of

CONFIG = registry.get("gcp").config


def complaint(raw: dict) -> str:
    with pytest.raises(ConfigError) as caught:
        schema.parse(CONFIG, raw)
    return str(caught.value)


def test_the_quick_starts_job_is_accepted(google):
    raw = {
        "project_ids": ["my-gcp-project-123", "another-project-456"],
        "credentials_json": google.key(),
        "page_size": 20,
        "batch_size": 100,
    }
    config = schema.parse(CONFIG, raw)

    assert config.project_ids == ("my-gcp-project-123", "another-project-456")
    assert schema.redact(CONFIG, raw)["credentials_json"] == schema.REDACTED


def test_the_quick_starts_dots_make_a_job_that_says_what_it_lacks_when_it_runs(opened, google):
    with pytest.raises(ConfigError, match=r"`credentials_json\.private_key` cannot be used .*download the key anew"):
        opened(credentials_json=google.key(private_key="...", private_key_id="..."))


def test_what_is_known_to_everybody_is_not_masked_in_sentences_and_the_key_is(google):
    secrets = set(schema.secret_values(CONFIG, {"credentials_json": google.key()}))

    assert secrets == {google.key()["private_key"], google.key()["private_key_id"]}
    assert schema.redact(CONFIG, {"credentials_json": google.key()}) == {"credentials_json": schema.REDACTED}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"project_ids": ["My Project"]}, "'My Project' is not the id of a project"),
        ({"project_ids": ["123456789012"]}, "not its name or number"),
        ({"project_ids": "my-project"}, "`project_ids` must be a list, and is a text"),
        ({"projects": []}, "did you mean `project_ids`?"),
        ({"page_size": 501}, "`page_size` must be at most 500"),
        ({"parallel_projects": 0}, "`parallel_projects` must be at least 1"),
        ({"credentials_json": "text"}, "`credentials_json` must be an object, and is a text"),
        ({"endpoint": "https://evil.example"}, "unknown config key `endpoint`"),
    ],
)
def test_bad_configs(change, words):
    assert words in complaint(change)


@pytest.mark.parametrize("kind", ["external_account", "authorized_user", "impersonated_service_account", "gdch_service_account", None, 7])
def test_a_job_may_bring_a_service_accounts_key_and_nothing_else(google, kind):
    key = google.key(type=kind, credential_source={"executable": {"command": "/bin/sh"}}, token_url="https://evil.example/token")
    said = complaint({"credentials_json": key})

    assert "`credentials_json.type`" in said
    assert "service_account" in said


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"private_key": None}, "`credentials_json.private_key` is missing"),
        ({"private_key": "canary-not-a-pem"}, "`credentials_json.private_key` is not a PEM key"),
        ({"client_email": None}, "`credentials_json.client_email` is missing"),
        ({"universe_domain": "evil.example"}, "`credentials_json.universe_domain`"),
    ],
)
def test_a_key_that_is_none_is_refused_by_the_name_of_its_field(google, change, words):
    said = complaint({"credentials_json": google.key(**change)})

    assert words in said
    assert "canary" not in said


def test_the_token_uri_of_a_key_is_not_followed(opened, google):
    source = opened(credentials_json=google.key(token_uri="https://evil.example/token", auth_uri="https://evil.example/auth"))

    assert source.check().name.startswith("reader@")
    assert len(google.asked("token")) == 1


def test_a_key_and_a_file_exclude_each_other(google):
    assert "exclude each other" in complaint({"credentials_json": google.key(), "credentials_path": "/x.json"})


@pytest.mark.parametrize("variable", ["GCP_CREDENTIALS_FILE", "GOOGLE_APPLICATION_CREDENTIALS"])
def test_a_job_without_a_key_uses_the_operators_file(opened, google, tmp_path, variable):
    path = tmp_path / "gcp-credentials.json"
    path.write_text(json.dumps(google.key()))

    assert opened({variable: str(path)}, credentials_json=None).check().name.startswith("reader@")


def test_the_jobs_own_key_comes_first_and_the_providers_file_before_the_default_credentials(opened, google, tmp_path):
    path, broken = tmp_path / "gcp.json", tmp_path / "broken.json"
    path.write_text(json.dumps(google.key()))
    broken.write_text("{}")

    assert opened({"GCP_CREDENTIALS_FILE": str(broken)}).check()
    assert opened({"GCP_CREDENTIALS_FILE": str(path), "GOOGLE_APPLICATION_CREDENTIALS": str(broken)}, credentials_json=None).check()
    with pytest.raises(ConfigError, match=r"GCP_CREDENTIALS_FILE \(.*\): `type` is missing"):
        opened({"GCP_CREDENTIALS_FILE": str(broken)}, credentials_json=None)


def test_a_file_that_a_job_names_is_a_service_accounts_too(opened, google, tmp_path):
    path = tmp_path / "key.json"
    path.write_text(json.dumps({**google.key(), "type": "authorized_user", "client_secret": "canary", "refresh_token": "canary"}))
    with pytest.raises(ConfigError, match="`type` is 'authorized_user'") as caught:
        opened(credentials_json=None, credentials_path=str(path))
    assert "canary" not in str(caught.value)
    path.write_text(json.dumps(google.key()))

    assert opened(credentials_json=None, credentials_path=str(path)).check()


def test_a_persons_calls_are_billed_to_the_project_that_the_person_names(google):
    from providers.google import signin as google_signin

    key = {"type": "authorized_user", "client_id": "i", "client_secret": "s", "refresh_token": "r", "quota_project_id": "bill-me-123"}
    signin = google_signin.sign_in(operator_of(registry.get("gcp"), google.operator), ["x"], key=key)

    assert signin._billed == {"x-goog-user-project": "bill-me-123"}
    assert google_signin.sign_in(operator_of(registry.get("gcp"), google.operator), ["x"], key=google.key())._billed == {}


def test_the_connectors_config_is_the_quick_starts():
    provider = registry.get("gcp")
    environment = {"GCP_PROJECT_ID": "my-gcp-project-123456", "GCP_CREDENTIALS_PATH": "/app/credentials/gcp-credentials.json"}

    assert provider.connector
    assert connector_of(provider, environment) == {
        "project_ids": ["my-gcp-project-123456"],
        "credentials_path": "/app/credentials/gcp-credentials.json",
    }
    assert connector_of(provider, {}) == {}
    assert schema.parse(provider.config, connector_of(provider, environment)).project_ids == ("my-gcp-project-123456",)


def test_the_quick_starts_request_makes_a_job_and_shows_no_key(elder):
    text = (pathlib.Path(__file__).parents[3] / "docs" / "quickstart.md").read_text()
    example = text.partition("**GCP Example:**")[2].partition("-d '")[2].partition("'")[0]
    organization = elder.post("organizations", {"name": "Cloud"})["id"]
    made = elder.post("discovery/jobs", {**json.loads(example), "organization_id": organization})

    assert (made["provider"], made["status"]) == ("gcp", "pending")
    assert elder.get(f"discovery/jobs/{made['id']}")["config"]["credentials_json"] == schema.REDACTED
