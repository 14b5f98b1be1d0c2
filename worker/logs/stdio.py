"""Redacts what a job's process prints to stdout and stderr: debug switches of SDKs bypass logging."""

from __future__ import annotations

import io
import sys
import threading
from typing import TextIO

from worker.logs.redact import LONGEST, Redactor


class CleanOutput(io.TextIOBase):
    """Redacts a text stream line by line, because a secret may be printed in pieces. The rest of a line beyond `LONGEST` is left out."""

    def __init__(self, stream: TextIO, redactor: Redactor) -> None:
        self._stream, self._redactor, self._line, self._lock = stream, redactor, "", threading.Lock()

    def write(self, text: str) -> int:
        """Keeps text until its line is complete, then writes the redacted line."""
        with self._lock:
            *lines, rest = text.split("\n")
            for line in lines:
                self._add(line)
                self._end("\n")
            self._add(rest)
        return len(text)

    def flush(self) -> None:
        """Writes the unfinished line, redacted: the process may be about to end."""
        with self._lock:
            if self._line:
                self._end("")

    def _add(self, text: str) -> None:
        """Adds to the line; one character more than the redactor takes shows it that the line is cut."""
        self._line += text[: max(0, LONGEST + 1 - len(self._line))]

    def _end(self, end: str) -> None:
        self._stream.write(self._redactor.text(self._line) + end)
        self._stream.flush()
        self._line = ""

    def fileno(self) -> int:
        """Descriptor of the underlying stream."""
        return self._stream.fileno()

    def writable(self) -> bool:
        """True: the stream can be written."""
        return True


def clean_outputs(redactor: Redactor) -> None:
    """Replaces stdout and stderr of this process by redacting streams."""
    sys.stdout, sys.stderr = CleanOutput(sys.stdout, redactor), CleanOutput(sys.stderr, redactor)
