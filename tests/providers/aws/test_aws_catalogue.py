"""Every declaration against botocore's own service models: an operation, a path or a parameter that is not there fails here."""

from __future__ import annotations

import re

import botocore.session
import pytest
from botocore.model import Shape
from botocore.validate import ParamValidator

from providers.aws import catalogue
from providers.aws.declaration import Batch, Detail, Kind, Listing, arn
from providers.aws.paging import paging_of
from providers.catalogue.paths import holes, steps

SESSION = botocore.session.get_session()
CONTEXT = {"partition", "region", "account", "value"}
ACCOUNT = "123456789012"
TOKENS = {"nexttoken", "nextmarker", "marker", "position", "nextpagetoken", "paginationtoken", "nextrecordname"}
MADE_BY_US = {"iam_user": {"GroupArns"}}
FREE_FORM = {"sns_topic", "sqs_queue"}
"""Their attributes are a map from names to strings, for which the model has no list of names."""


def operation(service: str, name: str):
    model = SESSION.get_service_model(service)
    assert name in model.operation_names, f"{service} has no operation {name}"
    return model.operation_model(name)


def at(shape: Shape, path: str) -> Shape:
    """The shape at a path; fails when the model has no such thing."""
    for key, is_list in steps(path):
        assert shape.type_name == "structure", f"{path}: {shape.name} is a {shape.type_name}"
        assert key in shape.members, f"{path}: {shape.name} has no {key}, but {', '.join(shape.members)}"
        shape = shape.members[key]
        if is_list:
            assert shape.type_name == "list", f"{path}: {key} is a {shape.type_name}"
            shape = shape.member
    return shape


def shape_of(kind: Kind, call: Batch | Detail | Listing) -> Shape:
    """What a further call gives for an item."""
    return at(operation(kind.service_of(call), call.operation).output_shape, call.result if isinstance(call, Detail) else call.items)


def item_shapes(kind: Kind) -> list[Shape]:
    """Where the fields of an item may come from: the list, what it is under, and the further calls."""
    shapes = [at(operation(kind.service, kind.operation).output_shape, kind.items)]
    return shapes + [shape_of(kind, call) for call in kind.extra_calls if not (isinstance(call, Listing) and call.into)]


def names_of(kind: Kind) -> set[str]:
    """Keys that items get without a shape that says so."""
    scalars = {listing.scalar for listing in (kind, *kind.listings) if listing.scalar}
    into = {call.into for call in kind.details if call.into}
    return scalars | into | MADE_BY_US.get(kind.sub_type, set())


def has(kind: Kind, path: str) -> bool:
    (head, _), *rest = steps(path)
    above = next((listing for listing in kind.listings if listing.into == head), None)
    if above:
        shape = shape_of(kind, above)
        return not rest or (shape.type_name == "structure" and rest[0][0] in shape.members)
    detail = next((call for call in kind.details if call.into == head), None)
    if detail and rest:
        return rest[0][0] in shape_of(kind, detail).members
    if head in names_of(kind):
        return True
    if kind.sub_type in FREE_FORM and head in {"QueueArn", "KmsMasterKeyId"}:
        return True
    for shape in item_shapes(kind):
        if shape.type_name == "structure" and head in shape.members:
            at(shape, path)
            return True
    return False


KINDS = pytest.mark.parametrize("kind", catalogue.KINDS, ids=lambda kind: kind.sub_type)


@KINDS
def test_the_calls_and_the_paths_to_the_items_exist(kind):
    for listing in (kind, *kind.listings):
        service = kind.service if listing is kind else kind.service_of(listing)
        shape = at(operation(service, listing.operation).output_shape, listing.items)
        assert listing.items.endswith("[]") or shape.type_name == "structure"
        assert (shape.type_name == "string") == bool(listing.scalar), "scalar is for strings, and strings need it"
    item_shapes(kind)


@KINDS
def test_every_field_exists(kind):
    paths = [kind.name, kind.own, *kind.omit, *kind.unordered, *kind.names_only, *(link.path for link in kind.links)]
    paths += [path for path, _ in (*kind.unless, *(link.when for link in kind.links))]
    sent = [kind.parameters, *(listing.parameters for listing in kind.listings), *(detail.arguments for detail in kind.details)]
    for text in (kind.id, kind.parent, *(value for parameters in sent for value in parameters.values() if isinstance(value, str))):
        paths += set(holes(arn(text))) - CONTEXT
    for listing in kind.listings:
        assert not listing.own or at(shape_of(kind, listing), listing.own)
    for link in kind.links:
        assert set(holes(arn(link.to))) <= CONTEXT, f"{link}: its target may be made of the value only"
    unknown = [path for path in paths if path and not has(kind, path)]
    if kind.sub_type == "sqs_queue":
        unknown = [path for path in unknown if not path.startswith("ApproximateNumberOf")]

    assert unknown == []


@KINDS
def test_tags_are_where_the_declaration_says(kind):
    if kind.tags:
        assert has(kind, kind.tags)
    else:
        tagged = {name for shape in item_shapes(kind) if shape.type_name == "structure" for name in shape.members if name.lower() == "tags"}
        assert tagged == set(), "the answer has tags that the declaration ignores"


@KINDS
def test_the_parameters_are_valid(kind):
    """Names and types of what is sent, required ones included, by botocore's own validator."""
    check(kind, kind.operation, kind.parameters)
    for call in kind.extra_calls:
        if isinstance(call, Detail):
            check(kind, call.operation, call.arguments)
        elif isinstance(call, Batch):
            check(kind, call.operation, {**call.parameters, call.parameter: ["something"]})
            assert call.size >= 1
            assert at(operation(kind.service, call.operation).output_shape, call.items).members[call.key]
        else:
            assert isinstance(call, Listing)
            check(kind, call.operation, call.parameters, kind.service_of(call))


def check(kind: Kind, name: str, parameters: dict, service: str = "") -> None:
    shape = operation(service or kind.service, name).input_shape
    if shape is None:
        assert parameters == {}
        return
    filled = {key: re.sub("{.*?}", ACCOUNT, value) if isinstance(value, str) else value for key, value in parameters.items()}
    report = ParamValidator().validate(filled, shape)
    assert not report.has_errors(), report.generate_report()


@KINDS
def test_whatever_can_be_paged_is_paged(kind):
    """An operation whose answer may hold a token is read to the end."""
    calls = {(kind.service, kind.operation), *((kind.service_of(call), call.operation) for call in kind.extra_calls)}
    for service, name in calls:
        model = operation(service, name)
        paging = paging_for(service, name)
        tokens = {key for key in model.output_shape.members if key.lower() in TOKENS}
        assert bool(paging.outputs) >= bool(tokens), f"{name} gives {tokens} and is not paged"
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
def test_a_thing_that_lists_others_does_not_lend_them_its_fields(kind):
    """Their names would be taken for its own, and its counters for theirs."""
    for listing in kind.listings:
        assert bool(listing.into) != bool(listing.scalar), "strings are told apart by `scalar`, objects by `into`"
        assert not listing.into or listing.into in kind.omit, "what it is under is named by its id"
        assert not listing.tree or (listing.under and listing.under.into == listing.into)


def test_names_and_permissions():
    names = [kind.sub_type for kind in catalogue.KINDS]
    assert len(names) == len(set(names)) >= 75
    allowed = catalogue.policy()["Statement"][0]["Action"]
    assert {"ec2:DescribeInstances", "s3:ListAllMyBuckets", "s3:GetEncryptionConfiguration", "sts:GetCallerIdentity"} <= set(allowed)
    reading = ("Describe", "List", "Get", "GET")
    assert [action for action in allowed if not action.split(":")[1].startswith(reading)] == []
