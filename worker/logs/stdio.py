"""What a job's process prints, without its secrets: SDKs have debug switches of their own, which ask no logger."""

from __future__ import annotations

import io
import sys
import threading
from typing import TextIO

from worker.logs.redact import Redactor

LONGEST = 64 * 1024
"""Characters of a line without an end that are kept back."""


class CleanOutput(io.TextIOBase):
    """In front of a stream. A line is passed on when it is whole, as a secret may be printed in pieces."""

    def __init__(self, stream: TextIO, redactor: Redactor) -> None:
        self._stream, self._redactor, self._line, self._lock = stream, redactor, "", threading.Lock()

    def write(self, text: str) -> int:
        """Takes it."""
        with self._lock:
            whole, end, self._line = (self._line + text).rpartition("\n")
            if end or len(self._line) > LONGEST:
                self._pass_on(whole + end)
            if len(self._line) > LONGEST:
                self._pass_on(self._line)
                self._line = ""
        return len(text)

    def flush(self) -> None:
        """What there is of a line goes out as it is: the process may be about to end."""
        with self._lock:
            self._pass_on(self._line)
            self._line = ""

    def _pass_on(self, text: str) -> None:
        self._stream.write(self._redactor.text(text))
        self._stream.flush()

    def fileno(self) -> int:
        """Of the stream behind, for those that write there by themselves."""
        return self._stream.fileno()

    def writable(self) -> bool:
        """It is."""
        return True


def clean_outputs(redactor: Redactor) -> None:
    """From now on, of this process."""
    sys.stdout, sys.stderr = CleanOutput(sys.stdout, redactor), CleanOutput(sys.stderr, redactor)
