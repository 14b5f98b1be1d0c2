"""An AWS account, or the accounts of an organization, as a source: who we are, which regions there are, and the reads."""

from __future__ import annotations

import concurrent.futures
import difflib
import functools
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

from botocore.exceptions import BotoCoreError, ClientError

from providers.aws import catalogue, credentials
from providers.aws.client import Account, Sessions
from providers.aws.config import AwsConfig, AwsOperator
from providers.aws.declaration import AwsKind
from providers.aws.failure import translate
from providers.aws.paging import pages
from providers.aws.place import Place
from providers.aws.reading import Reading
from providers.aws.shape import AwsShape
from providers.concurrency import Turns
from providers.errors import ConfigError, CredentialsError, Denied, ProviderError, Unsupported
from providers.provider import Read, Source
from providers.records import Identity, Scope

_GLOBAL_ENDPOINTS = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
_DETAIL_THREADS = 8


class AwsSource(Source):
    """What `Aws.open` gives."""

    concurrency = 16

    def __init__(self, config: AwsConfig, operator: AwsOperator) -> None:
        """Makes no call yet."""
        self._config, self._operator = config, operator
        self._sessions = Sessions(operator, _home_region(config, operator), self.concurrency + _DETAIL_THREADS)
        self._details = concurrent.futures.ThreadPoolExecutor(_DETAIL_THREADS, thread_name_prefix="detail")
        self._shape = AwsShape()
        self._turns = Turns(config.parallel_accounts)

    def check(self) -> Identity:
        """STS knows every identity, whatever it may do."""
        try:
            answer = self._caller
        except Denied as error:
            raise CredentialsError(str(error), detail=error.detail) from error
        account, arn = answer["Account"], answer["Arn"]
        return Identity(name=arn, account=account, details={"arn": arn, "user_id": answer["UserId"], "region": self._sessions.home})

    def plan(self) -> Iterable[Read]:
        """Account by account, region by region; those of one call together."""
        if self._config.assume_role_name is None:
            yield from self._reads(self._own)
            return
        for account_id in self._config.accounts or self._accounts_of_the_organization():
            yield from self._reads_through_role(account_id, self._config.assume_role_name)

    def classify(self, error: Exception) -> ProviderError | None:
        """The exceptions of botocore."""
        return translate(error)

    def close(self) -> None:
        """Ends the detail threads."""
        self._details.shutdown(cancel_futures=True)

    # Who we are

    @functools.cached_property
    def _identity(self) -> Any:
        found = credentials.base(self._config, self._operator, self._sessions.make)
        for role in self._config.roles:
            found = credentials.assumed(found, role, self._config.external_id, self._sessions.make)
        return found

    @functools.cached_property
    def _caller(self) -> dict[str, str]:
        try:
            answer: dict[str, str] = self._sessions.make_for(self._identity, "sts").get_caller_identity()
        except (ClientError, BotoCoreError) as error:
            raise translate(error, "sts:GetCallerIdentity") or error from error
        return answer

    @functools.cached_property
    def _own(self) -> Account:
        return Account(self._sessions, self._caller["Account"], self._partition, self._identity)

    @property
    def _partition(self) -> str:
        return self._caller["Arn"].split(":")[1]

    # Accounts

    def _accounts_of_the_organization(self) -> Iterator[str]:
        """The active ones, as they are listed."""
        client = self._own.client("organizations", _GLOBAL_ENDPOINTS.get(self._partition, self._sessions.home))
        paging = self._sessions.paging("organizations", client, "ListAccounts")
        try:
            for page in pages(client.list_accounts, {}, paging):
                yield from (account["Id"] for account in page["Accounts"] if account["Status"] == "ACTIVE")
        except (ClientError, BotoCoreError) as error:
            raise translate(error, "organizations:ListAccounts") or error from error

    def _reads_through_role(self, account_id: str, role_name: str) -> Iterator[Read]:
        if account_id == self._own.id:
            return self._in_turn(self._own)
        role = f"arn:{self._partition}:iam::{account_id}:role/{role_name}"
        assumed = credentials.assumed(self._identity, role, self._config.external_id, self._sessions.make)
        try:
            assumed.get_frozen_credentials()
        except (ClientError, BotoCoreError) as error:
            ours = translate(error, "sts:AssumeRole", f"account {account_id}, for the role {role_name}") or error
            return iter((_failed(Scope("aws", account_id, "", "*"), ours),))
        return self._in_turn(Account(self._sessions, account_id, self._partition, assumed))

    def _in_turn(self, account: Account) -> Iterator[Read]:
        """The reads of an account, once fewer than `parallel_accounts` are being read. Its clients go with its last read."""
        return self._turns.of(functools.partial(self._reads, account), account.close)

    # Regions

    def _reads(self, account: Account) -> Iterator[Read]:
        regions, failed = self._regions(account)
        endpoint = _GLOBAL_ENDPOINTS.get(account.partition, self._sessions.home)
        yield from self._reads_in(self._place(account, "", endpoint))
        yield from failed
        for region in regions:
            yield from self._reads_in(self._place(account, region, region))

    def _place(self, account: Account, region: str, endpoint: str) -> Place:
        return Place(account, region, endpoint, on_behalf=self._config.delegated_administrator)

    def _reads_in(self, place: Place) -> Iterator[Read]:
        for kinds in catalogue.reads():
            if kinds[0].regional == bool(place.region) and self._wants(kinds[0]):
                scopes = tuple(Scope("aws", place.account.id, place.region, kind.sub_type) for kind in kinds)
                yield Read(scopes, Reading(self._sessions, place, kinds, self._config.page_size, self._details, self._shape))

    def _wants(self, kind: AwsKind) -> bool:
        return not kind.optional or kind.sub_type in self._config.optional_types

    def _regions(self, account: Account) -> tuple[list[str], list[Read]]:
        """The regions to read, and a failed read for each that cannot be."""
        wanted = self._config.regions
        try:
            answer = account.client("ec2", self._sessions.home).describe_regions(AllRegions=True)
        except (ClientError, BotoCoreError) as error:
            ours = translate(error, "ec2:DescribeRegions", f"account {account.id}") or error
            return list(wanted), [] if wanted else [_failed(Scope("aws", account.id, "", "*"), ours)]
        known = {region["RegionName"]: region["OptInStatus"] != "not-opted-in" for region in answer["Regions"]}
        for region in wanted:
            if region not in known:
                raise ConfigError(_unknown_region(region, known))
        off = [region for region in wanted if not known[region]]
        disabled = [_failed(Scope("aws", account.id, region, "*"), _disabled(region, account.id)) for region in off]
        return [region for region in wanted or sorted(known) if known[region]], disabled


def _failed(scope: Scope, error: Exception) -> Read:
    return Read((scope,), functools.partial(_raise, error))


def _raise(error: Exception) -> NoReturn:
    raise error


def _disabled(region: str, account: str) -> Unsupported:
    return Unsupported(f"the region {region} is not enabled for account {account}: enable it, or leave it out of `regions`")


def _unknown_region(region: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(region, known, n=1)
    return f"`regions`: there is no region `{region}`" + (f", did you mean `{close[0]}`?" if close else "")


def _home_region(config: AwsConfig, operator: AwsOperator) -> str:
    """Where to ask who we are and which regions there are: the worker's own region, if it is in the partition of those to read."""
    default = operator.default_region or operator.region or _GLOBAL_ENDPOINTS["aws"]
    partition = _partition_of(config.regions[0] if config.regions else default)
    return default if _partition_of(default) == partition else _GLOBAL_ENDPOINTS[partition]


def _partition_of(region: str) -> str:
    return next((name for name in _GLOBAL_ENDPOINTS if name != "aws" and region.startswith(name.removeprefix("aws-") + "-")), "aws")
