"""Silent regions: a region that does not answer costs its probe only, not every call that would be made there."""

from __future__ import annotations

import threading
from typing import Any

from botocore import exceptions as aws

from providers import progress
from providers.aws.silence import SilenceWatch, silence

DEAD_AFTER = 3
"""Services of a region that time out, while none answers, before the region is dead for the run."""

TRIES_IN_SILENCE = 2
"""Number of attempts of a call that gets no answer, where many regions are asked. A throttled one is repeated more often."""

_SILENCE = (aws.ReadTimeoutError, aws.ConnectTimeoutError, aws.EndpointConnectionError)


class RegionHealth:
    """Counts answers and silences by region, as botocore's events tell them. Shared by all accounts of a run."""

    def __init__(self, tries_in_silence: int = TRIES_IN_SILENCE) -> None:
        """`tries_in_silence` is the number of attempts of a call that gets no answer."""
        self._tries = tries_in_silence
        self._lock = threading.Lock()
        self._silent: dict[str, set[str]] = {}
        self._dead: set[str] = set()
        self._spared: set[tuple[str, str]] = set()
        self.silence = SilenceWatch(self.declare_dead, self.is_dead)

    def spare(self, service: str, region: str) -> None:
        """Takes no silence of this service for the region's: nobody knows that AWS offers it there. It is asked once."""
        self._spared.add((region, service))

    def watch(self, events: Any) -> None:
        """Listens to the events of a session's clients."""
        events.register("response-received", self._received)
        events.register_first("needs-retry", self._may_retry)

    def declare_dead(self, region: str) -> None:
        """Nothing more is asked in the region."""
        with self._lock:
            self._dead.add(region)

    def ensure_alive(self, region: str) -> None:
        """Raises `TimedOut` for a dead region."""
        if region in self._dead:
            raise silence(region)

    def is_dead(self, region: str) -> bool:
        """True for a region in which nothing more is asked."""
        return region in self._dead

    def _received(self, response_dict: object, exception: Exception | None, context: dict[str, Any], event_name: str, **_: Any) -> None:
        """Every attempt of every call comes by here."""
        region, service = str(context.get("client_region", "")), event_name.split(".")[1]
        if response_dict is not None:
            progress.answered()
            self.silence.answered(region)
            with self._lock:
                self._silent.pop(region, None)
        elif isinstance(exception, _SILENCE):
            self._note_silence(region, service)

    def _note_silence(self, region: str, service: str) -> None:
        if (region, service) in self._spared:
            return
        with self._lock:
            silent = self._silent.setdefault(region, set())
            silent.add(service)
            if len(silent) >= DEAD_AFTER:
                self._dead.add(region)

    def _may_retry(
        self, caught_exception: Exception | None, attempts: int, request_dict: dict[str, Any], event_name: str, **_: Any
    ) -> None:
        """Ends a call that botocore would repeat into silence, or that was cut off; says nothing about any other."""
        region, service = str(request_dict.get("context", {}).get("client_region", "")), event_name.split(".")[1]
        if caught_exception is not None:
            self.ensure_alive(region)
        if isinstance(caught_exception, _SILENCE) and (attempts >= self._tries or (region, service) in self._spared):
            raise caught_exception
