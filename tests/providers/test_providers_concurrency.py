"""Values computed once, and turns: however an account ends, the next one is planned."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest

from providers.collected import Collected
from providers.concurrency import Once, OncePerKey, Turns
from providers.errors import Denied
from providers.provider import Read, Source
from providers.records import Identity, Resource, Scope
from providers.runner import run

CAP = 20.0
"""Seconds after which a plan that waits for its turn is taken to wait for ever."""


class Accounts(Source):
    """One at a time; `closed` are those of which nothing is under way any more."""

    concurrency = 2

    def __init__(self, **accounts: Callable[[], Iterable[Read]]) -> None:
        self._accounts, self._turns = accounts, Turns(1)
        self.closed: list[str] = []

    def check(self):
        return Identity("me")

    def plan(self):
        for name, reads in self._accounts.items():
            try:
                yield from self._turns.of(reads, lambda name=name: self.closed.append(name))
            except Denied as error:
                yield Read((scope(name),), lambda error=error: raising(error))


def scope(name: str) -> Scope:
    return Scope("test", name, "", "thing")


def raising(error: Exception):
    raise error


def one(name: str) -> Callable[[], Iterable[Read]]:
    return lambda: [Read((scope(name),), lambda: [Resource(name, "thing", "thing", name)])]


def refused() -> Iterable[Read]:
    raise Denied("no regions")


def refused_midway() -> Iterable[Read]:
    yield from one("midway")()
    raise Denied("no more regions")


def within_the_cap(source: Source, sink: Collected) -> Exception | None:
    """What the run raised."""
    raised: list[Exception | None] = []

    def go() -> None:
        try:
            run(source, sink)
        except Exception as error:
            raised.append(error)
        else:
            raised.append(None)

    thread = threading.Thread(target=go, daemon=True)
    thread.start()
    thread.join(CAP)
    assert not thread.is_alive(), "the plan waits for a turn that nobody gives back"
    return raised[0]


@pytest.mark.parametrize("first", [list, refused, refused_midway, one("first")])
def test_an_account_gives_its_turn_back_whatever_its_plan_yields(first):
    source, sink = Accounts(first=first, second=one("second")), Collected()

    assert within_the_cap(source, sink) is None
    assert "second" in [resource.external_id for _, resource in sink.all()]
    assert source.closed == ["first", "second"]


def test_a_sink_that_fails_before_a_read_has_begun_holds_up_no_turn():
    class Full(Collected):
        def begin(self, scope):
            raise BrokenPipeError("nobody reads")

    source = Accounts(**{f"account-{n}": one(f"account-{n}") for n in range(3)})

    assert isinstance(within_the_cap(source, Full()), BrokenPipeError)
    assert source.closed == ["account-0", "account-1", "account-2"]


def test_a_value_is_computed_once_however_many_threads_need_it():
    once, computed, started = Once[int](), [], threading.Barrier(8)

    def compute() -> int:
        computed.append(threading.get_ident())
        return 7

    def get(_: int) -> int:
        started.wait(CAP)
        return once.get(compute)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(get, range(8))) == [7] * 8
    assert len(computed) == 1
    assert once.computed() == [7]


def test_a_kept_error_is_raised_for_every_caller_and_any_other_is_tried_again():
    once, tries = Once[None](kept=(Denied,)), []

    def fail(error: Exception) -> None:
        tries.append(error)
        raise error

    with pytest.raises(ValueError, match="first"):
        once.get(lambda: fail(ValueError("first")))
    for _ in range(3):
        with pytest.raises(Denied, match="second"):
            once.get(lambda: fail(Denied("second")))
    assert len(tries) == 2


def test_a_value_may_be_none():
    once, computed = Once[None](), []
    for _ in range(2):
        assert once.get(lambda: computed.append(1)) is None
    assert computed == [1]


def test_a_key_that_is_computed_does_not_wait_for_another_that_is_not():
    values, entered, leave = OncePerKey[str, str](), threading.Event(), threading.Event()

    def slow() -> str:
        entered.set()
        assert leave.wait(CAP)
        return "slow"

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(values.get, "a", slow)
        assert entered.wait(CAP)
        assert values.get("b", lambda: "quick") == "quick"
        assert values.computed() == ["quick"]
        leave.set()
        assert waiting.result(CAP) == "slow"
    assert sorted(values.clear()) == ["quick", "slow"]
    assert values.get("a", lambda: "anew") == "anew"


def test_so_many_values_are_kept_at_most_and_those_that_were_used_last():
    made, dropped = [], []
    values = OncePerKey[str, str](most=2, drop=dropped.append)

    def get(key: str) -> str:
        return values.get(key, lambda: made.append(key) or key)

    for key in ("a", "b", "a", "c", "a", "b"):
        assert get(key) == key

    assert made == ["a", "b", "c", "b"]
    assert dropped == ["b", "c"]
    assert sorted(values.computed()) == ["a", "b"]


def test_a_value_that_is_pushed_out_while_it_is_computed_is_still_that_of_who_waits_for_it():
    values, entered, leave = OncePerKey[str, str](most=1), threading.Event(), threading.Event()

    def slow() -> str:
        entered.set()
        assert leave.wait(CAP)
        return "slow"

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(values.get, "a", slow)
        assert entered.wait(CAP)
        assert values.get("b", lambda: "quick") == "quick"
        leave.set()
        assert waiting.result(CAP) == "slow"
    assert values.computed() == ["quick"]
