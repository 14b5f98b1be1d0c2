"""The runner: what a provider raises becomes an outcome of that scope and of no other."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable

import pytest
from recorder import Recorder

from providers import runner
from providers.attempts import Attempts
from providers.collected import canonical
from providers.errors import CredentialsError, Denied, Outcome, ProviderError, Throttled
from providers.provider import PAUSE, Item, Read, Source
from providers.reader import BATCH_BYTES
from providers.records import Absence, Gone, Identity, Incomplete, Organization, Placed, Rejected, Resource, Scope
from providers.runner import run


class Planned(Source):
    """A source made of functions."""

    concurrency = 4

    def __init__(self, reads: dict[str, Callable[[], Iterable[Item]]], known: dict[type, ProviderError] | None = None) -> None:
        self.reads, self.known = reads, known or {}

    def check(self):
        return Identity("me")

    def plan(self):
        for names, fetch in self.reads.items():
            yield Read(tuple(scope(name) for name in names.split("+")), fetch)

    def classify(self, error):
        return self.known.get(type(error))


def scope(name: str) -> Scope:
    return Scope("test", "acct", "", name)


def things(kind: str, count: int) -> list[Resource]:
    return [Resource(f"{kind}-{n}", "thing", kind, f"thing {n}") for n in range(count)]


def failing(error: Exception, *before: Item):
    def fetch():
        yield from before
        raise error

    return fetch


def test_a_complete_read():
    sink = Recorder()
    tally = run(Planned({"a": lambda: things("a", 1201)}), sink)
    assert (tally.scopes, tally.resources, tally.outcomes) == (1, 1201, {"complete": 1})
    assert tally.complete
    assert len(sink.ids("a")) == 1201


@pytest.mark.parametrize(
    ("error", "outcome", "message"),
    [
        (Denied("no ec2:DescribeInstances", permission="ec2:DescribeInstances"), Outcome.DENIED, "no ec2:DescribeInstances"),
        (Throttled("slow down"), Outcome.THROTTLED, "slow down"),
        (CredentialsError("expired"), Outcome.ERROR, "expired"),
        (KeyError("InstanceId"), Outcome.ERROR, "unexpected KeyError"),
    ],
)
def test_one_scope_fails_and_the_others_go_on(error, outcome, message):
    sink = Recorder()
    tally = run(Planned({"bad": failing(error, *things("bad", 3)), "good": lambda: things("good", 2)}), sink)
    assert sink.report("bad").outcome == outcome
    assert sink.report("bad").message == message
    assert sink.report("bad").resources == 3, "what came before the failure is kept and counted"
    assert sink.ids("bad") == ["bad-0", "bad-1", "bad-2"]
    assert sink.report("good").outcome == Outcome.COMPLETE
    assert not tally.complete


def test_the_missing_permission_and_the_detail_reach_the_ledger():
    sink = Recorder()
    run(Planned({"a": failing(Denied("no", permission="x:List", detail="403")), "b": failing(KeyError("k"))}), sink)
    assert sink.report("a").permission == "x:List"
    assert "KeyError" in sink.report("b").detail


def test_the_sdks_exceptions_are_classified():
    sink = Recorder()
    run(Planned({"a": failing(ConnectionError("?"))}, {ConnectionError: Throttled("classified")}), sink)
    assert sink.report("a").outcome == Outcome.THROTTLED


def test_a_part_that_could_not_be_read_makes_its_scope_incomplete_and_no_other():
    sink = Recorder()
    items = [*things("a", 2), Incomplete("a", Outcome.TIMEOUT, "zone z did not answer"), *things("b", 1)]
    run(Planned({"a+b": lambda: items}), sink)
    assert (sink.report("a").outcome, sink.report("a").resources) == (Outcome.TIMEOUT, 2)
    assert (sink.report("b").outcome, sink.report("b").resources) == (Outcome.COMPLETE, 1)


@pytest.mark.parametrize("quiet", [Outcome.COMPLETE, Outcome.UNSUPPORTED, Outcome.SKIPPED])
@pytest.mark.parametrize("grave_first", [True, False])
def test_a_note_about_a_scope_does_not_hide_that_a_part_of_it_was_not_read(quiet, grave_first):
    """Whichever comes first: only then does a complete scope mean that all was read."""
    reports = [Incomplete("a", quiet, "a note"), Incomplete("a", Outcome.TIMEOUT, "zone z did not answer")]
    sink = Recorder()
    run(Planned({"a": lambda: [*things("a", 2), *(reversed(reports) if grave_first else reports)]}), sink)
    assert (sink.report("a").outcome, sink.report("a").message) == (Outcome.TIMEOUT, "zone z did not answer")


def test_a_resource_of_a_type_that_was_not_planned_is_not_lost_silently():
    sink = Recorder()
    run(Planned({"a+b": lambda: things("c", 1)}), sink)
    assert {r.outcome for r in sink.reports.values()} == {Outcome.ERROR}


def test_items_are_placed_where_the_type_alone_does_not_say():
    """One read of two accounts: each item goes to its own account's scope, and so does what could not be read."""

    class TwoAccounts(Planned):
        def plan(self):
            scopes = tuple(Scope("test", account, "", "a") for account in ("one", "two"))
            found = [Placed(scopes[1], thing) for thing in things("a", 2)]
            yield Read(scopes, lambda: [*found, Placed(scopes[0], Incomplete("a", Outcome.DENIED, "not allowed"))])

    sink = Recorder()
    run(TwoAccounts({}), sink)
    ends = {scope.account: (report.outcome, report.resources) for scope, report in sink.reports.items()}
    assert ends == {"one": (Outcome.DENIED, 0), "two": (Outcome.COMPLETE, 2)}


def test_a_scope_outside_the_reads_is_opened_once_and_ends_with_the_read_that_opened_it():
    outside = Scope("test", "above", "", "b")
    shared = [Placed(outside, thing) for thing in things("b", 3)]
    sink = Recorder()
    tally = run(Planned({name: lambda: [*things("a", 1), *shared] for name in ("a", "c", "d")}), sink)
    assert sink.reports[outside].outcome is Outcome.COMPLETE
    assert sink.ids("b") == ["b-0", "b-1", "b-2"]
    assert tally.scopes == 4


def test_a_scope_outside_that_was_seen_by_a_read_that_failed_is_not_complete():
    outside = Scope("test", "above", "", "b")
    sink = Recorder()
    run(Planned({"a": failing(Denied("no"), *(Placed(outside, thing) for thing in things("b", 1)))}), sink)
    assert sink.reports[outside].outcome is Outcome.DENIED


@pytest.mark.parametrize(
    ("lags", "items", "absence"),
    [
        (False, things("a", 1), Absence.DELETED),
        (True, things("a", 1), Absence.LAGGING),
        (True, [Gone("a", "it is deleted")], Absence.DELETED),
        (True, [Placed(scope("above"), thing) for thing in things("b", 1)], Absence.OUTSIDE),
    ],
)
def test_what_an_absence_means_is_told_with_each_scope(lags, items, absence):
    class Lagging(Planned):
        def plan(self):
            yield Read((scope("a"),), lambda: items, lags=lags)

    sink = Recorder()
    run(Lagging({}), sink)
    assert sink.reports[scope("above" if absence is Absence.OUTSIDE else "a")].absence is absence


def test_organizations_pass_before_their_resources():
    sink = Recorder()
    organization = Organization("o1", "AWS")
    run(Planned({"a": lambda: [organization, *things("a", 1)]}), sink)
    assert list(sink.tree.values()) == [organization]


def test_what_check_and_plan_raise_ends_the_run():
    class Refused(Planned):
        def check(self):
            raise PermissionError("raw")

    with pytest.raises(CredentialsError, match="refused"):
        run(Refused({}, {PermissionError: CredentialsError("refused")}), Recorder())


def test_a_sink_that_fails_ends_the_run_and_is_not_taken_for_a_failing_source():
    class Full(Recorder):
        def resources(self, scope, resources):
            raise BrokenPipeError("nobody reads")

    with pytest.raises(BrokenPipeError):
        run(Planned({"a": lambda: things("a", 1)}), Full())


def test_a_read_that_never_begins_ends_too():
    ended = threading.Event()

    class Failing(Planned):
        concurrency = 1

        def plan(self):
            yield Read((scope("first"),), lambda: [] if ended.wait(20) else pytest.fail("the other one never ended"))
            yield Read((scope("second"),), lambda: pytest.fail("it began"), ended=ended.set)
            raise CredentialsError("expired")

    sink = Recorder()
    with pytest.raises(CredentialsError, match="expired"):
        run(Failing({}), sink)
    assert sink.report("first").outcome == Outcome.COMPLETE


def test_a_lane_is_never_overrun():
    running, peak, lock, enough = 0, 0, threading.Lock(), threading.Event()

    def fetch():
        nonlocal running, peak
        with lock:
            running += 1
            peak = max(peak, running)
            if peak >= 3:
                enough.set()
        enough.wait(0.05)
        with lock:
            running -= 1
        return []

    class Narrow(Planned):
        lane_width = 2

        def plan(self):
            for n in range(12):
                yield Read((scope(str(n)),), fetch, lane="one")

    run(Narrow({}), Recorder())
    assert peak == 2


def test_a_plan_larger_than_memory_is_taken_piece_by_piece(monkeypatch):
    monkeypatch.setattr(runner, "LOOKAHEAD", 8)
    started = threading.Semaphore(0)
    ahead = 0

    class Endless(Planned):
        concurrency = 2

        def plan(self):
            nonlocal ahead
            for n in range(500):
                ahead = max(ahead, n - finished[0])
                yield Read((scope(str(n)),), fetch)

    finished = [0]

    def fetch():
        finished[0] += 1
        started.release()
        return []

    tally = run(Endless({}), Recorder())
    assert tally.scopes == 500
    assert ahead <= 2 * 4 + 2, "the plan ran ahead of the reads"


class Batches(Recorder):
    """Also keeps the number of resources of each batch."""

    def __init__(self):
        super().__init__()
        self.sizes: list[int] = []

    def resources(self, scope, resources):
        super().resources(scope, resources)
        self.sizes.append(len(resources))


def test_case_k8s_8_a_batch_is_bounded_in_bytes_whatever_the_provider():
    large = [Resource(f"a-{n}", "thing", "a", "large", {"text": "x" * (BATCH_BYTES // 2)}) for n in range(7)]
    sink = Batches()
    run(Planned({"a": lambda: [*large, *things("a", 3)]}), sink)
    assert sink.sizes == [2, 2, 2, 4]


def test_a_batch_is_bounded_in_bytes_even_where_a_value_is_no_json():
    sink = Batches()
    run(Planned({"a": lambda: [Resource("a", "thing", "a", "odd", {"value": object()}), *things("a", 2)]}), sink)
    assert sink.sizes == [3]


def test_an_item_that_cannot_be_stored_is_counted_and_named_and_leaves_the_others():
    bad = [Rejected("a", "one", "it has no uid"), Rejected("a", "two", "it has no name")]
    sink = Recorder()
    run(Planned({"a": lambda: [*things("a", 2), *bad], "b": lambda: things("b", 1)}), sink)
    report = sink.report("a")
    assert (report.outcome, report.resources, report.rejected) == (Outcome.COMPLETE, 2, 2)
    assert report.rejection == "a 'one' is not stored: it has no uid"
    assert sink.report("b").rejected == 0


class PlannedTwice(Planned):
    """Plans the scope `a` twice, the second time beside `b`."""

    def plan(self):
        yield Read((scope("a"), scope("a")), lambda: things("a", 2))
        yield Read((scope("a"),), lambda: things("a", 9))
        yield Read((scope("a"), scope("b")), lambda: [*things("a", 9), *things("b", 1)])


def test_case_k8s_2_a_scope_that_is_planned_twice_is_one_scope():
    sink = Recorder()
    tally = run(PlannedTwice({}), sink)
    assert (tally.scopes, tally.resources) == (2, 3)
    assert (len(sink.ids("a")), len(sink.ids("b"))) == (2, 1)


class Many(Planned):
    """One hundred scopes, read one after the other; a run is cut off after `budget` of them."""

    concurrency = 1

    def __init__(self, budget: int, pause_after: int = 0) -> None:
        super().__init__({})
        self.budget, self.pause_after, self.begun = budget, pause_after, list[Scope]()

    def plan(self):
        for n in range(100):
            if self.pause_after and n == self.pause_after:
                yield PAUSE
            yield Read((scope(f"s{n}"),), lambda n=n: self.fetch(scope(f"s{n}")))

    def fetch(self, one: Scope):
        if len(self.begun) == self.budget:
            raise KeyboardInterrupt
        self.begun.append(one)
        return []


def cut_off(source: Many, attempted: list[Scope]) -> list[Scope]:
    """What a run that is cut off has begun, and what will be said to have been attempted: the oldest attempt first."""
    with contextlib.suppress(KeyboardInterrupt):
        run(source, Recorder(), attempted=attempted)
    return [one for one in attempted if one not in source.begun] + source.begun


@pytest.mark.parametrize("pause_after", [0, 50])
def test_runs_that_are_cut_off_read_what_was_attempted_longest_ago(pause_after):
    attempted: list[Scope] = []
    reached = set[Scope]()
    for _ in range(4):
        source = Many(25, pause_after)
        attempted = cut_off(source, attempted)
        assert reached.isdisjoint(source.begun), "a scope was read again while others were never reached"
        reached |= set(source.begun)
    assert len(reached) == 100
    source = Many(25)
    cut_off(source, attempted)
    assert source.begun == attempted[:25], "the oldest attempt comes first"


def test_accounts_are_planned_by_their_oldest_attempt():
    attempts = Attempts([Scope("aws", "b", "", "x"), Scope("aws", "a", "", "x"), Scope("aws", "b", "", "y")])
    assert attempts.accounts(["a", "b", "new"]) == ["new", "b", "a"]


def test_no_secret_of_a_resource_passes_whoever_made_it():
    deep: dict[str, object] = {}
    for _ in range(400):
        deep = {"x": deep}
    found = [
        Resource("1", "thing", "a", "one", {"password": "hunter2"}, {"api-token": "hunter2"}),
        Resource("2", "thing", "a", "two", {"password": "hunter2", "deep": deep}),
    ]
    placed = Placed(scope("b"), Resource("3", "thing", "b", "three", {"args": ["--token=hunter2"]}))
    sink = Recorder()
    run(Planned({"a": lambda: [*found, placed]}), sink)

    assert sorted(resource.external_id for _, resource in sink.all()) == ["1", "3"]
    assert not [resource for _, resource in sink.all() if b"hunter2" in canonical(resource)]
    assert sink.reports[scope("a")].rejected == 1
    assert "nested too deep" in sink.reports[scope("a")].rejection
