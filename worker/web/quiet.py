"""gunicorn's logger, made ours: its messages go through structlog, and requests are not logged."""

from __future__ import annotations

import logging
from typing import Any

from gunicorn.glogging import Logger


class QuietLogger(Logger):  # type: ignore[misc]
    """Uses the loggers of the standard library as `worker.logs.structured` has set them up."""

    def setup(self, cfg: Any) -> None:  # noqa: ARG002 - gunicorn's signature
        """Leaves handlers and levels alone."""
        self.error_log = logging.getLogger("gunicorn.error")
        self.access_log = logging.getLogger("gunicorn.access")
        self.error_log.setLevel(logging.WARNING)

    def access(self, *_: Any, **__: Any) -> None:
        """Nothing: probes come every few seconds."""

    def reopen_files(self) -> None:
        """Returns no log lines for requests."""
