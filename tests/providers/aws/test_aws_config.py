"""What a job may say, where the worker's own identity comes from, and what is never looked at."""

from __future__ import annotations

import json

import pytest

from providers import registry
from providers.aws.config import AwsConfig, AwsOperator
from providers.aws.credentials import from_file
from providers.errors import ConfigError, CredentialsError
from providers.schema import parse, redact, secret_names
from providers.testing import connector_of

KEYS = {"access_key_id": "AKIDEXAMPLE", "secret_access_key": "very-secret"}


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        ({"access_key_id": "A"}, "go together"),
        ({"secret_access_key": "s"}, "go together"),
        ({"session_token": "t"}, "`session_token` needs"),
        ({"role_arn": "Reader"}, "not the ARN of an IAM role"),
        ({"regions": ["us east 1"]}, "not the name of a region"),
        ({"regions": "us-east-1"}, "`regions`"),
        ({"region": ["us-east-1"]}, "did you mean `regions`?"),
        ({"accounts": ["123456789012"]}, "`accounts` needs `assume_role_name`"),
        ({"accounts": ["12"], "assume_role_name": "Reader"}, "12 digits"),
        ({"page_size": 0}, "`page_size`"),
        ({"parallel_accounts": 100}, "`parallel_accounts`"),
        ({"profile": "default"}, "unknown config key `profile`"),
        ({"credential_process": "/bin/true"}, "unknown config key `credential_process`"),
        ({"endpoint_url": "http://169.254.169.254"}, "unknown config key `endpoint_url`"),
    ],
)
def test_a_wrong_config_is_refused_with_its_reason(raw, complaint):
    with pytest.raises(ConfigError) as raised:
        parse(AwsConfig, raw)

    assert complaint in str(raised.value)


def test_the_quick_starts_configs_are_accepted():
    assert parse(AwsConfig, {**KEYS, "regions": ["us-east-1", "us-west-2"]}).regions == ("us-east-1", "us-west-2")
    tuned = parse(AwsConfig, {"batch_size": 100, "parallel_accounts": 2, "page_size": 20})
    assert (tuned.batch_size, tuned.parallel_accounts, tuned.page_size) == (100, 2, 20)


def test_empty_keys_are_no_keys():
    """A compose file passes variables on that nobody has set; that must not get in the way of a role."""
    config = parse(AwsConfig, {"access_key_id": "", "secret_access_key": "", "session_token": ""})
    assert not config.access_key_id
    aws = registry.get("aws")
    assert connector_of(aws, {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_REGIONS": ""}) == {}


def test_secrets_are_marked():
    assert secret_names(AwsConfig) == {"access_key_id", "secret_access_key", "session_token", "external_id"}
    assert "very-secret" not in json.dumps(redact(AwsConfig, KEYS))


def test_the_connectors_config_comes_from_the_environment():
    raw = connector_of(
        registry.get("aws"),
        {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "S", "AWS_DEFAULT_REGION": "us-east-1", "AWS_REGIONS": "us-east-1, eu-west-1,"},
    )

    assert raw == {"access_key_id": "A", "secret_access_key": "S", "regions": ["us-east-1", "eu-west-1"]}
    assert parse(AwsConfig, raw)


@pytest.mark.parametrize(
    "text",
    [
        '{"access_key_id": "A", "secret_access_key": "S", "session_token": "T"}',
        '{"AccessKeyId": "A", "SecretAccessKey": "S", "SessionToken": "T"}',
        '{"Credentials": {"AccessKeyId": "A", "SecretAccessKey": "S", "SessionToken": "T", "Expiration": "2026-01-01"}}',
        '{"aws_access_key_id": "A", "aws_secret_access_key": "S", "aws_session_token": "T"}',
        "[default]\naws_access_key_id = A\naws_secret_access_key = S\naws_session_token = T\n",
    ],
)
def test_credential_files_of_every_kind(tmp_path, text):
    path = tmp_path / "aws-credentials.json"
    path.write_text(text)
    found = from_file(path)

    assert (found.access_key, found.secret_key, found.token) == ("A", "S", "T")


@pytest.mark.parametrize("text", ["", "{", "[]", "[other]\naws_access_key_id = A\n", '{"type": "service_account"}'])
def test_a_file_without_keys_is_refused(tmp_path, text):
    path = tmp_path / "aws-credentials.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match="holds no access_key_id"):
        from_file(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        from_file(tmp_path / "nowhere.json")


def test_a_profile_with_a_program_is_never_run(tmp_path, monkeypatch):
    """Neither a home folder, nor the variables that name its files, nor a program in them."""
    canary = tmp_path / "canary"
    profile = tmp_path / "config"
    profile.write_text(f"[default]\ncredential_process = /usr/bin/touch {canary}\nregion = us-east-1\n")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(profile))
    monkeypatch.setenv("AWS_PROFILE", "default")

    for visible in (AwsOperator(ec2_metadata_disabled=True, credentials_file=str(profile)), AwsOperator(ec2_metadata_disabled=True)):
        source = registry.get("aws").open(AwsConfig(), visible)
        with pytest.raises((ConfigError, CredentialsError)):
            source.check()
        source.close()
    assert not canary.exists()
