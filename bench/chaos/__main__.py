"""``python -m bench.chaos --minutes 30``: exit code 0 when all is as it has to be."""

from __future__ import annotations

import argparse
import datetime as dt
import functools
import os
import pathlib
import platform
import random
import statistics
import sys
import tempfile
import time

from peers.pgbouncer import PgBouncer, start
from peers.port import free_port

from bench.chaos.faults import LONGEST, Faults, Proxy
from bench.chaos.ledger import Ledger
from bench.chaos.source import install
from bench.chaos.watch import watched
from bench.chaos.worker import Worker, left_processes
from bench.processes import percentile
from worker.local.postgres import EmbeddedPostgres
from worker.store.migrate import migrate

POOL = "default_pool_size = 6"
"""Connections of PgBouncer to the server: fewer than the ten that both workers use at their busiest, so that they share them."""

DRAIN = 900.0
"""Seconds for all jobs to run once more when nobody is in the way."""

ZONE = "zone"
"""Queue of the jobs that only one worker serves."""

SETTLED = 60.0
"""Seconds in which the metrics have to tell what is stored: the writer reports every second, on an idle machine."""


def main() -> int:
    """Breaks things, mends them, counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--resources", type=int, default=1000, help="of each job")
    parser.add_argument("--pause", type=float, default=0.2, help="seconds that a source takes for 50 resources of a region")
    parser.add_argument("--pooled", action="store_true", help="a PgBouncer in transaction mode between the workers and PostgreSQL")
    parser.add_argument("--unlike", action="store_true", help="every other job is in a queue that only the second worker serves")
    parser.add_argument("--outage", type=float, default=LONGEST, help="seconds that PostgreSQL is away at the most")
    parser.add_argument("--watched", action="store_true", help="Prometheus beside it; then every query of the dashboards is asked")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--folder", type=pathlib.Path, default=None, help="kept afterwards, with the logs")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.randrange(1 << 32)
    random.seed(seed)
    now = dt.datetime.now(dt.UTC)
    print(f"{now:%Y-%m-%d %H:%M} UTC, {platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}, seed {seed}")
    print(f"{options.minutes:g} minutes, 2 workers, {options.jobs} jobs, {options.jobs * options.resources} resources")
    print(f"PostgreSQL away for up to {options.outage:g} s{', PgBouncer in transaction mode between' * options.pooled}")
    print(
        f"{'only the second worker serves the queue of every other job' if options.unlike else 'both workers serve all jobs'}\n", flush=True
    )
    if options.folder:
        return chaos(options.folder.resolve(), options)
    with tempfile.TemporaryDirectory(prefix="elder-chaos-") as folder:
        return chaos(pathlib.Path(folder), options)


def chaos(folder: pathlib.Path, options: argparse.Namespace) -> int:
    """All of it, in a folder."""
    install(folder / "site")
    server = EmbeddedPostgres(folder / "postgres", settings=("max_connections=200", "max_wal_size=2GB"))
    pooler: PgBouncer | None = None
    proxies: list[Proxy] = []
    workers: list[Worker] = []
    try:
        server.start()
        migrate(server.url())
        if options.pooled:
            pooler = start(server.url(), folder / "pgbouncer", "transaction", POOL)
        target = ("127.0.0.1", pooler.port) if pooler else f"{server.socket}/.s.PGSQL.5432"
        proxies += [Proxy(target) for _ in range(2)]
        config = {"version": 0, "resources": options.resources // 4, "pause": options.pause}
        ledger = Ledger(server.url(), options.jobs, config)
        apart = ledger.jobs[1::2] if options.unlike else []
        ledger.put_aside(apart, ZONE)
        for number, proxy in enumerate(proxies):
            url = f"postgresql://elder:{server.password}@127.0.0.1:{proxy.port}/elder"
            workers.append(
                Worker(folder / f"worker-{number}", folder / "site", free_port(), url, f"default,{ZONE}" if number else "default")
            )
        faults = Faults(workers, proxies, server, options.outage)
        if not options.watched:
            return _run(ledger, workers, faults, options.minutes * 60, folder, set(apart))
        with watched(folder / "watch", server.url(), [worker.port for worker in workers]) as watch:
            code = _run(ledger, workers, faults, options.minutes * 60, folder, set(apart))
            return code | bool(watch.tell())
    finally:
        for worker in workers:
            if worker.process.poll() is None:
                worker.process.kill()
                worker.process.wait()
        for proxy in proxies:
            proxy.close()
        if pooler:
            pooler.close()
        server.close()


def _run(ledger: Ledger, workers: list[Worker], faults: Faults, seconds: float, folder: pathlib.Path, apart: set[int]) -> int:
    """`apart` are the jobs that the first worker may not run."""
    for worker in workers:
        worker.await_ready()
    ledger.begin()
    faults.begin()
    time.sleep(seconds)
    faults.end()
    ledger.end()
    for worker in workers:
        worker.await_ready()
    ledger.await_rest(DRAIN)
    _await_reports(workers)
    counted, last = _completed(workers), ledger.one("select coalesce(max(id), 0) from discovery_history")
    for job in ledger.jobs:
        ledger.queue(job)
    drained = ledger.await_rest(DRAIN)
    _await_reports(workers)
    counted = _completed(workers) - counted
    stored = ledger.one("select count(*) from discovery_history where id > %s and status = 'completed'", last)
    codes = [worker.stop() for worker in workers]
    wrong = ledger.wrong()
    entities = -wrong.pop("entities in the store")
    wrong |= {
        "jobs that did not complete in the last round": len(ledger.jobs) - stored,
        "runs of the last round that the metrics count otherwise": abs(int(counted) - stored),
        "jobs that a worker ran which does not serve their queue": len(workers[0].has_started() & apart),
        "jobs that only one worker serves and that it has not run": len(apart - workers[1].has_started()),
        "workers that did not stop with exit code 0": sum(code != 0 for code in codes),
        "processes left": len(left_processes(folder)),
        "temporary files left": sum(len(worker.left_files()) for worker in workers),
        "times that a worker did not come back": len(faults.failures),
    }
    _tell_faults(faults)
    _tell_runs(ledger, workers, entities, drained)
    return _tell_wrong(wrong, faults.failures)


def _await_reports(workers: list[Worker]) -> None:
    """Waits until each worker's writer has reported twice: the first report may have been on its way before now."""
    for worker in [*workers, *workers]:
        asked = time.monotonic()
        worker.await_ready(functools.partial(worker.reported_since, asked), SETTLED)


def _completed(workers: list[Worker]) -> float:
    return sum(
        value for worker in workers for labels, value in worker.counted("discovery_jobs_total").items() if 'status="completed"' in labels
    )


def _tell_faults(faults: Faults) -> None:
    print(f"{'fault':<24} {'times':>6} {'well again, p50':>18} {'p95':>8} {'max':>8}   (seconds; others may have come between)")
    for name, seconds in sorted(faults.recoveries.items()):
        p50, p95 = statistics.median(seconds), percentile(seconds, 95)
        print(f"{name:<24} {len(seconds):>6} {p50:>18.1f} {p95:>8.1f} {max(seconds):>8.1f}")


def _tell_runs(ledger: Ledger, workers: list[Worker], entities: int, drained: float) -> None:
    print(f"\n{'runs by outcome':<40} {'':>6}")
    for status, kind, number in ledger.rows("select status, error_kind, count(*) from discovery_history group by 1, 2 order by 3 desc"):
        print(f"{'/'.join(filter(None, (status, kind))):<40} {number:>6}")
    again = [float(row[0]) for row in ledger.rows(_AGAIN)]
    if again:
        print(
            f"{'lost run -> its job runs again, seconds':<40} p50 {statistics.median(again):.1f}, p95 {percentile(again, 95):.1f}, max {max(again):.1f}"
        )
    print(f"{'queued, cancelled by a person':<40} {ledger.queued:>6}, {ledger.cancelled}")
    print(f"{'starts of each worker':<40} {', '.join(str(worker.starts) for worker in workers):>6}")
    print(f"{'all jobs once more, without faults':<40} {drained:>6.0f} s")
    print(f"{'entities that are there, in the end':<40} {entities:>6}")


def _tell_wrong(wrong: dict[str, int], failures: list[str]) -> int:
    print(f"\n{'what must not be':<64} {'times':>6}")
    for what, times in wrong.items():
        print(f"{what:<64} {times:>6}")
    for failure in failures:
        print(f"!! {failure}")
    return 1 if any(wrong.values()) else 0


_AGAIN = """
select extract(epoch from next.started_at - lost.completed_at) from discovery_history lost
cross join lateral (select started_at from discovery_history h where h.job_id = lost.job_id and h.id > lost.id order by id limit 1) next
where lost.error_kind = 'lost' and next.started_at - lost.completed_at < interval '10 minutes'
"""

if __name__ == "__main__":
    sys.exit(main())
