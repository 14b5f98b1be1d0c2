"""Runs a source's plan on a bounded pool of threads and tells a sink, scope by scope, what was found and how it ended.

Completeness is never inferred: a scope is complete only when its `fetch` ran to its end without raising and without yielding `Incomplete`
for it with another outcome than `COMPLETE`; with that outcome it is a note, and the scope stays complete. Whatever else happens has a name
(`Outcome`), a sentence, and leaves the other scopes alone.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext

import msgspec

from providers.attempts import Attempts
from providers.errors import ConfigError, Outcome, ProviderError, ScopeError
from providers.order import ReadQueue
from providers.provider import PAUSE, Read, Source
from providers.reader import Claims, Reader
from providers.records import Identity, Scope
from providers.sink import BATCH, ScopeReport, Sink

LOOKAHEAD = 4096
"""Reads of a plan that are known at once; among those, the oldest attempt comes first."""


class Tally(msgspec.Struct):
    """The result of a run."""

    scopes: int = 0
    resources: int = 0
    outcomes: dict[str, int] = {}

    @property
    def complete(self) -> bool:
        """True if every scope was read in full."""
        return self.scopes == self.outcomes.get(Outcome.COMPLETE, 0)


def check(source: Source) -> Identity:
    """The identity that the source knows the caller by. Raises `ProviderError`."""
    with _classified(source):
        return source.check()


def test(source: Source) -> Identity:
    """The identity, for a connectivity test. Raises `ProviderError`, and `ConfigError` for names that the source does not have."""
    identity = check(source)
    complaints: tuple[str, ...] = ()
    with contextlib.suppress(ScopeError), _classified(source):
        complaints = tuple(source.unknown())
    if complaints:
        raise ConfigError(complaints=complaints)
    return identity


def run(source: Source, sink: Sink, batch: int = BATCH, attempted: Iterable[Scope] = ()) -> Tally:
    """Reads everything, in the order of the last attempt: `attempted` are the scopes of earlier runs, the oldest attempt first.

    Raises the `ProviderError` that `check` or `plan` raised; what single reads raise becomes an outcome.
    """
    source.attempts = Attempts(attempted)
    sink.identity(check(source))
    tally = Tally()
    lock = threading.Lock()

    def finished(report: ScopeReport) -> None:
        sink.end(report)
        with lock:
            tally.scopes += 1
            tally.resources += report.resources
            tally.outcomes[report.outcome] = tally.outcomes.get(report.outcome, 0) + 1

    lanes = _Lanes(source.lane_width)
    claims, queue = Claims(), ReadQueue(source.attempts, LOOKAHEAD)

    def read_next() -> None:
        read = queue.get()
        if read is None:
            return
        try:
            Reader(source, sink, read, batch, finished, lanes.of(read), claims).run()
        except BaseException:  # it ends the run: no further read begins
            _end_all(queue.close())
            raise
        finally:
            read.ended()

    with concurrent.futures.ThreadPoolExecutor(source.concurrency, thread_name_prefix="read") as pool:
        futures: set[concurrent.futures.Future[None]] = set()
        try:
            for read in _planned(source):
                if read is PAUSE:
                    queue.pause()
                    continue
                sink.planned(read.scopes)
                if not queue.put(read):
                    read.ended()
                futures = _drop_done(futures | {pool.submit(read_next)}, LOOKAHEAD)
            queue.pause()
            for future in futures:
                future.result()
            _ensure_accepted(source)
        except BaseException:
            _end_all(queue.close())
            pool.shutdown(wait=False, cancel_futures=True)  # what has not begun would only delay the news
            raise
    return tally


def _ensure_accepted(source: Source) -> None:
    """Raises `CredentialsError` once the source refuses the credential: a plan may have ended early for want of it, and left scopes out."""
    if source.credential:
        source.credential.ensure_accepted()


def _end_all(reads: Iterable[Read]) -> None:
    for read in reads:
        read.ended()


def _planned(source: Source) -> Iterator[Read]:
    """The plan, each scope once, with its errors as ours; what the sink raises meanwhile is not an error of the source."""
    with _classified(source):
        reads = iter(source.plan())
    planned: set[Scope] = set()
    while True:
        with _classified(source):
            read = next(reads, None)
        if read is None:
            return
        fresh = tuple(scope for scope in dict.fromkeys(read.scopes) if scope not in planned)
        planned.update(fresh)
        if read is PAUSE:
            yield PAUSE
        elif fresh:
            yield msgspec.structs.replace(read, scopes=fresh, repeated=tuple(scope for scope in read.scopes if scope not in fresh))
        else:
            read.ended()


def _drop_done(futures: set[concurrent.futures.Future[None]], limit: int) -> set[concurrent.futures.Future[None]]:
    """Keeps a plan of 100,000 reads from being queued all at once; raises what the sink raised."""
    if len(futures) < limit:
        return futures
    done, pending = concurrent.futures.wait(futures, return_when=concurrent.futures.FIRST_COMPLETED)
    for future in done:
        future.result()
    return pending


class _classified:  # noqa: N801 - used as a statement
    """Turns the SDK's exceptions into the provider's own."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, ProviderError):
            ours = self._source.classify(error)
            if ours is not None:
                raise ours from error


class _Lanes:
    def __init__(self, width: int) -> None:
        self._width = width
        self._lanes: dict[str, threading.BoundedSemaphore] = {}

    def of(self, read: Read) -> AbstractContextManager[object]:
        """The lane of a read; called by one thread only."""
        if not read.lane:
            return nullcontext()
        return self._lanes.setdefault(read.lane, threading.BoundedSemaphore(self._width))
