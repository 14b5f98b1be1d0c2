"""Targets of the alias records of Route 53. A record has a host name, and most resources have their host names beside their ARNs.

So hosts are looked up in the lists of what has them, each read once more when a record leads to one: the balancers, the domains of API
Gateway and the environments of Elastic Beanstalk of a region, the distributions of an account. A domain of an API that CloudFront serves
(edge-optimised) has the host of a distribution that is in no list, and is looked for in every region that is read. The bucket of a website
is told by the record's own name. What another account owns, or is in a region that is not read, is not found.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from providers.aws import catalogue
from providers.aws.answers import Answers
from providers.aws.declaration import AwsKind, arn
from providers.aws.failure import RAISED
from providers.aws.iam import Page
from providers.aws.shape import Item
from providers.aws.target import Calls, Target
from providers.catalogue import paths
from providers.errors import DataError, ScopeError

_REGION = r"(?P<region>[a-z]{2}(?:-[a-z]+)+-\d+)"
_CLOUD = r"amazonaws\.com(?:\.cn)?$"
_WEBSITE = re.compile(rf"s3-website[.-][a-z0-9-]+\.{_CLOUD}")
_OF_API = "DomainNameConfigurations[].ApiGatewayDomainName"
_HOSTS = (
    (
        re.compile(rf".+\.(?:{_REGION}\.elb|elb\.(?P<other>[a-z]{{2}}(?:-[a-z]+)+-\d+))\.{_CLOUD}"),
        {"load_balancer": "DNSName", "classic_load_balancer": "DNSName"},
    ),
    (re.compile(rf".+\.execute-api\.{_REGION}\.{_CLOUD}"), {"api_domain": _OF_API}),
    (re.compile(r".+\.cloudfront\.(?:net|cn)$"), {"cloudfront_distribution": "DomainName", "api_domain": _OF_API}),
    (re.compile(rf".+\.{_REGION}\.elasticbeanstalk\.com(?:\.cn)?$"), {"beanstalk_environment": "CNAME"}),
)
"""Host names: in what region, if any, the types are listed whose resources have them, and the path of the name in each."""

MakeCalls = Callable[[Target, str], Calls]
"""Makes the calls of a service in a target."""


class Aliases:
    """Looks up the host names of alias records in one account. `unknown` once a list could not be read."""

    def __init__(self, target: Target, calls: MakeCalls, is_read: Callable[[str], bool]) -> None:
        """`is_read` tells the regions that the job reads: nothing is asked in others."""
        self._target, self._calls, self._is_read = target, calls, is_read
        self._known: dict[tuple[str, str], dict[str, str]] = {}
        self.unknown = False

    def with_targets(self, pages: Iterator[Page]) -> Iterator[Page]:
        """The pages, with `AliasOf` added to records whose host has been found."""
        for page in pages:
            yield [(kind, {**item, "AliasOf": found} if (found := self.target_of(item)) else item) for kind, item in page]

    def target_of(self, record: Item) -> str:
        """The id of what a record is an alias of; empty where it is none, or where its host is not known."""
        host = _plain(paths.first(record, "AliasTarget.DNSName") or "")
        if _WEBSITE.fullmatch(host):
            return f"arn:{self._target.account.partition}:s3:::{_plain(paths.first(record, 'Name'))}"
        for pattern, kinds in _HOSTS:
            match = pattern.fullmatch(host)
            if match:
                region = next((found for found in match.groups() if found), "")
                return next((found for name, path in kinds.items() if (found := self._owner(host, name, path, region))), "")
        return ""

    def _owner(self, host: str, name: str, path: str, region: str) -> str:
        """The id of the resource of a type that has a host; where a host tells no region, those that are read are asked in turn."""
        regions = self._target.account.regions if _kind(name).regional and not region else (region,)
        return next((ids[host] for one in regions if host in (ids := self._ids(name, path, one))), "")

    def _ids(self, name: str, path: str, region: str) -> dict[str, str]:
        """The ids of all resources of a type, by their host names."""
        if region and not self._is_read(region):
            return {}
        if (name, region) not in self._known:
            try:
                self._known[name, region] = dict(self._listed(_kind(name), path, region))
            except (ScopeError, DataError):  # the scope of the type says why
                self._known[name, region], self.unknown = {}, True
        return self._known[name, region]

    def _listed(self, kind: AwsKind, path: str, region: str) -> Iterator[tuple[str, str]]:
        """The hosts of a type's resources, each with its resource's id. Raises `ProviderError`."""
        at_home = {"region": region, "endpoint": region} if region else {}
        target = msgspec.structs.replace(self._target, answers=Answers(), **at_home)
        calls = self._calls(target, kind.service)
        try:
            for answer in calls.pages(kind.operation, kind.parameters):
                for item in paths.values(answer, kind.items):
                    yield from ((_plain(host), paths.fill(arn(kind.id), item, target.context)) for host in paths.values(item, path))
        except RAISED as error:
            raise calls.translated(error, kind.permission_for()) from error


def _kind(name: str) -> AwsKind:
    return next(kind for kind in catalogue.KINDS if kind.sub_type == name)


def _plain(host: Any) -> str:
    """A host name as it is compared: in lower case, without the dot at its end and the word for both IP versions before it."""
    return str(host).lower().removesuffix(".").removeprefix("dualstack.")
