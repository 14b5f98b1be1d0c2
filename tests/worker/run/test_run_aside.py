"""Work in a thread of its own: its result and its error reach the one who waits, once."""

from __future__ import annotations

import threading

import pytest

from worker.run.aside import Aside

CAP = 60.0


def test_the_caller_goes_on_while_the_work_waits():
    aside, may_end = Aside[int]("test"), threading.Event()
    aside.start(lambda: 7 if may_end.wait(CAP) else 0)
    may_end.set()
    assert aside.wait() == 7
    assert aside.wait() is None


def test_an_error_is_raised_where_it_is_waited_for():
    aside = Aside[int]("test")

    def fails() -> int:
        raise ValueError("no room")

    aside.start(fails)
    with pytest.raises(ValueError, match="no room"):
        aside.wait()
    assert aside.wait() is None


def test_without_a_free_process_the_work_is_done_by_the_caller(monkeypatch):
    def refuses(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuses)
    aside = Aside[int]("test")
    aside.start(threading.get_ident)
    assert aside.wait() == threading.get_ident()
