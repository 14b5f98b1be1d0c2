"""The runner: a credential that the source refuses ends the run, and nothing further begins."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

import pytest
from recorder import Recorder
from test_providers_runner import Planned, failing, scope, things

from providers.errors import CredentialsError, Outcome, ScopeError
from providers.http.credential import Credential
from providers.provider import PAUSE, Item, Read
from providers.records import Incomplete
from providers.runner import run


class Signed(Planned):
    """A source with a credential, which a test refuses."""

    concurrency = 1

    def __init__(self, reads: dict[str, Callable[[], Iterable[Item]]]) -> None:
        super().__init__(reads)
        self.verdict = Credential("the source")

    @property
    def credential(self):
        return self.verdict

    def refuse(self):
        self.verdict.refuse(CredentialsError("revoked"))


@pytest.mark.parametrize("end", [failing(ScopeError("some trouble")), lambda: [Incomplete("b", Outcome.ERROR, "a part of it")]])
def test_a_refused_credential_ends_the_run_with_one_sentence_and_nothing_further_begins(end):
    def dying():
        source.refuse()
        yield from end()

    reads = {"a": lambda: things("a", 3), "b": dying, **{f"c{n}": lambda: pytest.fail("it began") for n in range(50)}}
    source, sink = Signed(reads), Recorder()
    with pytest.raises(CredentialsError, match="revoked"):
        run(source, sink)
    assert {scope.resource_type: report.resources for scope, report in sink.reports.items()} == {"a": 3}
    assert {scope.resource_type for scope in sink.found} == {"a", "b"}


def test_what_is_read_to_its_end_while_the_credential_is_refused_is_complete():
    def read():
        yield from things("a", 3)
        source.refuse()

    source, sink = Signed({"a": read}), Recorder()
    with pytest.raises(CredentialsError, match="revoked"):
        run(source, sink)
    assert sink.report("a").outcome is Outcome.COMPLETE


def test_a_plan_that_ends_early_for_want_of_the_credential_is_no_success():
    class Short(Signed):
        def plan(self):
            self.refuse()
            yield from ()

    with pytest.raises(CredentialsError, match="revoked"):
        run(Short({}), Recorder())


def test_every_read_is_ended_when_the_run_ends_before_the_plan():
    """A plan that waits for the turns of its accounts does not wait for ever: a read that is planned too late ends at once."""
    broken, ended = threading.Event(), list[str]()

    class Waiting(Signed):
        def plan(self):
            yield Read((scope("first"),), failing(ScopeError("trouble")), ended=broken.set)
            yield PAUSE
            assert broken.wait(20)
            for name in ("second", "third"):
                over = threading.Event()
                yield Read((scope(name),), lambda: pytest.fail("it began"), ended=over.set)
                assert over.wait(20), f"{name} never ended"
                ended.append(name)

    source = Waiting({})
    source.refuse()
    with pytest.raises(CredentialsError, match="revoked"):
        run(source, Recorder())
    assert ended == ["second", "third"]
