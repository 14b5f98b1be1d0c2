"""What happens to the workers and to their database: each fault comes again and again, at random, and is measured until all is well."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable

from bench.chaos.worker import READY_TIMEOUT, ROOT, Worker
from worker.local.postgres import EmbeddedPostgres

sys.path.insert(0, str(ROOT / "tests" / "peers"))
from tcp_proxy import Proxy

WORKER_PAUSE, DATABASE_PAUSE = 4.0, 45.0
"""Mean seconds between the end of one fault and the beginning of the next, for each worker and for the database."""

LONGEST = 15.0
"""Seconds that a process is stopped or a network is bad: longer than the lease of 10."""

KILLED = {"supervisor": 2, "writer": 3, "http": 1, "job": 6}
STOPPED = {"supervisor": 1, "writer": 2, "http": 1, "job": 2}
NETWORK = {"cut": 3, "refused": 1, "deaf": 1, "slow": 1}
"""What -> how often, compared with the others."""


class Faults:
    """Three threads of bad luck: one for each worker, one for PostgreSQL."""

    def __init__(self, workers: list[Worker], proxies: list[Proxy], server: EmbeddedPostgres, outage: float = LONGEST) -> None:
        """`outage` is the number of seconds that PostgreSQL is away at the most."""
        self.recoveries: dict[str, list[float]] = defaultdict(list)
        """Fault -> seconds from its end until the worker (both, for PostgreSQL) said that it was ready."""
        self.failures: list[str] = []
        self._workers, self._server, self._outage = workers, server, outage
        self._cap = READY_TIMEOUT + outage  # PostgreSQL may go away while a worker comes back from something else
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._haunt, args=(lambda pair=pair: self._strike(*pair), WORKER_PAUSE))
            for pair in zip(workers, proxies, strict=True)
        ]
        self._threads.append(threading.Thread(target=self._haunt, args=(self._restart_database, DATABASE_PAUSE)))

    def begin(self) -> None:
        """Now."""
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """No more; what was bent is straight again afterwards."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _haunt(self, strike: Callable[[], None], mean: float) -> None:
        while not self._over.wait(random.expovariate(1 / mean)):
            try:
                strike()
            except Exception as error:  # noqa: BLE001 - a worker that does not come back is a finding, not the end of the others
                self.failures.append(f"{type(error).__name__}: {error}")

    def _strike(self, worker: Worker, proxy: Proxy) -> None:
        faults = {("kill", name): weight for name, weight in KILLED.items()}
        faults |= {("stop", name): weight for name, weight in STOPPED.items()}
        faults |= {("network", name): weight for name, weight in NETWORK.items()}
        kind, name = random.choices(list(faults), weights=list(faults.values()))[0]
        if kind == "network":
            self._spoil(proxy, name)
        else:
            self._hit(worker, kind, name)
            return
        self.recoveries[f"{kind} {name}"].append(worker.await_ready(cap=self._cap))

    def _hit(self, worker: Worker, kind: str, name: str) -> None:
        pid, now = worker.pick(name), time.time()
        if pid is None or not self._signal(pid, kind):
            return
        look = (lambda: worker.renewed(name, pid, now)) if kind == "kill" else None
        self.recoveries[f"{kind} {name}"].append(worker.await_ready(look, self._cap))

    def _signal(self, pid: int, kind: str) -> bool:
        """Whether there was such a process. One that was stopped goes on after a while, if it still lives."""
        with contextlib.suppress(ProcessLookupError):
            pidfd = os.pidfd_open(pid)
            try:
                signal.pidfd_send_signal(pidfd, signal.SIGKILL if kind == "kill" else signal.SIGSTOP)
                if kind == "stop":
                    time.sleep(random.uniform(0.2, LONGEST))
                    with contextlib.suppress(ProcessLookupError):
                        signal.pidfd_send_signal(pidfd, signal.SIGCONT)
            finally:
                os.close(pidfd)
            return True
        return False

    def _spoil(self, proxy: Proxy, name: str) -> None:
        if name == "cut":
            proxy.cut()
            return
        if name == "refused":
            proxy.stop()
        proxy.deaf, proxy.delay = name == "deaf", 0.05 if name == "slow" else 0.0
        time.sleep(random.uniform(0.2, LONGEST))
        proxy.delay = 0.0
        proxy.resume()

    def _restart_database(self) -> None:
        self._server.stop(signal.SIGQUIT)  # immediate: as if it had crashed
        time.sleep(random.uniform(0.0, self._outage))
        self._server.start()
        self.recoveries["PostgreSQL restart"].append(max(worker.await_ready(cap=self._cap) for worker in self._workers))
