"""Secrets in Vault that a job's config names: only those on the operator's list, with one sign-in, which the job alone is given."""

from __future__ import annotations

import msgspec
import pytest

from providers.errors import ConfigError
from providers.references import AWS, VAULT
from providers.schema import Secret
from providers.stores.vault_access import SERVICE_ACCOUNT, VaultAccess
from providers.variables import variables
from worker.config import settings, vault
from worker.config.environment import SettingsError
from worker.config.references import References

GIVEN = {"SECRET_REFERENCE_VAULT": "jobs/*", "VAULT_ADDR": "https://vault.example.com:8200", "VAULT_TOKEN": "t0ken-of-vault"}


class Config(msgspec.Struct, frozen=True):
    token: Secret | None = None


def references(**environ) -> References:
    loaded = settings.load(environ)
    return References(loaded, loaded.sources, confine_files=False)


def complaints(**environ) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        settings.load(environ)
    return caught.value.complaints


def test_a_secret_on_the_list_passes_and_any_other_is_refused():
    config = {"token": {VAULT: "jobs/okta", "key": "token"}}
    assert references(**GIVEN).resolved(Config, config) == config
    with pytest.raises(ConfigError, match=r"is not a secret that jobs may name \(the worker's SECRET_REFERENCE_VAULT is jobs/\*\)"):
        references(**GIVEN).resolved(Config, {"token": {VAULT: "prod/root"}})
    with pytest.raises(ConfigError, match=r"the worker's SECRET_REFERENCE_VAULT is empty"):
        references().resolved(Config, config)


@pytest.mark.parametrize(
    "path",
    ["", "jobs/../prod", "../prod", "jobs/..", "jobs/./x", ".", "jobs//x", "/jobs", "jobs/", "jobs/%2e%2e/x", "jobs/x?y", "jobs/x#y", "a b",
     "jobs\\x", "jobs/x\n", "j\u00f6bs", "x" * 513],
)  # fmt: skip
def test_a_path_that_would_lead_to_another_secret_is_refused(path):
    with pytest.raises(ConfigError, match="takes the path of a secret in Vault's KV engine, without its mount"):
        references(**GIVEN).resolved(Config, {"token": {VAULT: path}})


@pytest.mark.parametrize("path", ["jobs/..x", "jobs/x..", "jobs/.x", "jobs/a.b-c_d=e+f@g", "jobs/" + "x" * 507])
def test_other_paths_pass(path):
    assert references(**GIVEN).resolved(Config, {"token": {VAULT: path}}) == {"token": {VAULT: path}}


def test_what_a_job_is_told_of_the_store(tmp_path):
    (tmp_path / "sink").write_text("")
    (tmp_path / "keys").write_text("")
    more = {"SECRET_REFERENCE_AWS": "x1", "AWS_CREDENTIALS_FILE": str(tmp_path / "keys"), "SECRET_REFERENCE_TIMEOUT": "3"}
    one = references(**GIVEN, **more, VAULT_NAMESPACE="team", VAULT_KV_VERSION="1")
    access = one.access({"token": {VAULT: "jobs/x"}})
    assert access is not None
    assert access.settings == {
        VAULT: {
            "addr": "https://vault.example.com:8200",
            "token": "t0ken-of-vault",
            "namespace": "team",
            "kv_mount": "secret",
            "kv_version": "1",
        }
    }
    assert (access.secrets, access.files, access.timeout) == (("t0ken-of-vault",), (), 3)

    both = one.access({"a": {VAULT: "jobs/x"}, "b": {AWS: "x1"}})
    assert both is not None
    assert both.settings.keys() == {AWS, VAULT}
    assert both.files == (str(tmp_path / "keys"),)
    only_aws = one.access({"b": {AWS: "x1"}})
    assert only_aws is not None
    assert only_aws.settings.keys() == {AWS}
    assert only_aws.secrets == ()


@pytest.mark.parametrize(
    ("sign_in", "secrets", "files"),
    [
        ({"VAULT_TOKEN_SINK": "/run/sink"}, (), ("/run/sink",)),
        ({"VAULT_ROLE_ID": "r", "VAULT_SECRET_ID": "s3cret-id"}, ("s3cret-id",), ()),
        ({"VAULT_KUBERNETES_ROLE": "worker"}, (), (SERVICE_ACCOUNT,)),
        ({"VAULT_KUBERNETES_ROLE": "worker", "VAULT_JWT_PATH": "/run/jwt"}, (), ("/run/jwt",)),
    ],
)
def test_each_way_to_sign_in_has_its_secrets_and_files(sign_in, secrets, files):
    environ = {name: value for name, value in GIVEN.items() if name != "VAULT_TOKEN"} | sign_in
    access = references(**environ).access({"token": {VAULT: "jobs/x"}})
    assert access is not None
    assert (access.secrets, access.files) == (secrets, files)


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"VAULT_ADDR": ""}, "SECRET_REFERENCE_VAULT is set but VAULT_ADDR is not"),
        ({"VAULT_ADDR": "http://vault.example.com:8200"}, "use https; VAULT_ALLOW_HTTP=true lets it be http all the same"),
        ({"VAULT_ADDR": "https://user:pass@vault"}, "VAULT_ADDR: it must be a host"),
        ({"VAULT_ADDR": "ftp://vault"}, "VAULT_ADDR: 'ftp' is not a scheme"),
        ({"VAULT_ADDR": "ftp://vault", "VAULT_ALLOW_HTTP": "true"}, "VAULT_ADDR: 'ftp' is not a scheme"),
        ({"VAULT_TOKEN": ""}, "needs one way to sign in to Vault, and there is none: set one of VAULT_TOKEN; "),
        ({"VAULT_ROLE_ID": "r", "VAULT_SECRET_ID": "s"}, "there are 2 (VAULT_TOKEN, VAULT_ROLE_ID with VAULT_SECRET_ID)"),
        ({"VAULT_TOKEN": "", "VAULT_ROLE_ID": "r"}, "VAULT_ROLE_ID is set but VAULT_SECRET_ID is not"),
        ({"VAULT_SECRET_ID": "s"}, "VAULT_SECRET_ID is set but VAULT_ROLE_ID is not"),
        ({"VAULT_KV_MOUNT": "../sys"}, "VAULT_KV_MOUNT is '../sys': it is the path of a mount"),
        ({"VAULT_AUTH_MOUNT": "/x"}, "VAULT_AUTH_MOUNT is '/x': it is the path of a mount"),
        ({"VAULT_CACERT": "/none.pem"}, "VAULT_CACERT: /none.pem cannot be used: it cannot be read (No such file or directory)"),
        ({"SECRET_REFERENCE_VAULT": "*"}, "SECRET_REFERENCE_VAULT: '*' is neither the path of a secret in Vault's KV engine"),
        ({"SECRET_REFERENCE_VAULT": "jobs/../x"}, "SECRET_REFERENCE_VAULT: 'jobs/../x' is neither the path of a secret"),
        ({"SECRET_REFERENCE_ENV": "VAULT_SECRET_ID"}, "VAULT_SECRET_ID is a secret of the service itself, which no job may have"),
    ],
)
def test_settings_that_cannot_work_stop_the_start(environ, words):
    found = complaints(**GIVEN | environ)
    assert len(found) == 1
    assert words in found[0]


@pytest.mark.parametrize("address", ["http://127.0.0.1:8200", "http://localhost:8200", "http://[::1]:8200", "https://vault.example.com"])
def test_http_on_this_machine_and_https_pass(address):
    settings.load(GIVEN | {"VAULT_ADDR": address})


def test_http_elsewhere_passes_where_the_operator_says_so():
    one = references(**GIVEN | {"VAULT_ADDR": "http://vault.internal:8200", "VAULT_ALLOW_HTTP": "true"})
    access = one.access({"token": {VAULT: "jobs/x"}})
    assert access is not None
    assert access.settings[VAULT]["addr"] == "http://vault.internal:8200"


def test_variables_of_other_programs_do_not_stop_the_start():
    """Kubernetes sets some for a Service `vault`, and people have VAULT_ADDR in their shells."""
    loaded = settings.load(
        {"VAULT_PORT": "tcp://10.0.0.1:8200", "VAULT_SERVICE_HOST": "10.0.0.1", "VAULT_ADDR": "http://vault.example.com"}
    )
    assert loaded.warnings == ()


def test_tokens_are_secrets_and_are_kept_from_processes_that_need_none():
    loaded = settings.load(GIVEN)
    assert "t0ken-of-vault" in loaded.secret_values()
    assert "t0ken-of-vault" not in repr(loaded)
    assert loaded.without_secrets().vault_token == ""


def test_a_file_of_the_sign_in_is_no_secret_of_jobs(tmp_path):
    (tmp_path / "sink").write_text("t0ken")
    environ = {name: value for name, value in GIVEN.items() if name != "VAULT_TOKEN"}
    one = references(**environ, VAULT_TOKEN_SINK=str(tmp_path / "sink"), SECRET_REFERENCE_DIRS=str(tmp_path))
    with pytest.raises(ConfigError, match="is a file of the worker's own settings"):
        one.resolved(Config, {"token": {"$file": str(tmp_path / "sink")}})


def test_the_jobs_process_knows_each_setting():
    own = {one.field for one in variables(vault.VaultSettings) if one.field.startswith("vault_")}
    assert own == {f"vault_{one.name}" for one in msgspec.structs.fields(VaultAccess)}
