"""The regions of an account that are read: those that are enabled, not left out, allowed by the organization, and that answer."""

from __future__ import annotations

import concurrent.futures
import difflib
import functools
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, NoReturn

from botocore import xform_name

from providers.aws.account import Account, not_enabled
from providers.aws.client import Sessions
from providers.aws.config import AwsConfig
from providers.aws.failure import RAISED, is_denied_by_organization, translate
from providers.aws.silence import silence
from providers.concurrency import interleaved
from providers.errors import BadAnswer, ConfigError, CredentialsError, Denied, ProviderError, TimedOut
from providers.provider import Read
from providers.records import Scope

_Call = tuple[str, str, dict[str, Any]]

_WITNESSES: tuple[_Call, ...] = (("sqs", "ListQueues", {"MaxResults": 1}), ("lambda", "ListFunctions", {"MaxItems": 1}))
"""Calls by other services, made in a region in which the probe was denied: when those are denied too, so is the region."""

Reads = Callable[[str], Iterator[Read]]
"""The reads of a region."""


class Regions:
    """The regions of one account, each probed once before it is read."""

    def __init__(self, sessions: Sessions, account: Account, config: AwsConfig, pool: concurrent.futures.Executor) -> None:
        self._sessions, self._account, self._config, self._pool = sessions, account, config, pool

    def reads(self, of_account: Iterator[Read], of_region: Reads) -> Iterator[Read]:
        """The reads of the account and of its regions, in turn; one failed read for each region that is not read."""
        regions, failed = self._listed()
        self._account.regions = tuple(regions)
        probed = [self._pool.submit(self._probed, region, of_region) for region in regions]
        try:
            yield from interleaved((of_account, iter(failed)), probed)
        finally:
            for future in probed:
                future.cancel()

    def unknown(self) -> Iterator[str]:
        """Complaints about regions in the config that AWS does not have. Raises what DescribeRegions does."""
        if self._config.regions or self._config.exclude_regions:
            answer = self._account.client("ec2", self._sessions.home).describe_regions(AllRegions=True)
            yield from self._misspelt([region["RegionName"] for region in answer.get("Regions", ())])

    def _misspelt(self, known: Collection[str]) -> Iterator[str]:
        for name, regions in (("regions", self._config.regions), ("exclude_regions", self._config.exclude_regions)):
            yield from (_unknown_region(name, region, known) for region in regions if known and region not in known)

    def _listed(self) -> tuple[list[str], list[Read]]:
        """The regions to read, and a failed read for each that cannot be."""
        account, wanted = self._account, self._config.regions
        try:
            answer = account.client("ec2", self._sessions.home).describe_regions(AllRegions=True)
        except RAISED as error:
            ours = translate(error, "ec2:DescribeRegions", f"account {account.id}") or error
            if isinstance(ours, CredentialsError):
                ours = account.judged(ours, error, "")
            return [*self._not_left_out(wanted)], [] if wanted else [failed(account.id, "", ours)]
        known = {region["RegionName"]: region.get("OptInStatus") != "not-opted-in" for region in answer.get("Regions", ())}
        if not known:
            nothing = BadAnswer(f"AWS names no region of account {account.id}: is something in between?")
            return [*self._not_left_out(wanted)], [] if wanted else [failed(account.id, "", nothing)]
        if complaints := tuple(self._misspelt(known)):
            raise ConfigError(complaints=complaints)
        off = [region for region in self._not_left_out(wanted) if not known[region]]
        disabled = [failed(account.id, region, not_enabled(region, account.id)) for region in off]
        return [region for region in self._not_left_out(wanted or sorted(known)) if known[region]], disabled

    def _not_left_out(self, regions: Iterable[str]) -> Iterator[str]:
        return (region for region in regions if region not in self._config.exclude_regions)

    def _probed(self, region: str, of_region: Reads) -> Iterator[Read]:
        """The reads of a region, or the one that tells why there are none."""
        trouble = self._trouble(region)
        return iter((failed(self._account.id, region, trouble),)) if trouble else of_region(region)

    def _trouble(self, region: str) -> ProviderError | None:
        """Why a region is not read; None when it is."""
        if self._sessions.health.is_dead(region):
            return silence(region)
        error = self._probe(region)
        if error is None:
            self._watch(region)
            return None
        where = f"{region} of account {self._account.id}"
        ours = translate(error, "ec2:DescribeRegions", where)
        if isinstance(ours, TimedOut):
            self._sessions.health.declare_dead(region)
            return silence(region)
        if isinstance(ours, CredentialsError):
            return self._account.judged(ours, error, region)
        if self._is_denied_whole(region, error):
            everything = translate(error, "every call", where)
            return Denied(str(everything), detail=everything.detail) if everything else None
        self._watch(region)
        return None  # the region answers; what it refuses is told by the scopes that it concerns

    def _watch(self, region: str) -> None:
        """Watches a region that answers: it is probed again when it falls silent."""

        def answers() -> bool:
            try:
                error = self._probe(region)
            except TimedOut:  # its time-outs have been counted meanwhile, and it is dead
                return False
            return error is None or not isinstance(translate(error), TimedOut)

        self._sessions.health.silence.expect(region, answers)

    def _probe(self, region: str) -> Exception | None:
        return self._asked(region, ("ec2", "DescribeRegions", {"RegionNames": [region]}))

    def _is_denied_whole(self, region: str, error: Exception) -> bool:
        """True when the organization's policy denies the probe, and the calls of other services too."""
        return is_denied_by_organization(error) and all(is_denied_by_organization(self._asked(region, call)) for call in _WITNESSES)

    def _asked(self, region: str, call: _Call) -> Exception | None:
        """Makes a call once, with short time-outs, and returns what it raises."""
        service, operation, parameters = call
        client = self._account.probe(service, region)
        try:
            getattr(client, xform_name(operation))(**parameters)
        except RAISED as error:
            found: Exception = error
            return found
        finally:
            client.close()
        return None


def failed(account: str, region: str, error: Exception) -> Read:
    """The read that stands for everything in an account or a region that cannot be read."""
    return Read((Scope("aws", account, region, "*"),), functools.partial(_raise, error))


def _raise(error: Exception) -> NoReturn:
    raise error


def _unknown_region(setting: str, region: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(region, known, n=1)
    hint = f", did you mean `{close[0]}`?" if close else ";"
    return f"`{setting}`: there is no region `{region}`{hint} regions: {', '.join(sorted(known))}"
