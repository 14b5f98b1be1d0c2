"""Redacts what a job's process prints to stdout and stderr: debug switches of SDKs bypass logging."""

from __future__ import annotations

import io
import sys
import threading
from typing import TextIO

from worker.logs.redact import Redactor

LONGEST = 64 * 1024
"""Most characters of an unfinished line that are kept back."""


class CleanOutput(io.TextIOBase):
    """Redacts a text stream line by line, because a secret may be printed in pieces."""

    def __init__(self, stream: TextIO, redactor: Redactor) -> None:
        self._stream, self._redactor, self._line, self._lock = stream, redactor, "", threading.Lock()

    def write(self, text: str) -> int:
        """Keeps text until its line is complete, then writes the redacted line."""
        with self._lock:
            whole, end, self._line = (self._line + text).rpartition("\n")
            if end or len(self._line) > LONGEST:
                self._pass_on(whole + end)
            if len(self._line) > LONGEST:
                self._pass_on(self._line)
                self._line = ""
        return len(text)

    def flush(self) -> None:
        """Writes the unfinished line, redacted: the process may be about to end."""
        with self._lock:
            self._pass_on(self._line)
            self._line = ""

    def _pass_on(self, text: str) -> None:
        self._stream.write(self._redactor.text(text))
        self._stream.flush()

    def fileno(self) -> int:
        """Descriptor of the underlying stream."""
        return self._stream.fileno()

    def writable(self) -> bool:
        """True: the stream can be written."""
        return True


def clean_outputs(redactor: Redactor) -> None:
    """Replaces stdout and stderr of this process by redacting streams."""
    sys.stdout, sys.stderr = CleanOutput(sys.stdout, redactor), CleanOutput(sys.stderr, redactor)
