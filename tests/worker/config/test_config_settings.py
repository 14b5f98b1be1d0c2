"""Settings: every variable of the quick start, every complaint at once, no secret on display."""

from __future__ import annotations

import os

import pytest

from worker.cli.settings import env, markdown, rows
from worker.config import settings
from worker.config.container import job_memory
from worker.config.environment import SettingsError
from worker.config.sealed import seal, unseal
from worker.service import scrub


def complaints(**environ) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        settings.load(environ)
    return list(caught.value.complaints)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("DISCOVERY_POLL_INTERVAL", "300  # Default: 5 minutes", 300),
        ("AWS_SYNC_INTERVAL", "3600  # Sync every hour", 3600),
        ("DISCOVERY_MAX_CONCURRENT", "1", 1),
        ("SYNC_ON_STARTUP", "false", False),
        ("SYNC_ON_STARTUP", "Yes", True),
        ("AWS_ENABLED", "", None),
        ("AWS_ENABLED", "false", False),
        ("LOG_FORMAT", "TEXT", "text"),
        ("DISCOVERY_ALLOWED_PATHS", "/a, /b", ("/a", "/b")),
        ("LDAP_USER_FILTER", "(&(objectClass=user)(objectCategory=person))", "(&(objectClass=user)(objectCategory=person))"),
        ("ELDER_API_PORT", "tcp://10.0.0.1:5000", 5000),
    ],
)
def test_values(name, text, value):
    assert getattr(settings.load({name: text}), name.lower()) == value


def test_defaults():
    found = settings.load({})
    assert (found.elder_api_url, found.lease_ttl, found.mass_delete_guard) == ("http://api:5000", 30, 0.1)


def test_every_complaint_at_once():
    found = complaints(
        DISCOVERY_POLL_INTERVL="1",
        LEASE_TTL="1",
        LOG_LEVEL="loud",
        DISCOVERY_MAX_CONCURRENT="two",
        LDAP_ENABLED="true",
        DATABASE_READ_URL="x",
    )
    text = "\n".join(found)
    assert "did you mean DISCOVERY_POLL_INTERVAL?" in text
    assert "LEASE_TTL" in text
    assert "must be one of DEBUG, INFO, WARNING, ERROR" in text
    assert "must be a whole number (it is 'two')" in text
    assert "LDAP_ENABLED=true needs LDAP_SERVER and LDAP_BASE_DN" in text
    assert "DATABASE_READ_URL" in text
    assert len(found) == 6


def test_from_a_file(tmp_path):
    path = tmp_path / "url"
    path.write_text("postgresql://x\n")
    assert settings.load({"DATABASE_URL_FILE": str(path)}).database_url == "postgresql://x"
    assert "cannot be read" in complaints(DATABASE_URL_FILE=str(tmp_path / "none"))[0]


def test_the_variables_that_kubernetes_sets_for_services_are_no_mistakes():
    settings.load({"ELDER_API_SERVICE_HOST": "10.0.0.1", "ELDER_API_PORT_5000_TCP_ADDR": "10.0.0.1", "ELDER_API_SERVICE_PORT": "5000"})


def test_over_a_descriptor_with_and_without_secrets():
    loaded = settings.load({"DATABASE_URL": "canary-url", "LDAP_BIND_PASSWORD": "canary-bind", "AWS_SECRET_ACCESS_KEY": "canary-key"})
    assert "canary" not in repr(loaded)
    fd = seal(loaded)
    with pytest.raises(PermissionError):
        os.pwrite(fd, b"x", 0)
    assert unseal(fd, settings.Settings) == loaded
    assert sorted(unseal(fd, settings.Settings).secret_values()) == ["canary-bind", "canary-key", "canary-url"]
    os.close(fd)
    bare = seal(loaded.without_secrets())
    assert b"canary" not in os.pread(bare, 1 << 20, 0)
    os.close(bare)


def test_scrubbing_leaves_what_a_process_needs():
    environ = {"PATH": "/bin", "LC_ALL": "C", "DATABASE_URL": "x", "AWS_REGION": "y", "https_proxy": "p", "PYTHONPATH": "q"}
    scrub(environ)
    assert set(environ) == {"PATH", "LC_ALL", "https_proxy", "PYTHONPATH"}


def test_the_reference_has_every_setting():
    names = [name for name, *_ in rows()]
    assert len(names) == len(set(names)) > 60
    assert all(description for _, _, description, _ in rows()), [name for name, _, description, _ in rows() if not description]


def test_the_documents_are_what_the_declaration_says():
    import pathlib

    root = pathlib.Path(__file__).resolve().parents[3]
    assert markdown() in (root / "docs" / "configuration.md").read_text()
    assert (root / ".env.example").read_text().endswith(env())


@pytest.mark.parametrize(
    ("wanted", "slots", "limit", "answer"),
    [
        (None, 4, None, (512, None)),
        (300, 4, None, (300, None)),
        (None, 4, 512, (88, 352)),
        (None, 1, 2048, (512, 1888)),
        (4000, 2, 1024, (864, 864)),
        (None, 4, 100, (64, 64)),
    ],
)
def test_a_jobs_memory_bites_below_the_containers(wanted, slots, limit, answer):
    assert job_memory(wanted, slots, limit) == answer
