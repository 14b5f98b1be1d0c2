"""A provider that misbehaves in every way it is asked to. For tests: it is in no registry and in no package."""

from __future__ import annotations

import signal

from providers.errors import ConfigError
from providers.hostile.config import HostileConfig, HostileConnector, HostileOperator
from providers.provider import Provider, Source


class Hostile(Provider):
    """See `providers.hostile.faults` for what it can do wrong."""

    name = "hostile"
    title = "Hostile source"
    config = HostileConfig
    operator = HostileOperator
    connector = HostileConnector

    def open(self, config: HostileConfig, operator: HostileOperator) -> Source:
        """Opens the source; the faults that need the main thread are done here."""
        from providers.hostile.source import HostileSource  # noqa: PLC0415 - as a provider with an SDK does

        if config.behaviour == "refuse_config":
            raise ConfigError("`behaviour`: this source is never content")
        if config.behaviour == "ignore_sigterm":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        return HostileSource(config, operator)
