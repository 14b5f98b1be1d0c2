"""The groups of IAM users, which come as names while only the groups themselves have their ARNs; who may assume IAM roles."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from providers.aws.declaration import AwsKind
from providers.aws.shape import Item

Page = list[tuple[AwsKind, Item]]

_ACCOUNT = re.compile(r"\d{12}")


def with_group_arns(pages: Iterable[Page]) -> Iterator[Page]:
    """The pages; users who are in a group wait for the last one, with `GroupArns` added by then."""
    arns: dict[str, str] = {}
    members: Page = []
    for page in pages:
        arns |= {item["GroupName"]: item["Arn"] for kind, item in page if kind.sub_type == "iam_group"}
        members += [(kind, item) for kind, item in page if item.get("GroupList")]
        yield [(kind, item) for kind, item in page if not item.get("GroupList")]
    yield [(kind, item | {"GroupArns": [arns[name] for name in item["GroupList"] if name in arns]}) for kind, item in members]


def with_principals(pages: Iterable[Page], partition: str) -> Iterator[Page]:
    """The pages, with `AssumableBy` added to roles."""
    for page in pages:
        yield [
            (kind, item | {"AssumableBy": assumable_by(item, partition)} if kind.sub_type == "iam_role" else item) for kind, item in page
        ]


def assumable_by(role: Item, partition: str) -> list[str]:
    """The ARNs that a role's trust policy allows: roles, users, accounts, identity providers. Services have none, nor has everybody."""
    document = role.get("AssumeRolePolicyDocument")
    statements = [one for one in _listed(document.get("Statement")) if isinstance(one, dict)] if isinstance(document, dict) else []
    allowed = [one["Principal"] for one in statements if one.get("Effect") == "Allow" and isinstance(one.get("Principal"), dict)]
    named = [str(name) for principal in allowed for kind in ("AWS", "Federated") for name in _listed(principal.get(kind))]
    full = [f"arn:{partition}:iam::{name}:root" if _ACCOUNT.fullmatch(name) else name for name in named]
    return sorted({name for name in full if name.startswith("arn:")})


def _listed(value: Any) -> list[Any]:
    """A value of a policy, where one of something may stand without its list."""
    return value if isinstance(value, list) else [value] if value else []
