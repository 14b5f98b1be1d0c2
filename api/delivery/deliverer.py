"""Delivers the events of webhooks, in threads of the API's process: each is signed, sent, and sent again until it is taken or given up.

Several APIs may deliver at once: a delivery is claimed for a minute, and whoever dies meanwhile loses its claim. So a receiver may get an
event twice, under the same ``webhook-id``.
"""

from __future__ import annotations

import contextlib
import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator

import msgspec

from api.delivery import receiver, request, signature
from providers.http.tls import tls
from worker.config.proxies import networks
from worker.config.secretbox import SecretBox, SecretBoxError
from worker.config.settings import Settings
from worker.logs.redact import Redactor
from worker.store import webhooks
from worker.store.errors import ReadOnly, StoreError
from worker.store.pool import Pool
from worker.store.webhooks import Claimed, Ended
from worker.version import __version__

POLL = 2.0
"""Seconds between two looks for deliveries that are due."""

SENDERS = 4
"""Deliveries that one API sends at once, to as many webhooks."""

WAITS = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0, 10_800.0, 21_600.0, 43_200.0)
"""Seconds after each failed attempt until the next one: ten attempts within 22 hours and 42 minutes. Then the delivery is given up."""

JITTER = 0.2
"""Share by which a wait is shifted, so that deliveries that failed together do not come back together."""

GONE = 410
"""The status by which a receiver says that it wants no more."""

BUSY = (429, 503)
"""The statuses whose ``Retry-After`` is heeded."""

LONGEST_WAIT = 86_400.0
"""Seconds that a receiver can ask for at most."""

log = logging.getLogger("api.webhooks")


class Deliverer:
    """Sends what is due. `counts` are the attempts by their outcome (`worker.store.webhooks.OUTCOMES`)."""

    def __init__(self, settings: Settings, pool: Pool, box: SecretBox, counts: Counter[str], timeout: float = request.TIMEOUT) -> None:
        self._pool, self._box, self.counts, self._timeout = pool, box, counts, timeout
        self._allowed = networks(settings.elder_webhook_networks)
        self._tls = tls(settings.elder_webhook_ca_bundle)
        self._redactor = Redactor(settings.secret_values())
        self._stopping = threading.Event()
        self._failing = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Delivers in the background, until the process ends or `close` is called."""
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the background, and waits for the deliveries that are under way. Does nothing where `start` was not called."""
        self._stopping.set()
        if self._thread:
            self._thread.join()

    def deliver_due(self) -> int:
        """Sends what is due, one after the other; returns how many attempts that were. Raises `StoreError`."""
        attempts = 0
        while claimed := self._claim():
            self._attempt(claimed)
            attempts += 1
        return attempts

    def _run(self) -> None:
        senders: list[threading.Thread] = []
        while not self._stopping.wait(POLL):
            senders = [one for one in senders if one.is_alive()]
            with self._guarded():
                while len(senders) < SENDERS and (claimed := self._claim()):
                    senders.append(threading.Thread(target=self._send, args=[claimed], name="webhook", daemon=True))
                    senders[-1].start()
        if under_way := [sender for sender in senders if sender.is_alive()]:
            log.info("the API ends; deliveries that are under way are waited for: %d", len(under_way))
        for sender in senders:
            sender.join()

    def _send(self, claimed: Claimed) -> None:
        """Sends a delivery, and what else is due."""
        with self._guarded():
            self._attempt(claimed)
            self.deliver_due()

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        """A block of a thread that goes on after any error. A database that is away is told once."""
        try:
            yield
            self._failing = False
        except ReadOnly:  # a standby: the APIs at its primary deliver
            pass
        except StoreError as error:
            if not self._failing:
                log.error("webhooks are not delivered until the database can be used again: %s", error)
            self._failing = True
        except Exception:  # the end of the thread would end all deliveries, and nobody would notice
            log.exception("a delivery failed, and is tried again within a minute")

    def _claim(self) -> Claimed | None:
        if self._stopping.is_set():
            return None
        with self._pool.connection() as connection:
            return webhooks.claim(connection)

    def _attempt(self, claimed: Claimed) -> None:
        ended = self._ended(claimed)
        with self._pool.connection() as connection:
            webhooks.end(connection, claimed, ended)
        self._tell(claimed, ended)

    def _ended(self, claimed: Claimed) -> Ended:
        try:
            answer = self._answer(claimed)
        except (receiver.Refused, request.NoAnswer, SecretBoxError) as error:
            return Ended(False, _wait(claimed.attempts), error=str(error))
        text = self._redactor.text(answer.beginning.decode(errors="replace").replace("\0", "\ufffd"))
        if answer.status in range(200, 300):
            return Ended(True, status=answer.status, answer=text)
        if answer.status == GONE:
            gone = "the receiver answered 410: it wants no more events"
            return Ended(False, None, answer.status, text, gone, reason=gone)
        followed = ", a redirect, which is not followed: change the webhook's URL" if answer.status in range(300, 400) else ""
        asked = answer.wait if answer.status in BUSY else 0.0
        return Ended(False, _wait(claimed.attempts, asked), answer.status, text, f"the receiver answered {answer.status}{followed}")

    def _answer(self, claimed: Claimed) -> request.Answer:
        """The receiver's answer. Raises `Refused`, `NoAnswer` and `SecretBoxError`."""
        to = receiver.parse(claimed.url, self._allowed)
        keys = self._box.open(claimed.secrets)
        try:
            addresses = receiver.resolve(to, self._allowed)
        except OSError as error:
            raise request.NoAnswer(f"{to.host} has no address: {error.strerror or error}") from None
        body = msgspec.json.encode(claimed.payload)
        signed = signature.headers(keys.values(), claimed.event_id, int(time.time()), body)
        headers = {"Content-Type": "application/json", "User-Agent": f"elder-worker/{__version__}", **signed}
        return request.post(to, addresses, body, headers, self._tls, self._timeout)

    def _tell(self, claimed: Claimed, ended: Ended) -> None:
        self.counts["delivered" if ended.delivered else "given_up" if ended.wait is None else "retried"] += 1
        where = f"webhook {claimed.webhook_id} ({claimed.name}): {claimed.event} {claimed.event_id}"
        if ended.delivered:
            log.info("%s is delivered at attempt %d", where, claimed.attempts)
        elif ended.wait is None:
            disabled = "; the webhook is disabled" if ended.reason else ""
            log.error("%s is given up after %d attempts: %s%s", where, claimed.attempts, ended.error, disabled)
        else:
            log.warning("%s is not delivered, and is tried again in %.0f s: %s", where, ended.wait, ended.error)


def _wait(attempts: int, asked: float = 0.0) -> float | None:
    """Seconds until the next attempt after so many, `asked` ones of them at least; None when that was the last."""
    if attempts > len(WAITS):
        return None
    return max(min(asked, LONGEST_WAIT), WAITS[attempts - 1] * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311
