"""The thread that tells the Elder API how this worker's connectors stand, and asks which syncs people want at once.

It asks by the API, as connectors deliver: their worker may have no database. An API that does not answer changes nothing: connectors go
on by their schedule, and requests wait there.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

import structlog

from worker.sync.messages import WorkerConnectors
from worker.writer.connectors import ConnectorScheduler
from worker.writer.mailbox import Mailbox

if TYPE_CHECKING:
    from worker.sync.client import ElderApi

ASK_SECONDS = 3.0
"""Seconds between two questions."""

REFUSED_SECONDS = 60.0
"""Seconds until the next question to an API that refuses them: it is an older one, or does not take the key."""

_log = structlog.get_logger("worker.sync.requests")


class SyncRequests(threading.Thread):
    """Asks the API in its own thread, and posts each request to the main thread's mailbox."""

    def __init__(self, connect: Callable[[], ElderApi], worker: str, name: str, mailbox: Mailbox, connectors: ConnectorScheduler) -> None:
        """`worker` is random per start, and `name` is that of the machine."""
        super().__init__(name="sync requests", daemon=True)
        self._connect, self._worker, self._name = connect, UUID(worker), name
        self._mailbox, self._connectors = mailbox, connectors
        self._stopping, self._answers, self._known = threading.Event(), True, False

    def stop(self) -> None:
        """Ends the thread after the question that it waits for, and after it has told that this worker stops."""
        self._stopping.set()

    def run(self) -> None:
        """Asks until `stop`. After an unexpected error nobody asks any more, and connectors go on by their schedule."""
        try:
            with contextlib.closing(self._connect()) as api:
                while not self._stopping.wait(self._ask(api)):
                    pass
                self._leave(api)
        except Exception:  # noqa: BLE001 - edge of the thread: what people ask for is not worth the end of all runs
            _log.exception("syncs that people ask for are not begun any more: start this worker again")

    def _ask(self, api: ElderApi) -> float:
        """Asks once; returns the seconds until the next question."""
        from worker.sync.client import ApiError  # noqa: PLC0415 - a worker without connectors needs no HTTP client

        if not self._connectors.states:
            return ASK_SECONDS / 10  # the main loop has not begun
        stated = WorkerConnectors(self._worker, self._name, list(self._connectors.states))
        try:
            answer = api.report(stated)
        except ApiError as error:
            self._known = False
            self._say(answers=False, sentence=f"syncs that people ask for wait: {error}")
            return REFUSED_SECONDS if error.final else ASK_SECONDS
        self._known = True
        self._say(answers=True, sentence="the Elder API says again which syncs people ask for")
        for name, number in answer.requests.items():
            self._mailbox.post(functools.partial(self._connectors.request, name, number))
        return ASK_SECONDS

    def _leave(self, api: ElderApi) -> None:
        """Gives back what was not served, so that another worker takes it up at once and not only when this one counts as dead."""
        from worker.sync.client import ApiError  # noqa: PLC0415 - as above

        if self._known:
            with contextlib.suppress(ApiError):
                api.report(WorkerConnectors(self._worker, self._name, []))

    def _say(self, *, answers: bool, sentence: str) -> None:
        """Logs a change: that the API answers again, or that it does not."""
        if answers != self._answers:
            (_log.info if answers else _log.warning)(sentence)
        self._answers = answers
