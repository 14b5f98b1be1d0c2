"""The checks between a job's config and the operator's settings."""

from __future__ import annotations

import msgspec
import pytest
from cryptography.fernet import Fernet

from providers import registry
from providers.errors import ConfigError, ProviderError
from providers.hostile import Hostile
from providers.hostile.config import HostileConfig
from worker.config.references import References
from worker.config.secretbox import SecretBox
from worker.config.settings import load
from worker.run import wire
from worker.writer.launch import Launcher

BOX = SecretBox([Fernet.generate_key().decode()])


class FileConfig(HostileConfig, frozen=True, kw_only=True):
    token_path: str = ""


class Filer(Hostile):
    config = FileConfig


@pytest.fixture(autouse=True)
def hostile(monkeypatch):
    registry.get.cache_clear()
    monkeypatch.setitem(registry.BUILT_IN, "hostile", "test_writer_launch:Filer")
    yield
    registry.get.cache_clear()


def launcher(environ=None, allowed=()):
    return Launcher(load(environ or {}).sources, allowed, BOX, ("DEBUG", "text"))


def start(launch):
    return msgspec.json.decode(launch.start, type=wire.JobStart)


def test_secrets_are_opened_and_logs_are_those_of_the_worker():
    launch = launcher().job("7", "hostile", {"password": BOX.seal("hunter2"), "_organization_id": 1}, job_id=42)
    result = start(launch)

    assert result.config["password"] == "hunter2"
    assert (result.run, result.kind, result.job_id, result.log_level, result.log_format) == ("7", "discovery", 42, "DEBUG", "text")


def test_only_the_providers_own_operator_variables_are_passed_on():
    launch = launcher({"HOSTILE_ENDPOINT_URL": "http://x", "DATABASE_URL": "postgresql://secret"}).job("7", "hostile", {})

    assert start(launch).operator == {"endpoint_url": "http://x"}


def test_batch_size():
    assert start(launcher().job("7", "hostile", {})).batch == 500


@pytest.mark.parametrize(
    ("environ", "config", "sentence"),
    [
        ({"HOSTILE_ENABLED": "false"}, {}, "HOSTILE_ENABLED=false: no jobs of provider 'hostile' are run"),
        ({}, {"behavior": "well"}, "unknown config key `behavior`, did you mean `behaviour`"),
        ({}, {"password": {"$fernet": "gAAAAA"}}, "no key in ELDER_SECRET_KEYS"),
        ({}, {"token_path": "/etc/shadow"}, "`token_path`: /etc/shadow is not under"),
    ],
)
def test_refusals(environ, config, sentence):
    with pytest.raises(ConfigError, match=sentence.replace("$", r"\$")):
        launcher(environ).job("7", "hostile", config)


@pytest.mark.parametrize("name", ["DATABASE_URL_FILE", "VAULT_TOKEN_SINK", "GCP_CREDENTIALS_PATH", "AWS_CREDENTIALS_FILE"])
def test_a_path_of_a_job_leads_to_no_file_of_the_workers_own_settings(tmp_path, name):
    """A file of the settings is refused by its path, by a link and as part of its folder; certificates and other files there are permitted."""
    own, environ = tmp_path / "own", {name: str(tmp_path / "own"), "GOOGLE_CA_BUNDLE": str(tmp_path / "ca")}
    for file in ("own", "ca", "token"):
        (tmp_path / file).write_text("postgresql://x:y@z/elder")
    (tmp_path / "link").symlink_to(own)
    (tmp_path / "hard").hardlink_to(own)
    of_the_worker = Launcher({}, (str(tmp_path),), BOX, ("DEBUG", "text"), (), References(load(environ)))
    for path in (own, tmp_path / "link", tmp_path / "hard", tmp_path):
        with pytest.raises(ConfigError, match=f"`token_path`: {path} is a file of the worker's own settings, which no job may have"):
            of_the_worker.job("7", "hostile", {"token_path": str(path)})
    for path in ("ca", "token"):
        assert of_the_worker.job("7", "hostile", {"token_path": str(tmp_path / path)}).read_paths == (str(tmp_path / path),)


def test_what_every_job_of_a_provider_reads_its_config_may_name_too(tmp_path):
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text("{}")
    settings = load({"KUBECONFIG": str(kubeconfig)})
    launched = Launcher(settings.sources, (str(tmp_path),), BOX, ("DEBUG", "text"), (), References(settings))
    assert str(kubeconfig) in launched.job("7", "kubernetes", {"kubeconfig_path": str(kubeconfig)}).read_paths


def test_unknown_provider():
    with pytest.raises(ConfigError, match="unsupported provider 'hostil', did you mean 'hostile'"):
        launcher().job("7", "hostil", {})


@pytest.mark.parametrize("enabled", ["", "true"])
def test_unset_and_true_let_jobs_run(enabled):
    assert launcher({"HOSTILE_ENABLED": enabled}).job("7", "hostile", {}).start


def test_files_under_an_allowed_path(tmp_path):
    (tmp_path / "token").write_text("x")
    inside = str(tmp_path / "token")

    assert launcher(allowed=(str(tmp_path),)).job("7", "hostile", {"token_path": inside}).read_paths == (inside,)


def test_a_path_that_no_file_has_is_refused(tmp_path):
    """The path would be sent in a message to the supervisor, for which it is too long."""
    with pytest.raises(ConfigError, match=r"`token_path`: .* is not under a folder") as caught:
        launcher(allowed=(str(tmp_path),)).job("7", "hostile", {"token_path": f"{tmp_path}/{'x' * 200_000}"})
    assert len(str(caught.value)) < 1000

    note = launcher(allowed=(str(tmp_path),)).job("7", "hostile", {"_note_path": "x" * 200_000})
    assert note.read_paths == (), "a note opens nothing"


def test_a_job_may_read_what_its_config_its_operator_and_its_provider_name():
    assert launcher().job("7", "kubernetes", {}).read_paths == ("/var/run/secrets/kubernetes.io/serviceaccount",)


@pytest.mark.parametrize(
    ("provider", "variable"),
    [
        ("aws", "AWS_WEB_IDENTITY_TOKEN_FILE"),
        ("aws", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
        ("azure", "AZURE_FEDERATED_TOKEN_FILE"),
        ("gcp", "GOOGLE_APPLICATION_CREDENTIALS"),
    ],
)
def test_a_job_may_read_the_token_of_the_workers_own_identity(provider, variable):
    assert launcher({variable: "/var/run/token"}).job("7", provider, {}).read_paths == ("/var/run/token",)


def federated(folder, **source):
    """A credential file of workload identity federation."""
    path = folder / "federated.json"
    source = source or {"file": "/var/run/token"}
    path.write_text(
        msgspec.json.encode(
            {"type": "external_account", "audience": "a", "subject_token_type": "t", "token_url": "u", "credential_source": source}
        ).decode()
    )
    return str(path)


@pytest.mark.parametrize("variable", ["GCP_CREDENTIALS_FILE", "GOOGLE_APPLICATION_CREDENTIALS"])
def test_a_job_may_read_the_token_that_the_operators_credential_file_names(tmp_path, variable):
    path = federated(tmp_path)

    assert launcher({variable: path}).job("7", "gcp", {}).read_paths == (path, "/var/run/token")


def test_what_a_jobs_own_credential_file_names_stays_closed(tmp_path):
    path = federated(tmp_path)

    assert launcher(allowed=(str(tmp_path),)).job("7", "gcp", {"credentials_path": path}).read_paths == (path,)


@pytest.mark.parametrize("source", [{"url": "http://x"}, {"file": 7}, {"executable": {}, "file": "/var/run/token"}])
def test_a_credential_file_that_names_no_file_or_cannot_be_used_opens_none(tmp_path, source):
    path = federated(tmp_path, **source)

    assert launcher({"GCP_CREDENTIALS_FILE": path}).job("7", "gcp", {}).read_paths == (path,)


@pytest.mark.parametrize("escape", ["../outside", "link"])
def test_no_way_out_of_an_allowed_path(tmp_path, escape):
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    (tmp_path / "outside").write_text("x")
    (allowed / "link").symlink_to(tmp_path / "outside")

    with pytest.raises(ConfigError, match="is not under a folder that jobs may read"):
        launcher(allowed=(str(allowed),)).job("7", "hostile", {"token_path": f"{allowed}/{escape}"})


def test_a_connectors_config_is_the_operators_own():
    launch = launcher({"HOSTILE_RESOURCES": "3"}).connector("c", "hostile")

    assert (start(launch).kind, start(launch).config) == ("connector", {"resources": 3})


@pytest.mark.parametrize("config", [[], "aws", 7, None, [["resources", 3]]])
def test_a_config_that_is_no_object_is_refused(config):
    with pytest.raises(ConfigError, match="the job's config is not a JSON object"):
        launcher().job("7", "hostile", config)


def test_a_config_that_no_job_can_be_given_is_refused():
    with pytest.raises(ConfigError, match=r"has 5,000,.* bytes, and a job can be given 4,194,304"):
        launcher().job("7", "hostile", {"account": "x" * 5_000_000})


def test_what_nobody_foresaw_ends_the_run_and_not_the_worker(monkeypatch):
    secret = "hunter2"

    def break_down(self, operator):
        raise LookupError(secret)

    monkeypatch.setattr(Filer, "further_files", break_down)
    with pytest.raises(ProviderError, match=r"cannot be read \(LookupError\)") as caught:
        launcher().job("7", "hostile", {})

    assert "in break_down" in caught.value.detail
    assert "hunter2" not in str(caught.value) + caught.value.detail


@pytest.mark.parametrize("allowed", [True, False])
def test_case_k8s_9_files_that_a_kubeconfig_names_are_permitted_under_allowed_paths_only(tmp_path, allowed):
    folder, elsewhere = tmp_path / "allowed", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    token = (folder if allowed else elsewhere) / "token"
    token.write_text("x")
    kubeconfig = folder / "kubeconfig.yaml"
    kubeconfig.write_text(f"users: [{{name: u, user: {{tokenFile: {token}}}}}]\n")
    config = {"kubeconfig_path": str(kubeconfig)}
    if allowed:
        assert {str(kubeconfig), str(token)} <= set(launcher(allowed=(str(folder),)).job("7", "kubernetes", config).read_paths)
        return
    with pytest.raises(ConfigError, match=r"names a file: .*token is not under a folder that jobs may read"):
        launcher(allowed=(str(folder),)).job("7", "kubernetes", config)


def test_case_k8s_9_files_that_the_operators_kubeconfig_names_are_permitted(tmp_path):
    kubeconfig = tmp_path / "kubeconfig.yaml"
    kubeconfig.write_text("clusters: [{name: c, cluster: {certificate-authority: ca.pem}}]\n")
    launch = launcher({"KUBECONFIG": str(kubeconfig)}).job("7", "kubernetes", {})
    assert {str(kubeconfig), str(tmp_path / "ca.pem")} <= set(launch.read_paths)
