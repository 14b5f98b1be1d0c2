"""Errors of the supervisor, grouped by what the caller does next.

::

    SupervisorError
    |-- ProtocolError      a speaker broke the frame protocol: kill it
    |-- SpawnError         a process could not be made: hand the work back, try later
    `-- RestartStorm       a service dies faster than it may be restarted: give up upwards
"""

from __future__ import annotations

MAX_SENTENCE = 500
"""Characters of a sentence that may quote a job."""


def bounded(sentence: str) -> str:
    """The sentence, cut to a length that a message of the channel and a log line can hold."""
    return sentence if len(sentence) <= MAX_SENTENCE else f"{sentence[:MAX_SENTENCE]} ..."


class SupervisorError(Exception):
    """Base of the supervisor's errors."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)


class ProtocolError(SupervisorError):
    """A process broke the frame protocol. The message may quote it, and is bounded."""

    def __init__(self, message: str) -> None:
        super().__init__(bounded(message))


class SpawnError(SupervisorError):
    """A process could not be started."""


class RestartStorm(SupervisorError):
    """A service keeps dying and is not restarted again."""
