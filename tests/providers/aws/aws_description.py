"""botocore's service models as the catalogue's tests ask for them."""

from __future__ import annotations

import functools
import importlib.resources
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import botocore.exceptions
import botocore.session
from botocore.model import OperationModel, Shape
from botocore.validate import ParamValidator
from catalogue_suite import FieldType, Unknown

from providers.aws.declaration import AwsKind, Batch, Detail, Listing
from providers.catalogue.paths import holes, steps

SESSION = botocore.session.get_session()
CONTEXT = frozenset({"partition", "region", "account", "value"})
ACCOUNT = "123456789012"
REPORT = frozenset({
    "user", "arn", "user_creation_time", "password_enabled", "password_last_used", "password_last_changed", "password_next_rotation",
    "mfa_active", "access_key_1_active", "access_key_1_last_rotated", "access_key_1_last_used_date", "access_key_1_last_used_region",
    "access_key_1_last_used_service", "access_key_2_active", "access_key_2_last_rotated", "access_key_2_last_used_date",
    "access_key_2_last_used_region", "access_key_2_last_used_service", "cert_1_active", "cert_1_last_rotated", "cert_2_active",
    "cert_2_last_rotated",
})  # fmt: skip
"""The columns of a credential report: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html"""
MADE_BY_US = {"iam_user": {"GroupArns"}, "iam_role": {"AssumableBy"}, "iam_credentials": REPORT, "route53_record": {"AliasOf"}}
"""Fields that our code adds, and the columns of a table that the model does not describe."""
FREE_FORM = {"sns_topic", "sqs_queue"}
"""Kinds whose attributes are a map of strings, for which the model has no list of names. AWS documents them."""
DOCUMENTED = {
    "QueueArn", "KmsMasterKeyId", "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible", "SubscriptionsConfirmed", "SubscriptionsPending", "SubscriptionsDeleted", "RedrivePolicy",
}  # fmt: skip
"""Their names in the API references of SQS and SNS."""


@functools.cache
def operation(service: str, name: str) -> OperationModel:
    """The model of an operation."""
    try:
        model = SESSION.get_service_model(service)
    except botocore.exceptions.UnknownServiceError:
        raise Unknown(f"there is no service {service}") from None
    if name not in model.operation_names:
        raise Unknown(f"{service} has no operation {name}")
    return model.operation_model(name)


def at(shape: Shape, path: str) -> Shape:
    """The shape at a path."""
    for key, is_list in steps(path):
        if shape.type_name != "structure" or key not in shape.members:
            raise Unknown(f"{shape.name} has no {key}, but {', '.join(getattr(shape, 'members', ()))}")
        shape = shape.members[key]
        if is_list:
            if shape.type_name != "list":
                raise Unknown(f"{key} is a {shape.type_name}, not a list")
            shape = shape.member
    return shape


def shape_of(kind: AwsKind, call: Batch | Detail | Listing) -> Shape:
    """What a further call gives for an item."""
    return at(operation(kind.service_of(call), call.operation).output_shape, call.result if isinstance(call, Detail) else call.items)


def item_shapes(kind: AwsKind) -> list[Shape]:
    """Where the fields of an item may come from: the list, its parents, and the further calls."""
    shapes = [at(operation(kind.service, kind.operation).output_shape, kind.items)]
    return shapes + [shape_of(kind, call) for call in kind.extra_calls if not (isinstance(call, Listing) and call.into)]


class AwsDescription:
    """The adapter of `catalogue_suite.Description`."""

    def listing_faults(self, kind: AwsKind) -> Iterator[str]:
        """Of every call: service, operation, path to the items, parameters, and the keys by which answers are joined."""
        for call in (kind, *kind.extra_calls):
            try:
                yield from self._call_faults(kind, call)
            except Unknown as unknown:
                yield f"{call.operation}: {unknown}"

    def field(self, kind: AwsKind, path: str) -> FieldType:
        """What stands at a path, in whichever answer has its first key."""
        (head, _), *rest = steps(path)
        added = next((call for call in (*kind.listings, *kind.details) if call.into == head), None)
        if added is not None:
            return _within(shape_of(kind, added), path, rest)
        if head in _made_keys(kind):
            if rest:
                raise Unknown(f"{head} is a string, and has no {rest[0][0]}")
            return FieldType.VALUE
        for shape in item_shapes(kind):
            if shape.type_name == "structure" and head in shape.members:
                return _type_of(at(shape, path))
            if shape.type_name == "map" and head in shape.key.enum and not rest:
                return FieldType.VALUE
        known = sorted({name for shape in item_shapes(kind) if shape.type_name == "structure" for name in shape.members})
        raise Unknown(f"there is no {head}, but {', '.join(known)}")

    def permissions(self, kind: AwsKind) -> Sequence[str]:
        """The IAM action of every call."""
        return kind.permissions

    def knows_permission(self, permission: str) -> bool:
        """True for an action of AWS's service authorization reference, as cfn-lint ships it. API Gateway's actions are HTTP methods."""
        service, _, name = permission.lower().partition(":")
        return name in iam_actions().get(service, {}).get("Actions", {}) or permission == "apigateway:GET"

    def similar_permissions(self, permission: str) -> Sequence[str]:
        """The same action of services with another prefix, those first that share letters with it: ``aps`` of ``amp``."""
        service, _, name = permission.partition(":")
        found = [prefix for prefix, known in iam_actions().items() if name.lower() in known.get("Actions", {})]
        return [f"{prefix}:{name}" for prefix in sorted(found, key=lambda prefix: (-len(set(prefix) & set(service)), prefix))]

    @staticmethod
    def _call_faults(kind: AwsKind, call: Any) -> Iterator[str]:
        service = kind.service if call is kind else kind.service_of(call)
        output = operation(service, call.operation).output_shape
        if isinstance(call, Batch):
            at(at(output, call.items), call.key)
            yield from parameter_faults(service, call.operation, {**call.parameters, call.parameter: ["something"]})
        elif isinstance(call, Detail):
            at(output, call.result)
            yield from parameter_faults(service, call.operation, call.arguments)
        else:
            shape = at(output, call.items)
            if (shape.type_name == "string") != bool(call.scalar):
                yield f"{call.items}: `scalar` is for strings, and strings need it"
            yield from parameter_faults(service, call.operation, call.parameters)


def parameter_faults(service: str, name: str, parameters: dict[str, Any]) -> Iterator[str]:
    """Names and types of what is sent, required ones included, by botocore's own validator."""
    shape = operation(service, name).input_shape
    filled = {key: re.sub("{.*?}", _id_for(shape, key), value) if isinstance(value, str) else value for key, value in parameters.items()}
    if shape is None:
        yield from (f"{name} takes no {key}" for key in filled)
        return
    report = ParamValidator().validate(filled, shape)
    if report.has_errors():
        yield f"{name}: {report.generate_report()}"


def _id_for(shape: Shape | None, key: str) -> str:
    """An id as long as a parameter must be."""
    member = shape.members.get(key) if shape is not None else None
    return ACCOUNT.ljust(member.metadata.get("min", 0) if member is not None and member.type_name == "string" else 0, "0")


@functools.cache
def iam_actions() -> dict[str, Any]:
    """Every IAM action there is, in lower case, by service prefix."""
    text = importlib.resources.files("cfnlint").joinpath("data/AdditionalSpecs/Policies.json").read_text()
    found: dict[str, Any] = json.loads(text)
    return found


def parameter_holes(kind: AwsKind) -> set[str]:
    """The paths in the parameters of all calls, besides those of the context."""
    sent = [call.arguments if isinstance(call, Detail) else call.parameters for call in (kind, *kind.extra_calls)]
    return {hole for one in sent for text in one.values() if isinstance(text, str) for hole in holes(text)} - CONTEXT


def _made_keys(kind: AwsKind) -> set[str]:
    scalars = {listing.scalar for listing in (kind, *kind.listings) if listing.scalar}
    return scalars | MADE_BY_US.get(kind.sub_type, set()) | (DOCUMENTED if kind.sub_type in FREE_FORM else set())


def _within(shape: Shape, path: str, rest: list[tuple[str, bool]]) -> FieldType:
    """Inside what a call puts under a key of its own."""
    if not rest:
        return FieldType.LIST if path.endswith("[]") else FieldType.OPEN
    return _type_of(at(shape, ".".join(name + "[]" * is_list for name, is_list in rest)))


def _type_of(shape: Shape) -> FieldType:
    if shape.type_name == "list":
        named = shape.member.type_name == "structure" and {"name", "Name", "Key", "HeaderName"} & set(shape.member.members)
        return FieldType.PAIRS if named else FieldType.LIST
    return {"structure": FieldType.OBJECT, "map": FieldType.MAP}.get(shape.type_name, FieldType.VALUE)
