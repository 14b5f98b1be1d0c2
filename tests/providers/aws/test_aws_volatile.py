"""What moves without meaning is not stored: an unchanged account writes nothing."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from aws_description import CONTEXT, item_shapes, shape_of
from test_aws_masking import item_of
from volatile import AWS

from providers.aws import catalogue
from providers.aws.config import AwsConfig
from providers.aws.shape import AwsShape
from providers.catalogue import paths
from providers.schema import parse


def moving(kind) -> list[str]:
    """The paths of what moves in an item of a kind."""
    shapes = [("", shape) for shape in item_shapes(kind) if shape.type_name == "structure"]
    shapes += [(call.into, shape_of(kind, call)) for call in kind.details if call.into]
    return sorted({path for prefix, shape in shapes for path in _leaves(shape, prefix, ()) if AWS.search(path.rsplit(".", 1)[-1])})


def _leaves(shape, path: str, seen: tuple[str, ...]):
    if shape.type_name == "structure" and shape.name not in seen:
        for key, member in shape.members.items():
            yield from _leaves(member, f"{path}.{key}" if path else key, (*seen, shape.name))
    elif shape.type_name == "list":
        yield from _leaves(shape.member, f"{path}[]", seen)
    elif shape.type_name != "structure":
        yield path


@pytest.mark.parametrize("kind", [kind for kind in catalogue.KINDS if moving(kind)], ids=lambda kind: kind.sub_type)
def test_what_moves_writes_nothing(kind):
    before = item_of(kind)
    after: dict[str, Any] = copy.deepcopy(before)
    for path in moving(kind):
        for holder, key in paths.holders(after, path):
            holder[key] = "moved"
    context = dict.fromkeys(CONTEXT, "here")

    assert AwsShape().resource(kind, after, context) == AwsShape().resource(kind, before, context)


def test_there_is_something_that_moves():
    assert {"iam_role", "secretsmanager_secret", "sqs_queue", "subnet", "dynamodb_table"} <= {
        kind.sub_type for kind in catalogue.KINDS if moving(kind) or kind.sub_type == "sqs_queue"
    }


def test_ignore_fields_leave_out_what_was_not_foreseen():
    (kind,) = (kind for kind in catalogue.KINDS if kind.sub_type == "vpc")
    config = parse(AwsConfig, {"ignore_fields": ["DhcpOptionsId", "CidrBlockAssociationSet[].AssociationId"]})
    found = AwsShape(config.ignore_fields).resource(kind, item_of(kind), dict.fromkeys(CONTEXT, "here"))

    assert "DhcpOptionsId" not in found.attributes
    assert "AssociationId" not in found.attributes["CidrBlockAssociationSet"][0]
    assert "CidrBlock" in found.attributes
