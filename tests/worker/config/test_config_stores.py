"""Secrets in stores that a job's config names: only those on the operator's list, and let pass without being read."""

from __future__ import annotations

import json
import re
from typing import Annotated

import msgspec
import pytest

from providers.errors import ConfigError
from providers.references import AWS
from providers.schema import Secret, SecretObject
from worker.config import settings
from worker.config.environment import SettingsError
from worker.config.references import References

ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:jobs/okta-a1B2c3"


class Config(msgspec.Struct, frozen=True):
    token: Secret | None = None
    key: Annotated[SecretObject, msgspec.Meta(description="x")] | None = None


def references(**environ) -> References:
    loaded = settings.load(environ)
    return References(loaded, loaded.sources, confine_files=False)


def refused(reference, **environ) -> str:
    with pytest.raises(ConfigError) as caught:
        references(**environ).resolved(Config, {"token": reference})
    return str(caught.value)


@pytest.mark.parametrize(
    ("allowed", "named"),
    [
        ("jobs/okta", "jobs/okta"),
        ("other, jobs/*", "jobs/okta"),
        (ARN, ARN),
        ("arn:aws:secretsmanager:eu-west-1:123456789012:secret:jobs/*", ARN),
    ],
)
def test_a_secret_on_the_list_passes_as_the_reference_that_it_is(allowed, named):
    one, config = references(SECRET_REFERENCE_AWS=allowed), {"token": {AWS: named, "key": "token"}, "key": {"inner": {AWS: named}}}
    assert one.resolved(Config, config) == config


@pytest.mark.parametrize(
    ("allowed", "named"),
    [
        ("", "jobs/okta"),
        ("jobs/okta", "jobs/okta2"),
        ("jobs/okta", "jobs/okt"),
        ("jobs/*", "job"),
        ("jobs/*", "Jobs/okta"),
        ("jobs/*", "prod/jobs/okta"),
        ("jobs/*", ARN),
        (ARN, "jobs/okta"),
        ("arn:aws:secretsmanager:eu-west-1:123456789012:secret:jobs/*", ARN.replace("123456789012", "210987654321")),
        ("arn:aws:secretsmanager:eu-west-1:123456789012:secret:jobs/*", ARN.replace("eu-west-1", "us-east-1")),
    ],
)
def test_any_other_secret_that_the_worker_may_read_is_refused(allowed, named):
    listed = allowed or "empty"
    for place in ({AWS: named}, {AWS: named, "key": "x"}):
        words = refused(place, SECRET_REFERENCE_AWS=allowed)
        assert (
            words == f'`token`: {{"$aws": "{named}"}} is not a secret that jobs may name (the worker\'s SECRET_REFERENCE_AWS is {listed})'
        )


@pytest.mark.parametrize(
    ("reference", "fault"),
    [
        ({AWS: ""}, "$aws takes the name or the ARN of a secret in AWS Secrets Manager"),
        ({AWS: "a b"}, "$aws takes the name or the ARN of a secret in AWS Secrets Manager"),
        ({AWS: "x" * 513}, "$aws takes the name or the ARN of a secret in AWS Secrets Manager"),
        ({AWS: ["x"]}, "$aws takes the name or the ARN of a secret in AWS Secrets Manager"),
        ({AWS: "arn:aws:s3:::bucket"}, "$aws takes the name or the ARN of a secret in AWS Secrets Manager"),
        ({AWS: "arn:aws:secretsmanager:eu-west-1:1:secret:x"}, "$aws takes the name or the ARN of a secret in AWS Secrets Manager"),
        ({AWS: "x", "kee": "y"}, "$aws stands alone in its object, but for `key`"),
        ({AWS: "x", "$env": "Y"}, "$aws stands alone in its object, but for `key`"),
        ({AWS: "x", "key": ""}, "`key` takes the name of a field of the secret that $aws names"),
        ({AWS: "x", "key": 1}, "`key` takes the name of a field of the secret that $aws names"),
        ({"$env": "X", "key": "y"}, "$env stands alone in its object"),
        ({"$file": "/run/x", "token": "y"}, "$file stands alone in its object"),
    ],
)
def test_a_malformed_reference_is_refused_and_not_taken_for_a_secret(reference, fault):
    """Also inside an object: what it holds beside the name would be shown."""
    assert refused(reference, SECRET_REFERENCE_AWS="x") == f"`token`: {fault}"
    with pytest.raises(ConfigError, match=re.escape(fault)):
        references().resolved(Config, {"key": {"a": [reference]}})


def test_a_file_of_the_workers_holds_no_further_reference(tmp_path):
    """Nobody would check it against the list."""
    (tmp_path / "key.json").write_text(json.dumps({"inner": {AWS: "prod/root"}}))
    with pytest.raises(ConfigError, match="holds a reference itself"):
        references(SECRET_REFERENCE_DIRS=str(tmp_path)).resolved(Config, {"key": {"$file": f"{tmp_path}/key.json"}})


def test_what_a_job_is_told_of_the_store(tmp_path):
    (tmp_path / "keys").write_text("")
    one = references(
        SECRET_REFERENCE_AWS="x",
        SECRET_REFERENCE_TIMEOUT="3",
        AWS_CREDENTIALS_FILE=str(tmp_path / "keys"),
        AWS_CONTAINER_AUTHORIZATION_TOKEN="t0ken",
    )
    access = one.access({"token": {AWS: "x"}})
    assert access is not None
    assert (access.timeout, access.files, access.secrets, access.confine_files) == (3, (str(tmp_path / "keys"),), ("t0ken",), False)
    assert access.settings == {AWS: {"credentials_file": str(tmp_path / "keys"), "container_authorization_token": "t0ken"}}
    assert one.access({"token": "plain"}) is None


def test_lists_that_allow_nearly_everything_or_name_nothing_stop_the_start():
    with pytest.raises(SettingsError) as caught:
        settings.load(
            {"SECRET_REFERENCE_AWS": "*, a*, arn:aws:*, ok/*, a b, arn:aws:secretsmanager:eu-west-1:123456789012:secret:*, mid*dle"}
        )
    words = "is neither the name or the ARN of a secret in AWS Secrets Manager nor the beginning of one with a * behind it"
    bad = ("*", "a*", "arn:aws:*", "a b", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:*", "mid*dle")
    assert caught.value.complaints == tuple(f"SECRET_REFERENCE_AWS: '{name}' {words}" for name in bad)
