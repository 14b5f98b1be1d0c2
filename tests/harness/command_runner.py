"""Runs the command `elder` again and again, each time in a process of its own, in a pipe or on a terminal: a process that is imported once.

Asked on stdin and answered on stdout, a line of JSON each: ``{"arguments": [...], "environ": {...}, "columns": 80, "typed": "n\n"}``, where no
columns are a pipe, and ``{"code": 0, "stdout": "...", "stderr": "..."}``, where a terminal has all on stdout.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence
from typing import Any, NamedTuple

from waiting import CAP

LINES = 24


class Done(NamedTuple):
    """How a command has ended, and what it has printed."""

    code: int
    stdout: str
    stderr: str


class CommandRunner:
    """A process that runs commands."""

    def __init__(self) -> None:
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ, text=True, encoding="utf-8"
        )

    def run(self, arguments: Sequence[str], environ: dict[str, str], columns: int = 0, typed: str = "n\n") -> Done:
        """Runs a command to its end."""
        assert self._process.stdin and self._process.stdout
        asked = {"arguments": list(arguments), "environ": environ, "columns": columns, "typed": typed}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return Done(**json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        """Ends the process; all that it has started has ended before."""
        self._process.communicate(timeout=CAP)
        assert self._process.returncode == 0


def terminal(columns: int, lines: int = LINES) -> tuple[int, int]:
    """The two ends of a new terminal: the one that a person sits at, and the one of programs."""
    person, program = pty.openpty()
    fcntl.ioctl(program, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    return person, program


def _serve() -> None:
    from api.client.main import main

    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps((_on_terminal if asked["columns"] else _in_pipe)(main, asked)), flush=True)


def _on_terminal(command: Any, asked: dict[str, Any]) -> dict[str, Any]:
    person, program = terminal(asked["columns"])
    child = os.fork()
    if not child:
        os.close(person)
        os.login_tty(program)
        _become(command, asked)
    os.close(program)
    said = _read(person, asked["typed"].encode())
    return {"code": os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), "stdout": said, "stderr": ""}


def _in_pipe(command: Any, asked: dict[str, Any]) -> dict[str, Any]:
    ends = [os.pipe() for _ in range(3)]
    child = os.fork()
    if not child:
        for number, (reading, writing) in enumerate(ends):
            os.dup2(writing if number else reading, number)
        for pair in ends:
            os.closerange(min(pair), max(pair) + 1)
        _become(command, asked)
    for end in (ends[0][0], ends[0][1], ends[1][1], ends[2][1]):
        os.close(end)
    stdout, stderr = (_read(ends[number][0]) for number in (1, 2))
    return {"code": os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), "stdout": stdout, "stderr": stderr}


def _become(command: Any, asked: dict[str, Any]) -> None:
    """Makes this process the command, as a shell that starts it would."""
    code = 70
    try:
        os.environ.clear()
        os.environ.update(asked["environ"])
        sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w", 1), os.fdopen(2, "w", 1)
        command.main(asked["arguments"], prog_name="elder")
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        os._exit(code)


def _read(descriptor: int, typed: bytes = b"") -> str:
    """All that comes until the other end is closed; a question is answered by what is `typed`."""
    said = b""
    with contextlib.suppress(OSError):  # a terminal that nobody has open any more
        while piece := os.read(descriptor, 65_536):
            said += piece
            if piece.endswith(b"[y/N]: "):
                os.write(descriptor, typed)
    os.close(descriptor)
    return said.decode()


if __name__ == "__main__":
    _serve()
