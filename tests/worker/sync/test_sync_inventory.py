"""A connector's results on their way to the Elder API: what is sent, and what is not."""

from __future__ import annotations

import struct
import threading

import msgspec
import pytest

from providers.errors import Outcome
from providers.records import Organization, Resource, Scope
from supervisor.messages import Cause, Exited
from worker.run import wire
from worker.run.fingerprints import content_of, key_of
from worker.run.inventory import InventoryError
from worker.run.outcome import RunLog, Status, Verdict
from worker.sync.client import ApiError
from worker.sync.inventory import ApiInventory, Destination
from worker.sync.messages import Fingerprints, Rejected, Stored, SyncStored, Tombstoned

SCOPE = Scope("ldap", "dc=example", "", "user")
CAP = 60.0


class Api:
    """The API as a dictionary."""

    def __init__(self):
        self.entities, self.batches, self.closed, self.fail, self.refuse = {}, [], [], None, set()
        self.runs = []

    def put_run(self, sync):
        self._maybe("put_run")
        self.runs.append(sync)
        return SyncStored(sync.owner, sync.run, sync.status)

    def _maybe(self, name):
        if self.fail == name:
            raise ApiError("the Elder API at http://api:5000 cannot be reached", final=False)

    def begin_scope(self, opened):
        self._maybe("begin_scope")
        pairs = sorted((key_of(raw), content_of(raw)) for raw in self.entities.values())
        return Fingerprints(b"".join(struct.pack("<qq", *pair) for pair in pairs), len(pairs))

    def store(self, batch):
        self._maybe("store")
        self.batches.append(batch)
        created, rejected = 0, []
        for raw in map(bytes, batch.resources):
            external_id = wire.decode_resource(raw).external_id
            if external_id in self.refuse:
                rejected.append(Rejected(external_id, "no"))
                continue
            created += external_id not in self.entities
            self.entities[external_id] = raw
        return Stored(created, len(batch.resources) - created - len(rejected), 0, rejected)

    def close_scope(self, closed):
        self._maybe("close_scope")
        self.closed.append(closed)
        return Tombstoned(len(closed.unseen) // 8, 0)


def people(count, **changed):
    return [Resource(f"uid={n}", "user", "user", changed.get(f"n{n}", f"person {n}")) for n in range(count)]


def sync(api, resources, outcome=Outcome.COMPLETE, batch_size=500, rejected=0):
    inventory = ApiInventory(api, "connector:ldap", "r1", Destination(7, False), batch_size)
    inventory.organizations([Organization("o", "LDAP: x")])
    inventory.begin(0, SCOPE)
    for start in range(0, len(resources), 100):
        inventory.records(0, [msgspec.Raw(wire.encode_resource(one)) for one in resources[start : start + 100]])
    inventory.end(wire.ScopeEnd(index=0, outcome=outcome, resources=len(resources), rejected=rejected, message="m"))
    inventory.finish(Verdict(Status.COMPLETED), Exited(run="1", cause=Cause.EXITED, exit_code=0))
    return inventory.totals


def test_a_first_sync_sends_everything_in_batches():
    api = Api()
    totals = sync(api, people(1200), batch_size=500)

    assert (totals.resources, totals.created, totals.unchanged) == (1200, 1200, 0)
    assert [len(batch.resources) for batch in api.batches] == [500, 500, 200]
    assert api.batches[0].organizations == [Organization("o", "LDAP: x")]
    assert api.batches[1].organizations == []
    assert (api.batches[0].default_organization_id, api.batches[0].create_missing_organizations) == (7, False)


def test_a_second_sync_sends_no_resource():
    api = Api()
    sync(api, people(300))
    api.batches.clear()
    totals = sync(api, people(300))

    assert (totals.created, totals.updated, totals.unchanged, totals.deleted) == (0, 0, 300, 0)
    assert [batch.resources for batch in api.batches] == [[]]  # the organization alone


def test_what_changed_and_what_is_gone():
    api = Api()
    sync(api, people(10))
    totals = sync(api, people(9, n3="renamed"))

    assert (totals.updated, totals.unchanged, totals.deleted) == (1, 8, 1)


def test_what_was_held_back_comes_with_the_command_that_lets_it_go():
    api = Api()
    inventory = ApiInventory(api, "connector:ldap", "r1", Destination())
    inventory.totals.held_back = 21
    verdict = inventory.finish(Verdict(Status.COMPLETED), Exited(run="1", cause=Cause.EXITED, exit_code=0))

    assert verdict.status is Status.COMPLETED
    assert verdict.error.startswith("21 entities were missing, more than MASS_DELETE_GUARD")
    assert verdict.error.endswith("`elder connectors release ldap`")


@pytest.mark.parametrize(("outcome", "rejected"), [(Outcome.DENIED, 0), (Outcome.TIMEOUT, 0), (Outcome.COMPLETE, 1)])
def test_only_a_scope_read_in_full_names_what_is_gone(outcome, rejected):
    api = Api()
    sync(api, people(10))
    totals = sync(api, people(2), outcome, rejected=rejected)

    assert api.closed[-1].unseen == b""
    assert len(api.closed[-1].not_shown) == 8 * 8, "what is held back of these stays so"
    assert api.closed[0].not_shown is None
    assert totals.deleted == 0
    assert totals.outcomes == {outcome: 1}


def test_what_the_api_rejects_is_counted_and_spares_the_scope():
    api = Api()
    sync(api, people(10))
    api.refuse = {"uid=3"}
    totals = sync(api, people(9, n3="bad"))

    assert (totals.rejected, totals.deleted) == (1, 0)


def test_a_resource_that_is_none_is_rejected_alone():
    api = Api()
    inventory = ApiInventory(api, "connector:ldap", "r1", Destination())
    inventory.begin(0, SCOPE)
    inventory.records(0, [msgspec.Raw(b"{}"), msgspec.Raw(wire.encode_resource(people(1)[0]))])
    inventory.end(wire.ScopeEnd(index=0, outcome=Outcome.COMPLETE, resources=2))

    assert (inventory.totals.rejected, inventory.totals.created) == (1, 1)


@pytest.mark.parametrize("fail", ["begin_scope", "store", "close_scope"])
def test_an_api_that_is_away_ends_the_sync(fail):
    api = Api()
    api.fail = fail

    with pytest.raises(InventoryError, match="cannot be reached") as raised:
        sync(api, people(3))
    assert raised.value.error_kind == "api"


def test_the_api_is_told_what_the_sync_has_logged():
    api, log = Api(), RunLog([("2026-01-31T03:00:00.250Z", "warning", "sdk", "slow")], 3, 1)
    inventory = ApiInventory(api, "connector:ldap", "r1", Destination(7, False))
    inventory.finish(Verdict(Status.ERROR, "timeout", "too long", log=log), Exited(run="1", cause=Cause.TIMEOUT))
    assert [(one.status, one.log) for one in api.runs] == [("error", log)]


def test_the_next_batch_is_gathered_while_one_is_on_its_way():
    api, may_answer, asked = Api(), threading.Event(), threading.Event()
    store = api.store

    def slow(batch):
        asked.set()
        assert may_answer.wait(CAP)
        return store(batch)

    api.store = slow
    inventory = ApiInventory(api, "connector:ldap", "r1", Destination(7, False), 2)
    inventory.begin(0, SCOPE)
    for one in people(3):
        inventory.records(0, [msgspec.Raw(wire.encode_resource(one))])
    assert asked.wait(CAP)
    assert inventory.totals.resources == 3
    assert inventory.totals.created == 0  # counted once the API has answered
    may_answer.set()
    inventory.end(wire.ScopeEnd(index=0, outcome=Outcome.COMPLETE, resources=3))
    assert [len(batch.resources) for batch in api.batches] == [2, 1]
    assert inventory.totals.created == 3


@pytest.mark.parametrize("step", ["records", "flush", "begin", "end", "not_reached"])
def test_a_batch_that_was_not_stored_on_its_way_ends_the_sync_at_the_next_step(step):
    """No scope is closed after it, so that what it held is not taken for absent; what is sent after that has it again."""
    api = Api()
    api.fail = "store"
    inventory = ApiInventory(api, "connector:ldap", "r1", Destination(7, False), 2)
    inventory.organizations([Organization("o", "LDAP: x")])
    inventory.begin(0, SCOPE)
    inventory.records(0, [msgspec.Raw(wire.encode_resource(one)) for one in people(2)])
    steps = {
        "records": lambda: inventory.records(0, [msgspec.Raw(wire.encode_resource(one)) for one in people(4)[2:]]),
        "flush": inventory.flush,
        "begin": lambda: inventory.begin(1, SCOPE),
        "end": lambda: inventory.end(wire.ScopeEnd(index=0, outcome=Outcome.COMPLETE, resources=2)),
        "not_reached": lambda: inventory.not_reached([SCOPE]),
    }
    with pytest.raises(InventoryError, match="cannot be reached"):
        steps[step]()
    assert not api.closed
    api.fail = None
    inventory.finish(Verdict(Status.ERROR), Exited(run="1", cause=Cause.EXITED, exit_code=0))
    assert {"uid=0", "uid=1"} <= set(api.entities)
    assert api.batches[0].organizations == [Organization("o", "LDAP: x")]
