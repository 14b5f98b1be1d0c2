"""Secrets that a job's config names: only what the operator allows, never the worker's own, and each failure with the reference."""

from __future__ import annotations

import os
from typing import Annotated

import msgspec
import pytest

from providers.errors import ConfigError
from providers.schema import Secret, SecretObject
from providers.stores.vault_access import SERVICE_ACCOUNT
from worker.config import settings
from worker.config.environment import SettingsError
from worker.config.references import LARGEST, References
from worker.config.sealed import seal, unseal
from worker.config.settings import Settings


class Config(msgspec.Struct, frozen=True):
    token: Secret | None = None
    key: Annotated[SecretObject, msgspec.Meta(description="x")] | None = None
    server: str = ""


@pytest.fixture
def secrets(tmp_path):
    """A folder of secrets that jobs may name."""
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "token").write_text("s3cret-in-a-file\n")
    (folder / "key.json").write_text('{"type": "service_account", "private_key": "s3cret"}')
    return folder


def resolved(config, **environ):
    return References(settings.load(environ)).resolved(Config, config)


def refused(config, **environ) -> str:
    with pytest.raises(ConfigError) as caught:
        resolved(config, **environ)
    return str(caught.value)


def test_a_variable_and_a_file_that_are_allowed(secrets):
    environ = {"SECRET_REFERENCE_ENV": "JOB_TOKEN", "JOB_TOKEN": "s3cret-in-the-environment", "SECRET_REFERENCE_DIRS": str(secrets)}

    assert resolved({"token": {"$env": "JOB_TOKEN"}}, **environ) == {"token": "s3cret-in-the-environment"}
    assert resolved({"token": {"$file": f"{secrets}/token"}}, **environ) == {"token": "s3cret-in-a-file"}
    assert resolved({"key": {"$file": f"{secrets}/key.json"}}, **environ)["key"]["private_key"] == "s3cret"
    inside = {"key": {"type": "x", "private_key": {"$env": "JOB_TOKEN"}}}
    assert resolved(inside, **environ) == {"key": {"type": "x", "private_key": "s3cret-in-the-environment"}}
    assert resolved({"token": "plain", "server": "x"}, **environ) == {"token": "plain", "server": "x"}


@pytest.mark.parametrize("reference", [{"$env": "JOB_TOKEN"}, {"$env": "DATABASE_URL"}, {"$env": "PATH"}, {"$file": "/etc/hostname"}])
def test_nothing_is_allowed_by_default(reference):
    [(kind, _)] = reference.items()
    setting = {"$env": "SECRET_REFERENCE_ENV", "$file": "SECRET_REFERENCE_DIRS"}[kind]
    assert f"(the worker's {setting} is empty)" in refused({"token": reference}, JOB_TOKEN="s3cret", PATH="/bin")


def test_a_variable_that_is_not_on_the_list_or_not_set_is_named():
    environ = {"SECRET_REFERENCE_ENV": "ONE,TWO", "THREE": "s3cret", "TWO": " "}
    three, two = refused({"token": {"$env": "THREE"}}, **environ), refused({"token": {"$env": "TWO"}}, **environ)
    assert three == '`token`: {"$env": "THREE"} is not a variable that jobs may name (the worker\'s SECRET_REFERENCE_ENV is ONE, TWO)'
    assert two == '`token`: {"$env": "TWO"} is not set in the worker\'s environment'


def test_files_that_cannot_be_read_are_named_with_the_reason(secrets):
    environ = {"SECRET_REFERENCE_DIRS": str(secrets)}
    os.mkfifo(secrets / "pipe")
    (secrets / "folder").mkdir()
    (secrets / "empty").write_text("\n")
    (secrets / "binary").write_bytes(b"\xff\xfe\x00")
    (secrets / "large").write_bytes(b"x" * (LARGEST + 1))
    reasons = {
        "none": "cannot be read by the worker: No such file or directory",
        "pipe": "cannot be read by the worker: it is not a plain file",
        "folder": "cannot be read by the worker: Is a directory",
        "empty": "is empty",
        "binary": "cannot be read by the worker: it is not text in UTF-8",
        "large": "cannot be read by the worker: it is larger than 256 KB",
    }
    for name, reason in reasons.items():
        assert refused({"token": {"$file": f"{secrets}/{name}"}}, **environ) == f'`token`: {{"$file": "{secrets}/{name}"}} {reason}'


def test_a_file_that_should_hold_an_object_and_does_not_is_not_quoted(secrets):
    words = refused({"key": {"$file": f"{secrets}/token"}}, SECRET_REFERENCE_DIRS=str(secrets))
    assert words == f'`key`: {{"$file": "{secrets}/token"}} does not hold a JSON object'


def test_no_way_out_of_an_allowed_folder(secrets, tmp_path):
    (tmp_path / "outside").write_text("s3cret")
    (secrets / "link").symlink_to(tmp_path / "outside")
    (tmp_path / "secrets-too").mkdir()
    (tmp_path / "secrets-too" / "x").write_text("s3cret")
    for path in (f"{secrets}/../outside", f"{secrets}/link", f"{tmp_path}/secrets-too/x", "/proc/self/environ"):
        assert "is not in a folder that jobs may name" in refused({"token": {"$file": path}}, SECRET_REFERENCE_DIRS=str(secrets))


def test_kubernetes_mounts_secrets_by_links_inside_the_folder(secrets):
    (secrets / "..data").mkdir()
    (secrets / "..data" / "x").write_text("s3cret")
    (secrets / "x").symlink_to("..data/x")
    assert resolved({"token": {"$file": f"{secrets}/x"}}, SECRET_REFERENCE_DIRS=str(secrets)) == {"token": "s3cret"}


@pytest.mark.parametrize("name", ["ELDER_SECRET_KEYS_FILE", "DATABASE_URL_FILE", "LDAP_BIND_PASSWORD_FILE", "AWS_CREDENTIALS_FILE"])
def test_files_that_the_workers_settings_name_are_refused_under_every_name(secrets, tmp_path, name):
    """As with Docker, where every secret lies in one folder."""
    own = secrets / "own"
    own.write_text("postgresql:///x")
    (secrets / "link").symlink_to(own)
    (secrets / "hard").hardlink_to(own)
    for path in ("own", "link", "hard"):
        environ = {"SECRET_REFERENCE_DIRS": str(secrets), name: str(own)}
        assert "is a file of the worker's own settings" in refused({"token": {"$file": f"{secrets}/{path}"}}, **environ)


def test_a_file_that_a_setting_has_by_its_default_is_one_of_them():
    """The token of the service account, by which the worker may sign in to Vault."""
    assert settings.load({}).own_files == (SERVICE_ACCOUNT,)


@pytest.mark.parametrize(
    ("reference", "fault"),
    [
        ({"$env": ""}, "$env takes the name of a variable"),
        ({"$env": "A=B"}, "$env takes the name of a variable"),
        ({"$env": ["X"]}, "$env takes the name of a variable"),
        ({"$file": "relative"}, "$file takes the absolute path of a file"),
        ({"$file": "/a\0b"}, "$file takes the absolute path of a file"),
        ({"$file": 7}, "$file takes the absolute path of a file"),
    ],
)
def test_a_reference_that_names_nothing_is_refused(reference, fault):
    assert fault in refused({"token": reference}, SECRET_REFERENCE_ENV="X", X="y", SECRET_REFERENCE_DIRS="/run/secrets")


def test_all_that_is_wrong_is_told_at_once():
    words = refused({"token": {"$env": "A"}, "key": {"$file": "/b"}})
    assert "`token`" in words
    assert "`key`" in words


def test_the_services_own_secrets_cannot_be_allowed():
    with pytest.raises(SettingsError) as caught:
        settings.load(
            {
                "SECRET_REFERENCE_ENV": "DATABASE_URL,ELDER_SECRET_KEYS_FILE",
                "SECRET_REFERENCE_DIRS": "secrets,/",
                "SECRET_REFERENCE_DIR": "x",
            }
        )
    assert caught.value.complaints == (
        "unknown setting SECRET_REFERENCE_DIR, did you mean SECRET_REFERENCE_DIRS?",
        "SECRET_REFERENCE_ENV: DATABASE_URL is a secret of the service itself, which no job may have",
        "SECRET_REFERENCE_ENV: ELDER_SECRET_KEYS_FILE is a secret of the service itself, which no job may have",
        "SECRET_REFERENCE_DIRS: 'secrets' is not the absolute path of a folder of secrets",
        "SECRET_REFERENCE_DIRS: '/' is not the absolute path of a folder of secrets",
    )


def test_the_values_are_known_to_the_redactor_and_to_no_process_without_secrets():
    loaded = settings.load({"SECRET_REFERENCE_ENV": "JOB_TOKEN", "JOB_TOKEN": "s3cret-value"})
    assert "s3cret-value" in loaded.secret_values()
    assert "s3cret-value" not in repr(loaded) + str(loaded.shown()) + repr(unseal(seal(loaded.without_secrets()), Settings).referenced)


def remarks(**environ: str) -> list[str]:
    return [one for one in settings.load(environ).warnings if "a folder of the system" in one]


def test_files_of_secrets_where_every_job_may_read_are_remarked_upon(tmp_path, monkeypatch):
    """The kernel's rules let every job read /etc, and whatever link leads there: a package would read the address of the database."""
    system, mine = tmp_path / "etc", tmp_path / "mine"
    for folder in (system, mine):
        folder.mkdir()
        (folder / "url").write_text("postgresql:///elder")
        (folder / "key").write_text("k" * 43)
    (mine / "link").symlink_to(system / "key")
    (tmp_path / "other").symlink_to(system)
    monkeypatch.setattr("supervisor.landlock.SYSTEM", ("/nowhere", str(tmp_path / "other")))
    assert remarks(DATABASE_URL_FILE=str(mine / "url"), ELDER_API_KEY_FILE=str(mine / "key"), KUBECONFIG=str(system / "gone")) == []
    assert remarks(KUBECONFIG=str(system / ("x" * 300))) == [], "a path that cannot be looked at ends no start"
    [remark] = remarks(DATABASE_URL_FILE=str(system / "url"), ELDER_API_KEY_FILE=str(mine / "link"))
    assert remark.startswith(f"{system / 'url'}, {mine / 'link'}: secrets in a folder of the system, where every job")
