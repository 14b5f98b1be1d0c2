"""The number of answers that this process has received from its source: evidence that a long read moves.

Every client counts each answer here, whatever it says: an error is an answer too. A job's process reports the number with its progress,
and a job whose number grows is not idle.
"""

from __future__ import annotations

import threading

_lock = threading.Lock()
_answers = 0


def answered() -> None:
    """Counts one answer. May be called from any thread."""
    global _answers  # noqa: PLW0603 - a process has one source
    with _lock:
        _answers += 1


def answers() -> int:
    """The number of answers so far."""
    return _answers
