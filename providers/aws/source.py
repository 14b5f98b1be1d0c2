"""An AWS account, or the accounts of an organization, as a source: whose credentials these are, and the reads."""

from __future__ import annotations

import concurrent.futures
import functools
from collections.abc import Callable, Iterable, Iterator

import msgspec
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError

from providers.aws import catalogue, credentials
from providers.aws.account import Account
from providers.aws.client import Sessions
from providers.aws.config import AwsConfig, AwsOperator
from providers.aws.failure import translate
from providers.aws.members import Member, members, noted, skipped
from providers.aws.reading import Means, Reading
from providers.aws.regions import Regions, failed
from providers.aws.shape import AwsShape
from providers.aws.target import Target
from providers.catalogue.masking import Masking
from providers.concurrency import Turns
from providers.errors import CredentialsError, Denied, ProviderError
from providers.http.credential import Credential
from providers.provider import Read, Source
from providers.records import Identity, Scope

_GLOBAL_ENDPOINTS = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
_DETAIL_THREADS = 8
_PROBE_THREADS = 16


class AwsSource(Source):
    """AWS, opened with one config."""

    def __init__(self, config: AwsConfig, operator: AwsOperator) -> None:
        """Makes no call yet."""
        self._config, self._operator = config, operator
        self.concurrency = max(self.concurrency, config.parallel_accounts)
        self._sessions = Sessions(operator, _home_region(config, operator), self.concurrency + _DETAIL_THREADS)
        self._details = concurrent.futures.ThreadPoolExecutor(_DETAIL_THREADS, thread_name_prefix="detail")
        self._probes = concurrent.futures.ThreadPoolExecutor(_PROBE_THREADS, thread_name_prefix="probe")
        shape = AwsShape(config.ignore_fields, Masking(config.mask_names))
        self._means = Means(self._sessions, shape, self._details, config.page_size, config.reads_region)
        self._turns = Turns(config.parallel_accounts)
        self._verdict = Credential("AWS")

    def check(self) -> Identity:
        """Asks STS, which knows every identity, whatever it may do."""
        try:
            answer = self._caller
        except Denied as error:
            raise CredentialsError(str(error), detail=error.detail) from error
        account, arn = answer["Account"], answer["Arn"]
        return Identity(name=arn, account=account, details={"arn": arn, "user_id": answer["UserId"], "region": self._sessions.home})

    def unknown(self) -> Iterator[str]:
        """The regions that AWS does not have."""
        return Regions(self._sessions, self._own, self._config, self._probes).unknown()

    def plan(self) -> Iterable[Read]:
        """The reads of several accounts in turn, and of their regions in turn; kinds of one call are read together."""
        if self._config.assume_role_name is None:
            return self._reads(self._own)
        return self._turns.interleaved(self._account_plans(self._config.assume_role_name))

    def classify(self, error: Exception) -> ProviderError | None:
        """The exceptions of botocore."""
        return translate(error)

    @property
    def credential(self) -> Credential:
        """The verdict over the credentials with which everything is read."""
        return self._verdict

    def close(self) -> None:
        """Ends the threads of details and probes, and the one that watches for silence."""
        self._sessions.health.silence.close()
        for pool in (self._details, self._probes):
            pool.shutdown(cancel_futures=True)

    # Whose credentials these are

    @functools.cached_property
    def _identity(self) -> Credentials:
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
        return Account(self._sessions, self._caller["Account"], self._partition, self._identity, self._verdict)

    @property
    def _partition(self) -> str:
        return self._caller["Arn"].split(":")[1]

    @property
    def _global_endpoint(self) -> str:
        return _GLOBAL_ENDPOINTS.get(self._partition, self._sessions.home)

    # Accounts

    def _account_plans(self, role_name: str) -> Iterator[tuple[Callable[[], Iterable[Read]], Callable[[], object]]]:
        """The reads of each account, and what is done at their end; those attempted longest ago come first."""
        listed = {member.id: member for member in self._members()}
        for account_id in self.attempts.accounts(listed):
            yield self._account_plan(listed[account_id], role_name)

    def _members(self) -> Iterator[Member]:
        if self._config.accounts:
            return (Member(account, "ACTIVE") for account in self._config.accounts)
        return members(self._sessions, self._own, self._global_endpoint)

    def _account_plan(self, member: Member, role_name: str) -> tuple[Callable[[], Iterable[Read]], Callable[[], object]]:
        if member.is_skipped:
            return lambda: (skipped(member),), lambda: None
        if member.id == self._own.id:
            return lambda: self._member_reads(member, self._own), self._own.close
        role = f"arn:{self._partition}:iam::{member.id}:role/{role_name}"
        assumed = credentials.assumed(self._identity, role, self._config.external_id, self._sessions.make)
        account = Account(self._sessions, member.id, self._partition, assumed)
        return lambda: self._reads_through_role(member, account, assumed, role_name), account.close

    def _reads_through_role(self, member: Member, account: Account, assumed: Credentials, role_name: str) -> Iterator[Read]:
        try:
            assumed.get_frozen_credentials()
        except (ClientError, BotoCoreError) as error:
            ours = translate(error, "sts:AssumeRole", f"account {member.id}, for the role {role_name}") or error
            if isinstance(ours, CredentialsError):
                ours = self._own.judged(ours, error, "")
                self._own.ensure_accepted()
            yield failed(member.id, "", ours)
            return
        yield from self._member_reads(member, account)

    def _member_reads(self, member: Member, account: Account) -> Iterator[Read]:
        """The reads of an account; where its state is unknown, the first one says so."""
        for number, read in enumerate(self._reads(account)):
            yield noted(read, member) if number == 0 and not member.state and read.scopes else read

    # Regions

    def _reads(self, account: Account) -> Iterator[Read]:
        of_account = self._reads_in(self._target(account, "", self._global_endpoint))
        regions = Regions(self._sessions, account, self._config, self._probes)
        for read in regions.reads(of_account, lambda region: self._reads_in(self._target(account, region, region))):
            if account.is_refused:
                return
            yield read

    def _target(self, account: Account, region: str, endpoint: str) -> Target:
        return Target(account, region, endpoint, on_behalf=self._config.delegated_administrator)

    def _reads_in(self, target: Target) -> Iterator[Read]:
        for kinds in catalogue.reads():
            if kinds[0].regional == bool(target.region) and self._config.reads(kinds[0]) and _has(target, kinds[0].home):
                scopes = tuple(Scope("aws", target.account.id, target.region, kind.sub_type) for kind in kinds)
                yield Read(scopes, Reading(self._means, _at(target, kinds[0].home), kinds))


def _has(target: Target, home: str) -> bool:
    """False where a type is of a region of another partition."""
    return not home or target.account.partition == _partition_of(home)


def _at(target: Target, home: str) -> Target:
    """The target, whose calls go to the region that a type has as its home."""
    return msgspec.structs.replace(target, endpoint=home) if home else target


def _home_region(config: AwsConfig, operator: AwsOperator) -> str:
    """The region to ask for the identity and the list of regions: the worker's own, if it is in the partition of those to read."""
    default = operator.default_region or operator.region or _GLOBAL_ENDPOINTS["aws"]
    partition = _partition_of(config.regions[0] if config.regions else default)
    return default if _partition_of(default) == partition else _GLOBAL_ENDPOINTS[partition]


def _partition_of(region: str) -> str:
    return next((name for name in _GLOBAL_ENDPOINTS if name != "aws" and region.startswith(name.removeprefix("aws-") + "-")), "aws")
