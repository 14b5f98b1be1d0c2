"""Clients: the models are shared by all, and each client is made once for an account, a service and a region."""

from __future__ import annotations

import functools
import os
import ssl
import threading
from collections.abc import Mapping
from typing import Any

import botocore.session
from botocore.config import Config

from providers.aws import catalogue, credential_report
from providers.aws.bodies import refuse_other
from providers.aws.config import AwsOperator
from providers.aws.health import RegionHealth
from providers.aws.models import lean_loader
from providers.aws.paging import Paging, paging_of
from providers.aws.timestamps import timestamp
from providers.aws.tls import share, trusting
from providers.concurrency import Once

_NOWHERE = (None, None, os.devnull, None)
_NOTHING = (None, None, None, None)

ATTEMPTS = 5
"""Tries of one call that is throttled or fails, with growing pauses between them: about a quarter of a minute in all."""

CONNECT_TIMEOUT, READ_TIMEOUT = 5, 60
"""Seconds that a call waits for a connection and for the next bytes of an answer."""

PROBE_TIMEOUT = 10
"""Seconds that the probe of a region waits for an answer, once."""


def settings(threads: int, *, own_endpoint: bool) -> Config:
    """How every client behaves. Adaptive retries slow a client down once AWS has throttled it: its threads share that.

    Behind the operator's endpoint, buckets are paths: a name such as bucket.localhost leads nowhere.
    """
    return Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        max_pool_connections=threads,
        tcp_keepalive=True,
        retries={"mode": "adaptive", "total_max_attempts": ATTEMPTS},
        ignore_configured_endpoint_urls=True,
        user_agent_extra="elder-worker",
        s3={"addressing_style": "path"} if own_endpoint else None,
    )


class Sessions:
    """Makes sessions that share their models, read no home folder, and use the operator's endpoint."""

    def __init__(
        self,
        operator: AwsOperator,
        home: str,
        threads: int,
        *,
        operations: Mapping[str, frozenset[str]] | None = None,
        limits: Config | None = None,
    ) -> None:
        """`operations` are those that are called, by service; without: the catalogue's.

        `limits` replace the usual time-outs and tries, also the tries of a call that gets no answer.
        """
        self.home = home
        self.health = RegionHealth(limits.retries["total_max_attempts"]) if limits else RegionHealth()
        self._endpoint = operator.endpoint_url or None
        self._trusted = Once[ssl.SSLContext]()
        self._trusting = functools.partial(trusting, operator.ca_bundle)
        usual = settings(threads, own_endpoint=self._endpoint is not None)
        self._settings = usual.merge(limits) if limits else usual
        self._loader = lean_loader(operations or catalogue.operations())
        self._bare = self.session(None)
        self._lock = threading.Lock()

    def session(self, credentials: Any) -> botocore.session.Session:
        """A session with one identity and no other source of them."""
        session = botocore.session.Session({"config_file": _NOWHERE, "credentials_file": _NOWHERE, "profile": _NOTHING})
        session.register_component("data_loader", self._loader)
        session.register_component("credential_provider", _Fixed(credentials))
        session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=timestamp)
        events = session.get_component("event_emitter")
        self.health.watch(events)
        events.register("before-parse", refuse_other)
        events.register(credential_report.EVENT, credential_report.pause)
        if self._endpoint:
            events.register("before-sign.s3-control", _without_account)
        return session

    def client(self, session: botocore.session.Session, service: str, region: str) -> Any:
        """A client. A session makes one at a time."""
        with self._lock:
            made = self._made(session, service, region_name=region, config=self._settings)
            if not self.offers(service, region):
                self.health.spare(made.meta.service_model.service_id.hyphenize(), region)
        return made

    def probe(self, session: botocore.session.Session, service: str, region: str) -> Any:
        """A client that asks once and gives up early."""
        early = Config(read_timeout=PROBE_TIMEOUT, retries={"mode": "standard", "total_max_attempts": 1})
        config = self._settings.merge(early)
        with self._lock:
            return self._made(session, service, region_name=region, config=config)

    def make(self, service: str, **options: Any) -> Any:
        """Makes the STS client of botocore's credential fetchers; they bring credentials, or a config that needs none."""
        config = self._settings.merge(options.pop("config")) if options.get("config") else self._settings
        with self._lock:
            return self._made(self._bare, service, **{"region_name": self.home, **options, "config": config})

    def _made(self, session: botocore.session.Session, service: str, **options: Any) -> Any:
        made = session.create_client(service, **{"endpoint_url": self._endpoint, **options})
        share(made, self._trusted.get(self._trusting), self.health.silence)
        return made

    def make_for(self, credentials: Any, service: str) -> Any:
        """A client in the home region with this identity."""
        return self.client(self.session(credentials), service, self.home)

    def offers(self, service: str, region: str) -> bool:
        """True if botocore knows this service in this region."""
        partition = self._bare.get_partition_for_region(region)
        return region in self._bare.get_available_regions(service, partition_name=partition)

    def paging(self, service: str, client: Any, operation: str) -> Paging:
        """How an operation is paged."""
        declared = self._loader.load_service_model(service, "paginators-1")["pagination"]
        return paging_of(service, declared.get(operation), client.meta.service_model.operation_model(operation))


def _without_account(request: Any, **_: Any) -> None:
    """Takes the account out of the host of a call of S3 Control, as 123456789012.localhost leads nowhere. A header names it too."""
    account = request.headers.get("x-amz-account-id")
    request.url = request.url.replace(f"//{account}.", "//", 1)


class _Fixed:
    def __init__(self, credentials: Any) -> None:
        self._credentials = credentials

    def load_credentials(self) -> Any:
        return self._credentials
