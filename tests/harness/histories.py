"""Histories: a random sequence of changes, readings, faults and operators' commands, after each of which the store is compared with the model.

What must hold: the inventory equals what its readers have been shown, and what differs is held back, abandoned or unconfirmed and says so.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import NamedTuple, TypeVar

from history_runs import ABSENCES, JobRun, Reading, SyncRun, Views
from history_world import LAGGING, OUTSIDE, Reader, Source
from psycopg.types.json import Jsonb

from providers.errors import Outcome
from providers.records import Absence, Link, Scope
from worker.run import wire
from worker.store import jobs, lifecycle, releases, tombstones
from worker.store.connection import Connection
from worker.store.errors import NotPossible

ReadingT = TypeVar("ReadingT", bound=Reading)

LAG_SHARE = 0.3
"""Share of the histories that have a source which lags."""

EVENTS = 7
"""Most events of a history, before the settling at its end."""

STATE = """
select e.external_id, e.id, e.is_active, e.unconfirmed_since is not null, e.name, e.attributes, e.sub_type,
       s.id, s.owner, s.provider, s.account, s.region, s.resource_type, s.state, h.scope_id
from entities e join elder_worker.scopes s on s.id = e.scope_id left join elder_worker.held h on h.entity_id = e.id
where s.owner = any(%s)
"""
LINKS = "select d.source_id, d.dependency_type, d.target_external_id, d.target_id from dependencies d where d.source_id = any(%s)"
LOSSES = "select entity_id, kind, name, target, held_at is not null from elder_worker.losses where entity_id = any(%s)"


class Stored(NamedTuple):
    """An entity as the store has it, with its owning scope and the scope that holds it back."""

    id: str
    row: int
    active: bool
    unconfirmed: bool
    name: str
    attributes: dict[str, object]
    sub_type: str
    scope: int
    owner: str
    place: Scope
    state: str
    held_by: int | None


class History:
    """One history with its own jobs, connector, sources and organization, so that thousands share a database."""

    def __init__(self, connection: Connection, seed: int, events: int = EVENTS) -> None:
        self.connection, self.seed, self.events = connection, seed, events
        self.random = random.Random(seed)
        self.views: Views = {}
        self.log: list[str] = [f"seed {seed}"]
        self.happened: Counter[str] = Counter()
        self.before: dict[str, Stored] = {}
        account = f"a{seed}"
        kinds = self.random.choice((("vm",), ("vm",), ("vm", "disk")))
        places = [Scope("aws", account, region, kind) for kind in kinds for region in ("r1", "r2")]
        places += [Scope("aws", account, "", OUTSIDE)] * self.random.randint(0, 1)
        late = random.Random(f"late {seed}")  # its own, so that the other histories stay what they were
        if lags := late.random() < LAG_SHARE:
            places += [Scope("aws", account, "", LAGGING)]
        people = [Scope("ldap", account, "", kind) for kind in self.random.choice((("user",), ("user", "group")))]
        self.cloud, self.directory = Source(self.random, f"c{seed}", places), Source(self.random, f"d{seed}", people)
        self.cloud.late = late if lags else None
        self.organization = self._one("insert into organizations (name) values ('o') returning id")
        self.jobs = [self._job() for _ in range(self.random.choice((1, 2, 2)))]
        self.readers = {job: Reader(f"job:{job}", self.cloud, self._plan(places)) for job in self.jobs}
        self.connector = Reader(f"connector:x{seed}", self.directory, people)

    def _one(self, query: str, values: list[object] | None = None):
        return self.connection.execute(query, values).fetchone()[0]

    def _job(self) -> int:
        query = "insert into discovery_jobs (name, provider, config, organization_id) values ('j', 'aws', %s, %s) returning id"
        return self._one(query, [Jsonb({}), self.organization])

    def _plan(self, places: list[Scope]) -> list[Scope]:
        return places if self.random.random() < 0.5 else self.random.sample(places, self.random.randint(1, len(places)))

    # --- the history

    def play(self) -> None:
        """Plays it. Raises `AssertionError`, with the history, when the store does not equal the model."""
        try:
            for _ in range(self.random.randint(2, self.events)):
                self._event()
            self._settle()
        except Exception as error:
            raise AssertionError("\n".join([str(error) or type(error).__name__, *self.log])) from error

    def _event(self) -> None:
        for _ in range(self.random.randint(0, 3)):
            self.log.append("  source: " + self.random.choice((self.cloud, self.cloud, self.directory)).change())
        happen = self.random.choices(
            (self.one_run, self.overlap, self.sync, self.reconfigure, self.release, self.undo, self.retire, self.week, self.delete_job),
            (6, 4, 4, 3, 2, 1, 2, 1, 0.5),
        )[0]
        self.happened[happen.__name__] += 1
        self.log.append(happen.__name__)
        if self.cloud.late and self.cloud.late.random() < 0.4:
            self.quarter()
        completed = happen() or set()
        self._check(completed, sure=happen in (self.one_run, self.overlap, self.sync, self.reconfigure, self.week))

    def _run(self, job: int, fault: str | None = None) -> Reading:
        arguments = self.random, self.readers[job], self.views, self._active, self.log
        run = JobRun(*arguments, connection=self.connection, job=job, organization=self.organization, fault=fault)
        self.happened[run.fault] += 1
        return run

    def _sync(self, fault: str | None = None) -> Reading:
        return SyncRun(self.random, self.connector, self.views, self._active, self.log, connection=self.connection, fault=fault)

    def _drive(self, *readings: Reading) -> set[tuple[str, Scope]]:
        """Lets readings take their steps in a random order; returns the scopes that were read in full."""
        steps = {reading: reading.steps() for reading in readings}
        while steps:
            reading = self.random.choice(list(steps))
            if next(steps[reading], "over") == "over":
                del steps[reading]
            elif self.random.random() < 0.1:
                self.log.append("    meanwhile: " + reading.reader.source.change())
        return {(reading.reader.owner, place) for reading in readings for place in reading.completed}

    def one_run(self):
        return self._drive(self._run(self.random.choice(list(self.readers)))) if self.readers else None

    def overlap(self):
        return self._drive(*[self._run(job) for job in self.readers], *([self._sync()] if self.random.random() < 0.3 else []))

    def sync(self):
        return self._drive(self._sync())

    def reconfigure(self) -> None:
        """Another plan, filter, permission or version of the catalogue."""
        reader = self.random.choice([*self.readers.values(), self.connector])
        what = self.random.choice(("plan", "filter", "permission", "version"))
        if what == "plan":
            reader.plan = self._plan(reader.source.places)
        elif what == "filter":
            reader.modulus = self.random.choice((1, 1, 2, 5))
        elif what == "permission":
            reader.hidden = frozenset(self.random.sample(("mail", "links", "items"), self.random.randint(0, 2)))
        else:
            reader.version += "1"
        self.log.append(f"    {reader.owner}: {what}: modulus {reader.modulus}, hidden {set(reader.hidden)}, version {reader.version}")

    def release(self) -> None:
        """A person releases what is held back."""
        owner = self.random.choice([reader.owner for reader in (*self.readers.values(), self.connector)])
        if owner == self.connector.owner:
            released = tombstones.release_connector(self.connection, owner)
        else:
            runs = self.connection.execute("select id from discovery_history where job_id = %s", [int(owner[4:])]).fetchall()
            run = self.random.choice(runs)[0] if runs else None
            released = tombstones.release(self.connection, run) if run else None
        self.log.append(f"    {owner}: {released}")

    def undo(self) -> None:
        """A person takes a release back."""
        owners = [*(reader.owner for reader in self.readers.values()), self.connector.owner]
        found = self.connection.execute("select id from elder_worker.releases where owner = any(%s) order by id", [owners]).fetchall()
        if found:
            try:
                self.log.append(f"    {releases.undo(self.connection, self.random.choice(found)[0], 'somebody')}")
            except NotPossible as error:
                self.log.append(f"    {error}")

    def retire(self) -> None:
        """A person retires abandoned scopes."""
        owner = self.random.choice([*{owner for owner, _ in self.views}, "job:0"])
        retired = lifecycle.retire(self.connection, lifecycle.Filters(owner=owner))
        self.log.append(f"    {owner}: {retired}")
        for (whose, _), view in self.views.items():
            if whose == owner and view.state == "abandoned":
                view.state, view.must, view.may = "retired", set(), set()

    def week(self) -> None:
        """More than a week passes in which an owner is not read in full."""
        owner = self.random.choice([reader.owner for reader in (*self.readers.values(), self.connector)])
        past = "last_complete_at = last_complete_at - interval '8 days', created_at = created_at - interval '8 days'"
        self.connection.execute(f"update elder_worker.scopes set {past} where owner = %s", [owner])
        for (whose, _), view in self.views.items():
            view.stale |= whose == owner

    def quarter(self) -> None:
        """Time passes, so that what was unconfirmed before can be confirmed."""
        self.cloud.quarters += 1
        past = "unconfirmed_since = unconfirmed_since - make_interval(secs => %s)"
        of_scopes = "scope_id in (select id from elder_worker.scopes where owner = any(%s))"
        owners = [f"job:{job}" for job in self.jobs]
        self.connection.execute(f"update entities set {past} where unconfirmed_since is not null and {of_scopes}", [tombstones.LAG, owners])
        self.log.append("  a quarter of an hour passes")

    def delete_job(self) -> None:
        if len(self.readers) < 2:
            return
        job = self.random.choice(list(self.readers))
        if not jobs.delete(self.connection, job):
            return
        for (owner, _), view in self.views.items():
            if owner == self.readers[job].owner and view.state == "current":
                view.state = "abandoned"
        del self.readers[job]

    # --- comparing

    def _state(self) -> dict[str, Stored]:
        owners = [*(f"job:{job}" for job in self.jobs), self.connector.owner]
        rows = self.connection.execute(STATE, [owners]).fetchall()
        return {row[0]: Stored(*row[:9], Scope(*row[9:13]), *row[13:]) for row in rows}

    def _active(self) -> set[str]:
        return {one.id for one in self._state().values() if one.active}

    def _check(self, completed: set[tuple[str, Scope]], *, sure: bool) -> None:
        """Compares what is active. `completed` are the scopes that were read in full since the last comparison; `sure`, that nobody else
        has taken anything away.
        """
        state = self._state()
        for key, view in self.views.items():
            missing = {one for one in view.must if one not in state or not state[one].active} if view.believed else set()
            assert not missing, f"gone, and {key} has shown it: {sorted(missing)[:5]}"
        shown = set().union(*(view.may for view in self.views.values()))
        for one in state.values():
            if one.active and one.id not in shown and not self._says_so(one):
                raise AssertionError(f"a ghost that nothing names: {one}")
            if one.held_by is not None and one.held_by != one.scope:
                raise AssertionError(f"held back by a scope that it does not belong to: {one}")
        for one in self.before.values() if sure else ():
            if (
                one.active
                and not state[one.id].active
                and (one.owner, one.place) not in completed
                and (state[one.id].owner, state[one.id].place) not in completed
            ):
                raise AssertionError(f"gone, and its scope was not read in full: {one}")
            if one.active and not state[one.id].active and one.place.resource_type == LAGGING:
                last = state[one.id]  # another job may have got it meanwhile
                missed = self.views[(last.owner, last.place)].missed.get(one.id, self.cloud.quarters)
                assert missed < self.cloud.quarters, f"gone, and only one reading of a source that lags has lacked it: {one}"
        self.before = state

    def _says_so(self, one: Stored) -> bool:
        return one.held_by is not None or one.state == "abandoned" or one.unconfirmed

    # --- the end

    def _settle(self) -> None:
        """Everything is read again without faults: what differs is named. Then a person releases and retires, and nothing differs."""
        self._whole_round()
        if self.cloud.late:
            self.cloud.late = None
            for _ in self.jobs:  # what one lacks twice, another may have seen
                self._whole_round()
                self.quarter()
        self._whole_round()
        self._compare(everything=False)
        self.connection.execute("update elder_worker.claims set owner = null where job_id = any(%s)", [self.jobs])
        for (run,) in self.connection.execute(
            "select id from discovery_history where job_id = any(%s) order by id", [self.jobs]
        ).fetchall():
            tombstones.release(self.connection, run)
        tombstones.release_connector(self.connection, self.connector.owner)
        for owner in {owner for owner, _ in self.views}:
            lifecycle.retire(self.connection, lifecycle.Filters(owner=owner))
            for (whose, _), view in self.views.items():
                if whose == owner and view.state == "abandoned":
                    view.state, view.must, view.may = "retired", set(), set()
        self.before = {}
        self._whole_round()
        self._compare(everything=True)

    def _whole_round(self) -> None:
        self.log.append("all is read")
        completed: set[tuple[str, Scope]] = set()
        for job in self.readers:
            while self._read_whole(self._run(job, ""), completed).broken:  # it has read nothing, or less than all
                pass
        self._read_whole(self._sync(""), completed)
        self._check(completed, sure=True)

    @staticmethod
    def _read_whole(reading: ReadingT, completed: set[tuple[str, Scope]]) -> ReadingT:
        reading.end = _complete
        for _ in reading.steps():
            pass
        completed |= {(reading.reader.owner, place) for place in reading.completed}
        return reading

    def _compare(self, *, everything: bool) -> None:
        """Compares all that is stored with what the source shows to the owner of each entity."""
        state = self._state()
        shown = {}
        for reader in (*self.readers.values(), self.connector):
            for place in reader.plan:
                shown |= {(reader.owner, place, one.external_id): one for one in reader.shown(place)}
        alive = {external_id for _, _, external_id in shown}
        for one in state.values():
            if one.active and one.id not in alive:
                unconfirmed = one.unconfirmed and one.place.resource_type != LAGGING  # that is gone, or held back, after a quarter
                assert unconfirmed or (not everything and self._says_so(one)), f"still there: {one}"
            if one.id in alive:
                assert one.active, f"not there: {one}"
                assert one.held_by is None, f"held back, and the source shows it: {one}"
        self._contents(state, shown, everything)

    def _contents(self, state: dict[str, Stored], shown, everything: bool) -> None:
        rows = {one.row: one for one in state.values()}
        links: dict[int, set[Link]] = {row: set() for row in rows}
        for row, kind, target, resolved in self.connection.execute(LINKS, [list(rows)]):
            links[row].add(Link(kind, target))
            known = target in state and rows[row].active
            assert resolved is not None or not known, f"a link whose target is known leads nowhere: {rows[row].id} to {target}"
        held = {(row, kind, name, target) for row, kind, name, target, is_held in self.connection.execute(LOSSES, [list(rows)]) if is_held}
        assert not held or not everything, f"released, and still held: {sorted(held)[:3]}"
        for one in state.values():
            wanted = shown.get((one.owner, one.place, one.id))
            if not one.active or wanted is None:
                continue
            lost = {Link(name, target) for row, kind, name, target in held if (row, kind) == (one.row, "link")}
            assert links[one.row] - lost == set(wanted.links), f"links of {one.id}: {links[one.row]}, held {lost}, source {wanted.links}"
            assert not lost & set(wanted.links), f"held back, and the source shows it: {one.id} {lost}"
            kept = {name for row, kind, name, _ in held if (row, kind) == (one.row, "attribute")}
            for key in one.attributes.keys() | wanted.attributes.keys():
                same = one.attributes.get(key) == wanted.attributes.get(key)
                assert same or key in kept, f"{key} of {one.id}: {one.attributes.get(key)}, source {wanted.attributes.get(key)}"
            assert (one.name, one.sub_type) == (wanted.name, wanted.sub_type), f"{one.id}: {one.name}, source {wanted.name}"


def _complete(index: int, place: Scope, sent: int):
    return wire.ScopeEnd(
        index=index,
        outcome=Outcome.COMPLETE,
        resources=sent,
        absence=ABSENCES.get(place.resource_type, Absence.DELETED),
    )
