"""``--watch`` of `elder`: drawn again in place on a terminal, as an emulator shows it, and refused in a pipe."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading

import click
import pyte
import pytest
from command_runner import terminal
from peers.elder import COMMAND
from store_runs import add_job
from waiting import CAP, until

from api.client.main import main

COLUMNS, LINES = 80, 10


class Watching:
    """A command on a terminal of 80 columns and 10 lines, read by an emulator in a thread until the command has ended."""

    def __init__(self, site: str, home: str, *arguments: str, **environ: str) -> None:
        self.screen, self.said = pyte.HistoryScreen(COLUMNS, LINES), b""
        self._person, program = terminal(COLUMNS, LINES)
        environ = {"PATH": os.environ["PATH"], "TERM": "xterm", "ELDER_API_URL": site, "HOME": home, **environ}
        self._process = subprocess.Popen([*COMMAND, *arguments], env=environ, stdin=program, stdout=program, stderr=program)
        os.close(program)
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        stream = pyte.ByteStream(self.screen)
        with contextlib.suppress(OSError):
            while piece := os.read(self._person, 65_536):
                self.said += piece
                stream.feed(piece)

    def shows(self, *words: str) -> list[str]:
        """The lines of the screen once these words are in them."""
        until(lambda: all(any(word in line for line in self.screen.display) for word in words), lambda: "\n".join(self.screen.display))
        return [line.rstrip() for line in self.screen.display]

    def leave(self) -> bool:
        """Kills it where it has not ended, and says so."""
        left = self._process.poll() is None
        if left:
            self._process.kill()
            self.ended(-signal.SIGKILL)
        return left

    def end(self, number: signal.Signals = signal.SIGINT) -> None:
        """Presses Ctrl-C, or sends another signal, and waits for the end."""
        self._process.send_signal(number)
        self.ended(128 + number)

    def ended(self, code: int) -> None:
        """Waits for the end."""
        assert self._process.wait(CAP) == code
        self._thread.join()
        os.close(self._person)


@pytest.fixture
def watch(site, tmp_path):
    """Starts commands; all have ended at the end."""
    begun = []

    def start(*arguments: str, **environ: str) -> Watching:
        begun.append(Watching(site, str(tmp_path), *arguments, **environ))
        return begun[-1]

    yield start
    left = [one for one in begun if one.leave()]
    assert not left


def test_it_is_drawn_again_in_place_until_ctrl_c(watch, sql):
    job = add_job(sql, name="first")
    seen = watch("jobs", "list", "--watch", "0.1")
    assert seen.shows("first")[0].startswith("elder jobs list, every 0.1 s, ")
    sql.execute("update discovery_jobs set name = 'renamed', status = 'error' where id = %s", [job])
    lines = seen.shows("renamed", "error")
    assert [bool(line) for line in lines] == [True, False, True, True] + [False] * 6, "one picture, and nothing left of the one before"
    assert not seen.screen.history.top, "nothing has scrolled"
    assert b"\x1b[31merror" in seen.said
    seen.end()
    assert seen.said.endswith(b"\x1b[?7h\x1b[?25h\x1b[?1049l\r\n"), "the terminal is as it was: cursor, line breaks, first screen"


def test_a_command_that_is_stopped_leaves_the_terminal_as_it_was(watch, sql):
    add_job(sql, name="first")
    seen = watch("jobs", "list", "--watch", "0.1")
    seen.shows("first")
    seen.end(signal.SIGTERM)
    assert seen.said.endswith(b"\x1b[?7h\x1b[?25h\x1b[?1049l")


def test_an_empty_list_is_watched_too_and_grows_beyond_the_screen(watch, sql):
    seen = watch("jobs", "list", "--watch=0.1", NO_COLOR="1")
    seen.shows("No jobs.")
    for number in range(12):
        add_job(sql, name=f"job number {number}")
    lines = seen.shows("job number 11", "... and 6 more lines")
    assert lines[-1] == "... and 6 more lines"
    assert not seen.screen.history.top
    seen.end()
    assert b"\x1b[3" not in seen.said, "NO_COLOR"


def test_an_api_that_is_away_is_said_and_asked_again(watch, elder_app, sql):
    add_job(sql, name="first")
    away = threading.Event()

    @elder_app.before_request
    def refuse():
        return ({"error": "the database cannot be used now", "details": []}, 503) if away.is_set() else None

    seen = watch("jobs", "get", "1", "--watch", "0.1")
    seen.shows("first")
    away.set()
    assert "first" in "\n".join(seen.shows(": the database cannot be used now")), "what was seen last stays"
    away.clear()
    sql.execute("update discovery_jobs set name = 'second'")
    assert "cannot be used" not in "\n".join(seen.shows("second"))
    seen.end()


def test_what_is_not_there_ends_it(watch):
    seen = watch("jobs", "get", "99", "--watch")
    seen.shows("elder: there is no job 99")
    seen.ended(6)


def test_in_a_pipe_it_is_refused(elder_command):
    assert elder_command("jobs", "list", "--watch", code=2).stderr.startswith("elder: --watch draws on a terminal; in a pipe, repeat")


def test_every_command_that_lists_or_shows_something_has_it():
    def commands(group: click.Group):
        for name, command in group.commands.items():
            if isinstance(command, click.Group):
                yield from commands(command)
            elif name in {"list", "get", "history", "held", "deliveries", "changes", "audit"}:
                yield command

    found = list(commands(main))
    assert len(found) >= 19
    assert not [command.name for command in found if "watch" not in {param.name for param in command.params}]
