"""The attributes that describe this process to the receiver."""

from __future__ import annotations

import socket
import uuid

from opentelemetry.sdk.resources import Resource

from worker.config.telemetry import TelemetrySettings, pairs
from worker.logs.redact import Redactor
from worker.version import __version__

SERVICE = "elder-worker"


def process_resource(settings: TelemetrySettings, redactor: Redactor) -> Resource:
    """The SDK's resource of this process; the operator's attributes win, and the name of the service has a setting of its own."""
    own = {
        "service.name": SERVICE,
        "service.version": __version__,
        "service.instance.id": str(uuid.uuid4()),
        "host.name": socket.gethostname(),
    }
    named = {"service.name": settings.otel_service_name} if settings.otel_service_name else {}
    found = {**own, **dict(pairs(settings.otel_resource_attributes)), **named}
    return Resource({name: redactor.text(value) for name, value in found.items()})
