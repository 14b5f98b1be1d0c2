"""Settings of OpenTelemetry: whether traces of runs and metrics are sent, and where to. The names are those of the specification."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, distribution
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

from providers.variables import setting, variables
from worker.config import transport
from worker.config.environment import SettingsError
from worker.config.login import LoginSettings

PACKAGES = ("opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http")
"""Packages of the extra `otel`."""

PREFIX = "OTEL_"

OTLP, NONE = "otlp", "none"
"""Exporters of the specification that are known here."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A name of an HTTP header."""


class TelemetrySettings(LoginSettings, frozen=True, kw_only=True):
    """The settings that say whether the writer sends traces of runs and metrics, and to which receiver of OTLP over HTTP."""

    otel_enabled: Annotated[
        bool,
        setting(
            "The worker sends OpenTelemetry traces of its runs, and its metrics. Needs the extra `otel`. `false`: the SDK is not loaded, "
            "and the other variables here have no effect."
        ),
    ] = False
    otel_traces_exporter: Annotated[str, setting("`otlp`: a trace of each run is sent. `none`: none is.")] = OTLP
    otel_metrics_exporter: Annotated[str, setting("`otlp`: what the worker's `/metrics` shows is sent each minute. `none`: not.")] = OTLP
    otel_exporter_otlp_endpoint: Annotated[
        str,
        setting("Base address of the receiver of OTLP over HTTP, such as a Collector; `/v1/traces` and `/v1/metrics` are added."),
    ] = "http://localhost:4318"
    otel_exporter_otlp_headers: Annotated[
        tuple[str, ...],
        setting(
            "Headers for that receiver, with commas, such as `authorization=Bearer%20TOKEN`; values may be percent-encoded.",
            secret=True,
        ),
    ] = ()
    otel_exporter_otlp_certificate: Annotated[
        str, setting("File with the CA certificates that sign the receiver's, in PEM. Without: the system's.")
    ] = ""
    otel_service_name: Annotated[
        str, setting("Name of the service that sends. Without: the `service.name` of `OTEL_RESOURCE_ATTRIBUTES`, else `elder-worker`.")
    ] = ""
    otel_resource_attributes: Annotated[
        tuple[str, ...],
        setting(
            "Attributes of every trace and of the metrics, with commas, such as `deployment.environment.name=production,team=inventory`."
        ),
    ] = ()

    def otlp_headers(self) -> dict[str, str]:
        """The headers for the receiver, by name in small letters."""
        return {name.lower(): value for name, value in pairs(self.otel_exporter_otlp_headers)}

    def otlp_secrets(self) -> Iterator[str]:
        """The values of these headers as they may appear in a text: as written, decoded, and each without the scheme in front."""
        for entry in self.otel_exporter_otlp_headers:
            written = entry.partition("=")[2].strip()
            for value in (written, unquote(written)):
                yield value
                yield value.rpartition(" ")[2]


def pairs(entries: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The names and decoded values of entries such as ``name=value``."""
    for entry in entries:
        name, _, value = entry.partition("=")
        yield unquote(name.strip()), unquote(value.strip())


def unusable(values: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each of these settings that cannot be used; none while it is switched off. No sentence shows a header."""
    if not values.get("otel_enabled"):
        return
    for name in ("otel_traces_exporter", "otel_metrics_exporter"):
        if values.get(name, OTLP) not in (OTLP, NONE):
            yield f"{name.upper()} is neither '{OTLP}' nor '{NONE}', which are the exporters of this worker"
    if "otel_exporter_otlp_endpoint" in values:
        yield from _address_faults(values["otel_exporter_otlp_endpoint"])
    for number, (name, value) in enumerate(pairs(values.get("otel_exporter_otlp_headers", ())), 1):
        if not _TOKEN.fullmatch(name) or not value or not value.isprintable() or not value.isascii():
            yield f"OTEL_EXPORTER_OTLP_HEADERS: header {number} is not NAME=VALUE, with a value that is percent-encoded where need be"
    for name, value in pairs(values.get("otel_resource_attributes", ())):
        if not name or not value:
            yield f"OTEL_RESOURCE_ATTRIBUTES: '{name or value}' is not NAME=VALUE"
    if path := values.get("otel_exporter_otlp_certificate"):
        yield from transport.ca_faults("OTEL_EXPORTER_OTLP_CERTIFICATE", path)


def remarks(values: Mapping[str, Any], environ: Mapping[str, str]) -> Iterator[str]:
    """A sentence about variables of other OpenTelemetry SDKs that are set and have no effect here."""
    known = {one.name for one in variables(TelemetrySettings) if one.name.startswith(PREFIX)}
    given = {name for name in environ if name.startswith(PREFIX) and environ[name].strip()}
    if values.get("otel_enabled") and (ignored := sorted(given - known - {f"{name}_FILE" for name in known})):
        yield f"{', '.join(ignored)}: no setting of this worker, and of no effect; traces and metrics go by OTLP over HTTP, as protobuf"


def require_extra(settings: TelemetrySettings) -> None:
    """Raises `SettingsError` when it is switched on and the packages that send are not installed."""
    missing = [package for package in PACKAGES if settings.otel_enabled and not _is_installed(package)]
    if missing:
        complaint = f"OTEL_ENABLED is true, and the extra `otel` is not installed ({', '.join(missing)}): pip install 'elder-worker[otel]'"
        raise SettingsError((complaint,))


def _is_installed(package: str) -> bool:
    """True for an installed package, by its metadata: nothing of it is imported."""
    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True


def _address_faults(address: str) -> Iterator[str]:
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable, parts = False, urlsplit("")
    if not usable or address.split() != [address]:
        yield "OTEL_EXPORTER_OTLP_ENDPOINT is not a URL that OTLP can be sent to: such as http://collector:4318 or https://otlp.example.com"
    elif "@" in parts.netloc or parts.query or parts.fragment:
        yield (
            "OTEL_EXPORTER_OTLP_ENDPOINT has a user, a query or a fragment: it is shown in /status, and what is secret goes into "
            "OTEL_EXPORTER_OTLP_HEADERS"
        )
