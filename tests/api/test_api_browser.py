"""The pages in a real browser: they load nothing from elsewhere, break no policy of their own, and move by themselves."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from peers.absent import missing
from store_runs import Run, add_job, resources, run_once

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--virtual-time-budget=9000",
    "--dump-dom",
]


@pytest.fixture
def browse(site, tmp_path):
    """The page as it is after a few seconds, and what the browser complained of."""
    chromium = shutil.which("chromium") or missing("chromium is not installed: apt-get install chromium")

    def look(path: str, width: int = 1200) -> str:
        command = [
            chromium,
            *FLAGS,
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--window-size={width},900",
            f"{site}{path}",
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=100)
        complaints = re.findall(r"CONSOLE.*", done.stderr)
        assert not complaints
        return done.stdout

    return look


@pytest.mark.peer("chromium")
def test_pages_load_without_a_complaint(browse, database, sql):
    job = add_job(sql)
    run_once(database, job, resources(5))

    for path in ("/", f"/jobs/{job}", "/entities", "/entities/1", "/changes"):
        assert "</main>" in browse(path)


@pytest.mark.peer("chromium")
def test_a_page_follows_a_run_to_its_end(elder_app, browse, database, sql):
    """The run ends after the page was first shown; nobody reloads it."""
    job = add_job(sql)
    run = Run(database, job)
    run.scope(resources(5))
    looks = []
    answer = elder_app.wsgi_app

    def counted(environ, start):
        if environ["PATH_INFO"] != f"/jobs/{job}":
            return answer(environ, start)
        looks.append(b"".join(answer(environ, start)))
        if len(looks) == 1:
            run.finish()
        return [looks[-1]]

    elder_app.wsgi_app = counted
    seen = browse(f"/jobs/{job}")

    assert b'class="tag running"' in looks[0]
    assert 'class="tag completed"' in seen
    assert 'class="tag running"' not in seen
    assert len(looks) == 2  # and it stopped asking
