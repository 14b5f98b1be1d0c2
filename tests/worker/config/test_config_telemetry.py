"""Settings of traces: what is wrong is said when they are switched on, headers are secrets, and nothing of them reaches another process."""

from __future__ import annotations

import importlib.metadata

import pytest

from worker.config import settings, telemetry
from worker.config.environment import SettingsError, scrub

SECRET = "t0ken-of-the-receiver"
ON = {"OTEL_ENABLED": "true"}
HEADERS = {"OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{SECRET}, X-Tenant = inventory"}


def complaints(**environ) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        settings.load(ON | environ)
    return list(caught.value.complaints)


def test_the_variables_of_the_specification_are_read():
    loaded = settings.load(
        ON | HEADERS | {"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=a%2Cb,team=x", "OTEL_SERVICE_NAME": "w"}
    )
    assert loaded.otel_enabled
    assert loaded.otlp_headers() == {"authorization": f"Bearer {SECRET}", "x-tenant": "inventory"}
    assert dict(telemetry.pairs(loaded.otel_resource_attributes)) == {"deployment.environment.name": "a,b", "team": "x"}
    assert loaded.otel_exporter_otlp_endpoint == "http://localhost:4318"


def test_it_is_off_unless_it_is_switched_on_and_then_nothing_of_it_can_be_wrong():
    """Clusters put these variables into every container."""
    loaded = settings.load(
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "nonsense", "OTEL_EXPORTER_OTLP_HEADERS": "x", "OTEL_TRACES_SAMPLER": "always_off"}
    )
    assert not loaded.otel_enabled
    assert not any("OTEL" in warning for warning in loaded.warnings)


@pytest.mark.parametrize(
    "endpoint",
    ["collector:4318", "grpc://collector:4317", "http://", "http://a b", "http://collector:0", "http://[broken", "https://host:x"],
)
def test_an_endpoint_that_is_none_is_refused(endpoint):
    [complaint] = complaints(OTEL_EXPORTER_OTLP_ENDPOINT=endpoint)
    assert "is not a URL that OTLP can be sent to" in complaint


@pytest.mark.parametrize(
    "endpoint",
    [f"https://user:{SECRET}@otlp.example.com", f"https://otlp.example.com/?key={SECRET}", f"https://otlp.example.com/#{SECRET}"],
)
def test_an_endpoint_with_a_secret_in_it_is_refused_without_showing_it(endpoint):
    [complaint] = complaints(OTEL_EXPORTER_OTLP_ENDPOINT=endpoint)
    assert "what is secret goes into OTEL_EXPORTER_OTLP_HEADERS" in complaint
    assert SECRET not in complaint


@pytest.mark.parametrize("header", [SECRET, f"a b={SECRET}", f"{SECRET}=", f"authorization={SECRET}%0d%0aX: y", f"authorization={SECRET}ü"])
def test_a_header_that_is_none_is_refused_without_showing_it(header):
    [complaint] = complaints(OTEL_EXPORTER_OTLP_HEADERS=header)
    assert complaint.startswith("OTEL_EXPORTER_OTLP_HEADERS: header 1 is not NAME=VALUE")
    assert SECRET not in complaint


def test_an_attribute_and_a_ca_file_that_are_none_are_refused(tmp_path):
    assert complaints(OTEL_RESOURCE_ATTRIBUTES="team") == ["OTEL_RESOURCE_ATTRIBUTES: 'team' is not NAME=VALUE"]
    [complaint] = complaints(OTEL_EXPORTER_OTLP_CERTIFICATE=str(tmp_path / "none"))
    assert complaint.startswith("OTEL_EXPORTER_OTLP_CERTIFICATE: ")


@pytest.mark.parametrize("name", ["OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER"])
@pytest.mark.parametrize("value", ["console", "otlp,console", "prometheus"])
def test_an_exporter_that_is_not_there_is_refused_only_where_it_is_switched_on(name, value):
    assert complaints(**{name: value}) == [f"{name} is neither 'otlp' nor 'none', which are the exporters of this worker"]
    assert not settings.load({name: value}).otel_enabled


def test_variables_that_have_no_effect_are_remarked_upon():
    loaded = settings.load(ON | HEADERS | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_TRACES_SAMPLER": "always_off"})
    [remark] = [one for one in loaded.warnings if "OTEL" in one]
    assert remark.startswith("OTEL_EXPORTER_OTLP_PROTOCOL, OTEL_TRACES_SAMPLER: no setting of this worker")


def test_headers_are_secrets_as_written_decoded_and_alone(tmp_path):
    loaded = settings.load(ON | HEADERS)
    assert {f"Bearer%20{SECRET}", f"Bearer {SECRET}", SECRET} <= set(loaded.secret_values())
    for shown in (repr(loaded), str(loaded.shown()), repr(loaded.without_secrets().otel_exporter_otlp_headers)):
        assert SECRET not in shown
    file = tmp_path / "headers"
    file.write_text(f"authorization=Bearer {SECRET}\n")
    assert settings.load(ON | {"OTEL_EXPORTER_OTLP_HEADERS_FILE": str(file)}).otlp_headers() == {"authorization": f"Bearer {SECRET}"}


def test_the_service_keeps_none_of_the_variables_and_no_job_may_name_them():
    environ = ON | HEADERS | {"PATH": "/bin"}
    scrub(environ)
    assert environ == {"PATH": "/bin"}
    [complaint] = complaints(**HEADERS, SECRET_REFERENCE_ENV="OTEL_EXPORTER_OTLP_HEADERS")
    assert complaint.startswith("SECRET_REFERENCE_ENV")


@pytest.mark.parametrize("missing", telemetry.PACKAGES)
def test_without_the_extra_the_start_says_what_to_install(monkeypatch, missing):
    whole = importlib.metadata.distribution

    def distribution(name):
        if name == missing:
            raise importlib.metadata.PackageNotFoundError(name)
        return whole(name)

    monkeypatch.setattr(telemetry, "distribution", distribution)
    telemetry.require_extra(settings.load({}))
    with pytest.raises(SettingsError, match=rf"the extra `otel` is not installed \({missing}\): pip install 'elder-worker\[otel\]'"):
        telemetry.require_extra(settings.load(ON))


@pytest.mark.parametrize("command", [["run"], ["check"]])
def test_the_commands_that_would_need_it_ask_for_it(monkeypatch, capsys, command):
    from worker.cli import main

    monkeypatch.setattr(telemetry, "PACKAGES", ("no-such-package-of-otel",))
    for name, value in ON.items():
        monkeypatch.setenv(name, value)
    assert main.main(command) == main.EXIT_CONFIG
    assert "pip install 'elder-worker[otel]'" in capsys.readouterr().err
