"""The panels of the dashboards for a chaos run: a Prometheus scrapes the workers and an API that is used meanwhile, then each query of each panel is asked."""

from __future__ import annotations

import contextlib
import json
import math
import os
import pathlib
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Iterator

import urllib3
from cryptography.fernet import Fernet
from peers.port import free_port
from peers.prometheus import Server, serving

from bench.chaos.worker import ROOT

SCRAPED = 5
"""Seconds between two scrapes."""

STEPS = 60
"""Moments of the run at which each query is asked."""

ADDRESSES = ("/", "/api/v1/discovery/jobs", "/api/v1/entities?per_page=20", "/scopes", "/api/v1/runs/0", "/jobs/1")
"""Pages and lists that are opened all the time; one of them is not there."""

EMPTY = {
    "connectors": "the run has no connector: its two workers run discovery jobs only",
    "worker: Deleted rows that were kept no longer": "nothing is old enough to be deleted within minutes",
}
"""Board, or board and panel -> why nothing is to be seen there."""


class Watch:
    """The Prometheus and the API of one run."""

    def __init__(self, server: Server, api: str) -> None:
        self._server, self._api, self._began = server, api, time.time()
        self._over = threading.Event()
        self.thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        http = urllib3.PoolManager(retries=False, timeout=10.0)
        while not self._over.wait(0.5):
            for address in ADDRESSES:
                with contextlib.suppress(urllib3.exceptions.HTTPError):
                    http.request("GET", self._api + address)

    def end(self) -> None:
        """Opens no more pages."""
        self._over.set()
        self.thread.join()

    def tell(self) -> int:
        """Prints what each panel shows; returns the number of panels that are empty and that have no reason for it."""
        unexplained = 0
        print(f"\n{'panel':<72} {'series':>6}")
        for board, title, query in panels():
            number = self._series(query)
            reason = EMPTY.get(board) or EMPTY.get(f"{board}: {title}") or ""
            unexplained += not number and not reason
            print(f"{f'{board}: {title}':<72} {number:>6}{f'   {reason}' * (not number)}")
        print(f"{'panels that are empty without a reason':<72} {unexplained:>6}", flush=True)
        return unexplained

    def _series(self, query: str) -> int:
        """The number of series that have a value at some moment of the run. Raises `ValueError` for a query that is refused."""
        end = time.time()
        asked = urllib.parse.urlencode({"query": query, "start": self._began, "end": end, "step": max((end - self._began) / STEPS, 1)})
        answer = self._server.answer(f"query_range?{asked}")
        if answer is None:
            raise ValueError(f"Prometheus refuses {query}")
        return sum(any(math.isfinite(float(value)) for _, value in series["values"]) for series in answer["result"])


def panels() -> Iterator[tuple[str, str, str]]:
    """(board, title, query) of every panel; $__rate_interval is as Grafana has it with this interval of scrapes."""
    for path in sorted((ROOT / "deploy" / "grafana").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                yield path.stem, panel["title"], target["expr"].replace("$__rate_interval", f"{4 * SCRAPED}s")


@contextlib.contextmanager
def watched(folder: pathlib.Path, url: str, ports: list[int]) -> Iterator[Watch]:
    """Watches the workers whose health endpoints have these ports, and an API of their database."""
    folder.mkdir()
    port = free_port()
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": url,
        "ELDER_API_PORT": str(port),
        "ELDER_SECRET_KEYS": Fernet.generate_key().decode(),
    }
    targets = {"worker": [f"127.0.0.1:{one}" for one in ports], "api": [f"127.0.0.1:{port}"]}
    config = {
        "global": {"scrape_interval": f"{SCRAPED}s", "scrape_timeout": f"{SCRAPED}s"},
        "scrape_configs": [{"job_name": name, "static_configs": [{"targets": hosts}]} for name, hosts in targets.items()],
    }
    with (folder / "api.log").open("wb") as log, serving(folder, config) as server:
        api = subprocess.Popen([sys.executable, "-m", "worker.cli", "api"], env=environ, cwd=folder, stdout=log, stderr=log)
        watch = Watch(server, f"http://127.0.0.1:{port}")
        watch.thread.start()
        try:
            yield watch
        finally:
            watch.end()
            api.terminate()
            api.wait(60)
