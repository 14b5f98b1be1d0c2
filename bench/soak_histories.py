"""The part of ``make soak`` that plays histories: random changes, readings, faults and commands, and the store beside a model of it."""

from __future__ import annotations

import collections
import logging
import sys
import time

import structlog

from bench.part import Row, allowance
from bench.soak_database import database
from worker.store import claimed, marks, run_writes
from worker.store.connection import connect

SHOWN = 3
"""Histories that failed of which the whole is printed."""


SHARING = 250
"""Histories that share a database: with thousands in one, each would take longer than the one before."""


def histories(count: int) -> list[Row]:
    """Plays so many histories, each with its own seed, from one that nobody has chosen on; seeds and failed histories are printed."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    claimed.RETRY_SECONDS, marks.MARKED_FROM, run_writes.BATCH_ROWS = (0.0, 0.0, 0.0), 10, 7
    first = int(time.time()) * 100_000
    happened: collections.Counter[str] = collections.Counter()
    failed: list[int] = []
    for begun in allowance.numbers(count, SHARING):
        failed += _play(range(first + begun, first + min(begun + SHARING, count)), happened, SHOWN - len(failed))
    faults = sum(number for name, number in happened.items() if " " in name)
    runs = happened["one_run"] + 2 * happened["overlap"]
    what = f"{happened['played']} histories (seeds from {first}): readings {runs + happened['sync']}, faults {faults}, releases {happened['release']}"
    return [Row(what, f"{len(failed)} differ from the model: {failed[:SHOWN]}", "0", not failed)]


def _play(seeds: range, happened: collections.Counter[str], shown: int) -> list[int]:
    """Plays histories in a database of their own; returns the seeds of those that failed, of which it prints some."""
    from histories import History

    failed: list[int] = []
    with database() as url:
        connection = connect(url)
        connection.prepare_threshold = 2
        connection.close = lambda: None  # each run would close it
        for seed in seeds:
            history = History(connection, seed)
            try:
                history.play()
            except AssertionError as error:
                failed.append(seed)
                if len(failed) <= shown:
                    print(error, file=sys.stderr)
            happened += history.happened
            happened["played"] += 1
        connection.pgconn.finish()
    return failed
