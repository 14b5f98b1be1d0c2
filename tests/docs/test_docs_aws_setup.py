"""development/aws-discovery-setup.md: its commands are those of AWS, its configs are a job's, and its denials are those that a run tells."""

from __future__ import annotations

import json
import shlex

import botocore.session
import pytest
from botocore import xform_name
from botocore.exceptions import CredentialRetrievalError
from setup_page import SetupPage

from providers.aws import failure, sdk_faults, silence
from providers.aws.config import AwsConfig
from providers.schema import parse
from worker.cli.main import main

PAGE = SetupPage("development/aws-discovery-setup.md")
BY_AWS = PAGE.of("aws")


@pytest.mark.parametrize("command", BY_AWS)
def test_a_command_of_the_aws_cli_has_the_parameters_of_its_operation(command):
    """Against botocore's models, of which the AWS CLI makes its own options."""
    _, service, operation, *words = shlex.split(command.replace("\\\n", " "))
    model = botocore.session.get_session().get_service_model(service)
    shape = model.operation_model(next(name for name in model.operation_names if xform_name(name, "-") == operation)).input_shape
    options = {word.removeprefix("--") for word in words if word.startswith("--")}
    members = {xform_name(name, "-"): name for name in shape.members}
    assert options <= {*members, *(name for name in ("set-as-default",) if name in members)}
    assert {xform_name(name, "-") for name in shape.required_members} <= options


def test_the_page_has_commands_of_every_step():
    assert len(BY_AWS) == 10
    assert {text.split()[2] for text in BY_AWS} >= {"create-policy", "create-user", "create-role", "create-stack-set", "put-user-policy"}


def test_the_printed_policy_is_one_and_lets_nobody_assume_a_role(capsys):
    command = PAGE.of("elder-worker")[0]
    assert main(shlex.split(command.partition(">")[0])[1:]) == 0
    policy = json.loads(capsys.readouterr().out)
    assert "sts:AssumeRole" not in json.dumps(policy)
    assert policy["Statement"]


def test_the_documents_are_policies():
    statements = [json.loads(text)["Statement"][0] for text in PAGE.documents()]
    assert [(one["Effect"], one["Action"]) for one in statements] == [("Allow", "sts:AssumeRole")] * 2


def test_the_configs_are_a_jobs():
    (body,) = PAGE.jobs()
    config = parse(AwsConfig, body["config"])
    assert config.regions == ("eu-west-1", "us-east-1")
    for pair in PAGE.pairs():
        assert parse(AwsConfig, {**body["config"], **_with(pair)})


def _with(given: dict) -> dict:
    """The config that a key needs beside it."""
    beside = {"external_id": {"role_arn": "arn:aws:iam::444455556666:role/r"}, "accounts": {"assume_role_name": "r"}}
    return {**{key: value for name in given for key, value in beside.get(name, {}).items()}, **given}


def test_every_denial_has_a_sentence_that_a_run_tells():
    outcomes = {"Denied": "denied", "TimedOut": "timeout", "Unsupported": "unsupported", "CredentialsError": "credentials"}
    told = [(outcomes.get(rule.error.__name__, ""), rule.sentence) for rule in failure.RULES]
    told.append(("timeout", str(silence.silence("me-south-1"))))
    for words in ("response did not contain: access_key", "response 403", "the refreshed credentials are still expired"):
        error = sdk_faults.translate(CredentialRetrievalError(provider="iam-role", error_msg=words), "a call", "")
        told.append((error.error_kind, str(error)))
    assert len(PAGE.denials()) == 11
    assert PAGE.untold(told) == []
