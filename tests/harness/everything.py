"""``elder-worker up`` as a person starts it, with or without ``--demo``."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
from collections.abc import Mapping

import urllib3
from peers.port import free_port
from waiting import CAP, until

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Everything:
    """One start, in the foreground of nobody's terminal. Its data is in ``data`` under the folder, as it is for the next start."""

    def __init__(self, folder: pathlib.Path, number: int, *options: str, data: str = "data", more: Mapping[str, str] | None = None) -> None:
        self.out = folder / f"out-{number}"
        ports = {"ELDER_API_PORT": str(free_port()), "HEALTH_CHECK_PORT": str(free_port())}
        self.api = f"http://127.0.0.1:{ports['ELDER_API_PORT']}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ELDER_", "DATABASE_"))}
        self.mark = f"PYTHONTESTMARK={folder.name}-{number}"
        with self.out.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "worker.cli", "up", *options, "--data", str(folder / data)],
                env=kept | ports | dict([self.mark.split("=")]) | dict(more or {}),
                cwd=ROOT,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def output(self) -> str:
        """All that it has said, once it has nothing more to say."""

        def look() -> str:
            words = self.out.read_text()
            assert self.process.poll() is None, words
            return words if "Ctrl-C ends all of it" in words else ""

        return until(look, "everything has started", cap=CAP * 5)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(CAP) == 0, self.out.read_text()
        assert "nothing is left running" in self.out.read_text()
        until(lambda: not self.processes(), "no process is left")

    def processes(self) -> list[str]:
        found = []
        for folder in pathlib.Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if folder.name.isdecimal() and self.mark.encode() in (folder / "environ").read_bytes():
                    found.append(folder.name)
        return found

    def ids(self) -> set[str]:
        """The external ids of all active entities, as the API has them."""
        found: set[str] = set()
        while True:
            answer = urllib3.request("GET", f"{self.api}/api/v1/entities?per_page=1000&page={len(found) // 1000 + 1}").json()
            found |= {one["external_id"] for one in answer["entities"]}
            if len(found) >= answer["total"]:
                return found
