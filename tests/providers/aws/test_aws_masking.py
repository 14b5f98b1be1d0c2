"""No secret is stored of any type: items are made from botocore's own output shapes, with a canary wherever a name says secret."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from aws_description import CONTEXT, item_shapes, shape_of
from botocore.model import Shape

from providers.aws import catalogue
from providers.aws.declaration import AwsKind
from providers.aws.shape import AwsShape
from providers.catalogue import paths

CANARY = "hunter2canary"
SECRET = re.compile(r"secret|password|passwd|token|credential|private.?key|api.?key|access.?key|auth.?key", re.IGNORECASE)
"""Of the test's own, not the rule's."""
HARMLESS = re.compile(r"(Id|Ids|Arn|ARN|ARNs|Arns|Name|Names|Ref|Policy|Policies|Date|Time|LastUsed)$|^name$|Timestamp$")
DEPTH = 9
KINDS = pytest.mark.parametrize("kind", catalogue.KINDS, ids=lambda kind: kind.sub_type)


def made(shape: Shape, name: str = "", depth: int = 0, *, secret: bool = False) -> Any:
    """An item of a shape: canaries below names that say secret, plain words elsewhere."""
    if shape.type_name == "structure":
        members = shape.members.items() if depth < DEPTH else ()
        return {key: made(member, key, depth + 1, secret=_below(key, secret)) for key, member in members}
    if shape.type_name == "list":
        return [made(shape.member, name, depth + 1, secret=secret)]
    if shape.type_name == "map":
        return {"entry": made(shape.value, name, depth + 1, secret=secret), "a-password": made(shape.value, name, depth + 1, secret=True)}
    return {"integer": 1, "long": 1, "boolean": True, "double": 1.5, "float": 1.5}.get(
        shape.type_name, CANARY if secret else f"word-{name}"
    )


def _below(key: str, secret: bool) -> bool:
    return not HARMLESS.search(key) and (secret or bool(SECRET.search(key)))


def item_of(kind: AwsKind) -> dict[str, Any]:
    """An item of a kind with all that is added to it."""
    item: dict[str, Any] = {}
    for shape in item_shapes(kind):
        found = made(shape)
        item |= found if isinstance(found, dict) else {}
    for call in (*kind.listings, *kind.details):
        if call.into:
            item[call.into] = made(shape_of(kind, call), call.into)
    item |= {listing.scalar: "scalar" for listing in (kind, *kind.listings) if listing.scalar and listing.scalar not in item}
    return {**{hole: "made" for hole in paths.holes(kind.id) if hole not in CONTEXT and "." not in hole}, **item}


def stored(kind: AwsKind, item: dict[str, Any]) -> str:
    resource = AwsShape().resource(kind, item, dict.fromkeys(CONTEXT, "here"))
    return json.dumps([resource.attributes, resource.tags])


@KINDS
def test_case_aws_10_no_canary_of_any_type_is_stored(kind):
    item = item_of(kind)
    for path in kind.unmasked:
        for holder, key in paths.holders(item, path):
            holder[key] = "no secret"

    assert CANARY not in stored(kind, item)


def test_there_are_canaries_to_find():
    assert sum(CANARY in json.dumps(item_of(kind), default=str) for kind in catalogue.KINDS) > 20


@KINDS
def test_what_a_kind_says_is_no_secret_is_stored(kind):
    if kind.unmasked:
        item = item_of(kind)
        for path in kind.unmasked:
            for holder, key in paths.holders(item, path):
                holder[key] = f"seen {path}"
        assert [path for path in kind.unmasked if f"seen {path}" not in stored(kind, item)] == []


@KINDS
def test_every_exception_is_needed(kind):
    """A field of `unmasked` that the rule would not mask has no business there."""
    item = item_of(kind)
    bare = AwsShape().attributes(kind, item)
    for path in kind.unmasked:
        (holder, key), *_ = paths.holders(bare, path)
        masked = AwsShape()._masking.masked({"outer": json.loads(json.dumps(item))}, ())
        (found, key), *_ = paths.holders(masked["outer"], path)
        assert found[key] != holder[key], path


def test_case_aws_10_the_name_of_an_origins_header_is_kept():
    (kind,) = (kind for kind in catalogue.KINDS if kind.sub_type == "cloudfront_distribution")
    header = {"HeaderName": "X-Shop-Origin", "HeaderValue": CANARY}
    item = {"ARN": "arn:x", "Origins": {"Items": [{"Id": "one", "CustomHeaders": {"Quantity": 1, "Items": [header]}}]}}
    text = stored(kind, item)

    assert "X-Shop-Origin" in text
    assert CANARY not in text


def test_the_exceptions_are_these():
    """Whoever adds one, adds it here, and says why it is not a secret."""
    assert {f"{kind.sub_type}: {path}" for kind in catalogue.KINDS for path in kind.unmasked} == {
        "ec2_instance: MetadataOptions.HttpTokens",  # optional or required
        "ecs_task_definition: containerDefinitions[].credentialSpecs",  # an ARN with a prefix
        "ecs_task_definition: containerDefinitions[].logConfiguration.secretOptions[].valueFrom",  # names of parameters and secrets
        "ecs_task_definition: containerDefinitions[].repositoryCredentials.credentialsParameter",
        "ecs_task_definition: containerDefinitions[].secrets[].valueFrom",
        "ecs_task_definition: volumes[].fsxWindowsFileServerVolumeConfiguration.authorizationConfig.credentialsParameter",
        "rest_api: apiKeySource",  # where a request has its key
        "http_api: ApiKeySelectionExpression",
        "rds_instance: MasterUserSecret.SecretStatus",  # states
        "rds_cluster: MasterUserSecret.SecretStatus",
        "elasticache_cluster: PendingModifiedValues.AuthTokenStatus",
        "elasticache_replication_group: PendingModifiedValues.AuthTokenStatus",
        "kms_key: CustomerMasterKeySpec",  # the kind of key
        "cognito_user_pool: LambdaConfig.PreTokenGenerationConfig.LambdaVersion",  # V1_0
    }
