"""The part of ``make soak`` that plays histories: random changes, readings, faults and commands, and the store beside a model of it."""

from __future__ import annotations

import collections
import concurrent.futures
import contextlib
import logging
import multiprocessing
import multiprocessing.queues
import os
import signal
import sys
import time
from collections.abc import Iterator

import structlog

from bench.part import Row, allowance
from bench.soak_database import database
from worker.store import claimed, marks, run_writes
from worker.store.connection import connect

SHOWN = 3
"""Histories that failed, of those of one database, of which the whole is printed, and seeds that the table shows."""

SHARING = 250
"""Histories that share a database: with thousands in one, each would take longer than the one before."""


def histories(count: int) -> list[Row]:
    """Plays so many histories, each with its own seed, from one that nobody has chosen on; seeds and failed histories are printed.

    Each core has a process of its own, whose database shares it: a statement and its answer that change cores take twice as long.
    """
    first = int(time.time()) * 100_000
    cores = len(os.sched_getaffinity(0))
    context = multiprocessing.get_context("spawn")
    free = context.SimpleQueue()
    for core in os.sched_getaffinity(0):
        free.put(core)
    happened: collections.Counter[str] = collections.Counter()
    failed: list[int] = []
    with concurrent.futures.ProcessPoolExecutor(cores, context, _prepare, (free,)) as pool, _interrupted_together():
        for begun in allowance.numbers(count, cores * SHARING):
            until = min(begun + cores * SHARING, count)
            parts = [range(first + start, first + min(start + SHARING, until)) for start in range(begun, until, SHARING)]
            for part, differ in pool.map(_play, parts):
                happened += part
                failed += differ
            print(f"{happened['played']} histories from seed {first}, {len(failed)} differ", file=sys.stderr, flush=True)
    faults = sum(number for name, number in happened.items() if " " in name)
    runs = happened["one_run"] + 2 * happened["overlap"]
    what = f"{happened['played']} histories (seeds from {first}): readings {runs + happened['sync']}, faults {faults}, releases {happened['release']}"
    return [Row(what, f"{len(failed)} differ from the model: {failed[:SHOWN]}", "0", not failed)]


@contextlib.contextmanager
def _interrupted_together() -> Iterator[None]:
    """Interrupts the processes of the pool when this one is: each closes its database, and the pool is not waited for."""
    try:
        yield
    except KeyboardInterrupt:
        for process in multiprocessing.active_children():
            process.terminate()
        raise


def _prepare(free: multiprocessing.queues.SimpleQueue[int]) -> None:
    """Takes a core, and sets what lets a process play many histories: no pauses, small batches, no logs but errors."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.sched_setaffinity(0, {free.get()})
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    claimed.RETRY_SECONDS, marks.MARKED_FROM, run_writes.BATCH_ROWS = (0.0, 0.0, 0.0), 10, 7


def _play(seeds: range) -> tuple[collections.Counter[str], list[int]]:
    """Plays histories in a database of their own; returns what happened, and the seeds of those that failed, of which it prints some."""
    from histories import History

    happened: collections.Counter[str] = collections.Counter()
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
                if len(failed) <= SHOWN:
                    print(error, file=sys.stderr)
            happened += history.happened
            happened["played"] += 1
        connection.pgconn.finish()
    return happened, failed
