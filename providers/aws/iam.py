"""The groups of IAM users: a user's groups come as names, and only the groups themselves have their ARNs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from providers.aws.declaration import AwsKind
from providers.aws.shape import Item

Page = list[tuple[AwsKind, Item]]


def with_group_arns(pages: Iterable[Page]) -> Iterator[Page]:
    """The pages; users who are in a group wait for the last one, with `GroupArns` added by then."""
    arns: dict[str, str] = {}
    members: Page = []
    for page in pages:
        arns |= {item["GroupName"]: item["Arn"] for kind, item in page if kind.sub_type == "iam_group"}
        members += [(kind, item) for kind, item in page if item.get("GroupList")]
        yield [(kind, item) for kind, item in page if not item.get("GroupList")]
    yield [(kind, item | {"GroupArns": [arns[name] for name in item["GroupList"] if name in arns]}) for kind, item in members]
