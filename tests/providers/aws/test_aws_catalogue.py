"""Every declaration against botocore's own service models: an operation, a path or a parameter that is not there fails here."""

from __future__ import annotations

from typing import ClassVar

import botocore.exceptions
import pytest
from aws_description import CONTEXT, SESSION, AwsDescription, at, item_shapes, operation, parameter_holes
from catalogue_suite import CatalogueSuite

from providers.aws import catalogue
from providers.aws.paging import paging_of

TOKENS = {"nexttoken", "nextmarker", "marker", "position", "nextpagetoken", "paginationtoken", "nextrecordname"}
KINDS = pytest.mark.parametrize("kind", catalogue.KINDS, ids=lambda kind: kind.sub_type)


class TestCatalogue(CatalogueSuite):
    """Every word of the catalogue."""

    kinds = catalogue.KINDS
    description: ClassVar = AwsDescription()
    context = CONTEXT
    listing_words = ("service", "operation", "items")
    resource_types = catalogue.resource_types()


@KINDS
def test_the_holes_of_parameters_and_the_paths_of_owners_and_times_exist(kind):
    known = AwsDescription()
    for path in (*parameter_holes(kind), *filter(None, (kind.own,)), *(path for path, _ in kind.unless)):
        known.field(kind, path)
    assert not kind.as_of or at(operation(kind.service, kind.operation).output_shape, kind.as_of).type_name == "timestamp"
    for listing in kind.listings:
        assert not listing.own or at(operation(kind.service_of(listing), listing.operation).output_shape, f"{listing.items}.{listing.own}")


@KINDS
def test_tags_of_an_answer_are_not_forgotten(kind):
    if not kind.tags:
        structures = [shape for shape in item_shapes(kind) if shape.type_name == "structure"]
        assert not [name for shape in structures for name in shape.members if name.lower() == "tags"]


NO_NEXT_PAGE = {("guardduty", "GetFindingsStatistics")}
"""Its answer has a token, which no request takes: groups are limited by `MaxResults`, of which there are more than severities."""


@KINDS
def test_whatever_can_be_paged_is_paged(kind):
    """An operation whose answer may hold a token is read to the end."""
    calls = {(kind.service, kind.operation), *((kind.service_of(call), call.operation) for call in kind.extra_calls)}
    for service, name in calls:
        model = operation(service, name)
        paging = paging_for(service, name)
        tokens = {key for key in model.output_shape.members if key.lower() in TOKENS}
        assert bool(paging.outputs) >= bool(tokens) or (service, name) in NO_NEXT_PAGE, f"{name} gives {tokens} and is not paged"
        for output in paging.outputs:
            at(model.output_shape, output)
        for path in (*paging.inputs, *((paging.limit,) if paging.limit else ())):
            assert path in model.input_shape.members
        if paging.more:
            assert at(model.output_shape, paging.more).type_name == "boolean"


def paging_for(service: str, name: str):
    try:
        declared = SESSION.get_paginator_model(service)._paginator_config.get(name)
    except botocore.exceptions.UnknownServiceError:
        declared = None
    return paging_of(service, declared, operation(service, name))


@KINDS
def test_kinds_with_the_same_call_are_read_together(kind):
    together = [kinds for kinds in catalogue.reads() if kind in kinds]
    same = [
        k
        for k in catalogue.KINDS
        if (k.service, k.operation, k.parameters, k.under) == (kind.service, kind.operation, kind.parameters, kind.under)
    ]
    assert [list(kinds) for kinds in together] == [same]
    assert len(same) == 1 or not any(k.details or k.batches or k.under for k in same)


@KINDS
def test_a_parent_does_not_lend_its_fields(kind):
    """The parent's name would be taken for the item's, and its counters for the item's own."""
    for listing in kind.listings:
        assert bool(listing.into) != bool(listing.scalar), "strings are told apart by `scalar`, objects by `into`"
        assert not listing.into or listing.into in kind.omit, "what it is under is named by its id"
        assert not listing.tree or (listing.under and listing.under.into == listing.into)


def test_names_and_permissions():
    names = [kind.sub_type for kind in catalogue.KINDS]
    assert len(names) == len(set(names)) >= 75
    allowed = [action for statement in catalogue.policy(lambda _: True)["Statement"] for action in statement["Action"]]
    assert {"ec2:DescribeInstances", "s3:ListAllMyBuckets", "s3:GetEncryptionConfiguration", "sts:GetCallerIdentity"} <= set(allowed)
    reading = ("Describe", "List", "Get", "GET", "BatchGet", "GenerateCredentialReport")
    """IAM makes its report when it is asked to, and counts that as reading."""
    assert [action for action in allowed if not action.split(":")[1].startswith(reading)] == []
