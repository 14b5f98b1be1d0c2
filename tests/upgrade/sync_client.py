"""A connector's sync of a scope with so many resources: ``sync_client.py URL COUNT``, run with the packages of some release on PYTHONPATH.

Prints how many resources the API stored, as new or changed, and how many it tombstoned.
"""

from __future__ import annotations

import sys

import msgspec

from providers.errors import Outcome
from providers.records import Resource, Scope
from supervisor.messages import Cause, Exited
from worker.run import wire
from worker.run.outcome import Status, Verdict
from worker.sync.client import ElderApi
from worker.sync.inventory import ApiInventory, Destination

SCOPE = Scope("ldap", "directory-1", "", "ldap_user", "all")


def main(url: str, count: int) -> None:
    inventory = ApiInventory(ElderApi(url), "connector:ldap", "1", Destination())
    inventory.begin(0, SCOPE)
    found = [Resource(f"uid={n}", "identity", "ldap_user", f"user {n}", {"n": n}) for n in range(count)]
    inventory.records(0, [msgspec.Raw(wire.encode_resource(one)) for one in found])
    inventory.end(wire.ScopeEnd(index=0, outcome=Outcome.COMPLETE, resources=count))
    inventory.finish(Verdict(Status.COMPLETED), Exited(run="r", cause=Cause.EXITED, exit_code=0))
    totals = inventory.totals
    print(totals.created, totals.updated, totals.deleted)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
