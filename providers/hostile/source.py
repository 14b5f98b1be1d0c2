"""The hostile source: regions full of things, and one region in which something goes wrong."""

from __future__ import annotations

import time
from collections.abc import Iterator

import msgspec

from providers import progress
from providers.errors import BadAnswer, CredentialsError, Denied, Outcome, Throttled, TimedOut
from providers.hostile import faults
from providers.hostile.config import HostileConfig, HostileOperator
from providers.provider import Item, Read, Source
from providers.records import Identity, Incomplete, Link, Organization, Resource, Scope
from providers.variables import environment

RAISED = {
    "deny": Denied("the role may not list things", permission="hostile:ListThings"),
    "throttle": Throttled("slow down"),
    "time_out": TimedOut("no answer in 10 s"),
    "bad_answer": BadAnswer("page 2 is page 1 again"),
    "out_of_memory": MemoryError(),
}


class HostileSource(Source):
    """Reads regions one after the other, so that the order of the frames is known."""

    concurrency = 1

    def __init__(self, config: HostileConfig, operator: HostileOperator) -> None:
        self._config, self._operator = config, operator

    def check(self) -> Identity:
        """Returns the identity, or misbehaves as the config's ``_in_check`` says."""
        behaviour = self._config.behaviour
        if behaviour == "refuse_credentials":
            raise CredentialsError(f"the password '{self._config.password}' is wrong", detail=f"sent: {self._config.password}")
        if behaviour.endswith("_in_check"):
            self._do(behaviour.removesuffix("_in_check"))
        return Identity(name="hostile", account=self._config.account, details=dict(environment(self._operator, "HOSTILE_")))

    def plan(self) -> Iterator[Read]:
        """One read a region."""
        for region in self._config.regions:
            scope = Scope("hostile", self._config.account, region, "thing")
            yield Read((scope,), lambda scope=scope: self._things(scope))  # type: ignore[misc]

    def _things(self, scope: Scope) -> Iterator[Item]:
        yield Organization(f"hostile/{scope.account}", f"Hostile: {scope.account}")
        guilty = scope.region == (self._config.misbehave_in or self._config.regions[-1])
        if guilty and self._config.behaviour == "empty":
            return
        for number in range(self._config.resources):
            progress.answered()
            if self._config.pause:
                time.sleep(self._config.pause)
            yield self._thing(scope, number)
        if guilty:
            yield from self._misbehave(scope)

    def _thing(self, scope: Scope, number: int) -> Resource:
        attributes = {
            "number": number,
            "generation": self._config.generation if number < self._config.changed else 0,
            "padding": "x" * self._config.size,
        }
        links = (Link("beside", f"{scope.region}/{number - 1}"),) if number else ()
        return Resource(
            f"{scope.region}/{number}",
            "compute",
            "thing",
            f"thing {number}",
            attributes,
            {"env": "test"},
            links,
            f"hostile/{scope.account}",
        )

    def _misbehave(self, scope: Scope) -> Iterator[Item]:
        behaviour = self._config.behaviour
        if behaviour == "incomplete":
            yield Incomplete("thing", Outcome.TIMEOUT, "one zone did not answer")
        elif behaviour in faults.RECORDS:
            yield msgspec.structs.replace(self._thing(scope, 0), external_id=f"{scope.region}/odd", **faults.RECORDS[behaviour]())
        else:
            self._do(behaviour)

    def _do(self, behaviour: str) -> None:
        if behaviour in RAISED:
            raise RAISED[behaviour]
        getattr(faults, behaviour)(self._config)  # one that is misspelt is not taken for a good one
