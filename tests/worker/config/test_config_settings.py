"""Settings: every variable of the quick start, every complaint at once, no secret on display."""

from __future__ import annotations

import os
import pathlib
import re

import pytest

from providers import registry, schema
from providers.variables import shown
from worker.cli.settings import sections
from worker.config import settings
from worker.config.environment import SettingsError, scrub
from worker.config.sealed import seal, unseal

ROOT = pathlib.Path(__file__).resolve().parents[3]


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
        ("LDAP_ENABLED", "", False),
        ("AWS_ENABLED", "false", False),
        ("LOG_FORMAT", "TEXT", "text"),
        ("DISCOVERY_ALLOWED_PATHS", "/a, /b", ("/a", "/b")),
        ("LDAP_USER_FILTER", "(&(objectClass=user)(objectCategory=person))", "(&(objectClass=user)(objectCategory=person))"),
        ("ELDER_API_PORT", "tcp://10.0.0.1:5000", 5000),
    ],
)
def test_values(name, text, value):
    assert settings.load({name: text}).shown()[name.lower()] == value


COMMENTED = [
    ("LDAP_USE_SSL", "true  # LDAPS", True),
    ("LDAP_VERIFY_CERT", "true # x", True),
    ("LDAP_PORT", "636 # x", 636),
    ("LDAP_ENABLED", "false #x", False),
    ("LDAP_START_TLS", '"true"  # quoted', True),
    ("LDAP_SYNC_INTERVAL", "900\t# a quarter of an hour", 900),
    ("LDAP_SERVER", "ldaps.example.com  # the second one", "ldaps.example.com"),
    ("LDAP_SERVER", "dc1 #x", "dc1"),
    ("LDAP_BASE_DN", "dc=example,dc=com # base", "dc=example,dc=com"),
    ("LDAP_BASE_DN", "ou=Team #1,dc=example,dc=com", "ou=Team #1,dc=example,dc=com"),
    ("LDAP_BASE_DN", "ou=Team # 1,dc=example,dc=com", "ou=Team # 1,dc=example,dc=com"),
    ("LDAP_BASE_DN", '"ou=Team # 1"  # in quotes', "ou=Team # 1"),
    ("LDAP_USER_FILTER", "(objectClass=user)  # people", "(objectClass=user)"),
    ("LDAP_USER_FILTER", "(cn=Room #5)", "(cn=Room #5)"),
    ("LDAP_USER_FILTER", "(cn=Room # 5)", "(cn=Room # 5)"),
    ("LDAP_CA_CERT", "/etc/ssl/ca.pem # mounted", "/etc/ssl/ca.pem"),
    ("AUTHENTIK_VERIFY_SSL", "true # x", True),
    ("AUTHENTIK_DOMAIN", "https://auth.example.com/#/x # y", "https://auth.example.com/#/x"),
    ("OKTA_DOMAIN", "example.okta.com # x", "example.okta.com"),
    ("AWS_ENABLED", "true # x", True),
    ("AWS_REGIONS", "us-east-1, us-west-2  # both", ["us-east-1", "us-west-2"]),
    ("AWS_EC2_METADATA_DISABLED", "true # x", True),
    ("AZURE_CLOUD", "azurechinacloud # x", "AzureChinaCloud"),
    ("GCP_PROJECT_ID", "my-project-123 # x", ["my-project-123"]),
    ("KUBECONFIG", "/run/kubeconfig # x", "/run/kubeconfig"),
    ("SYNC_ON_STARTUP", "false # x", False),
    ("LOG_LEVEL", "debug # x", "DEBUG"),
    ("ELDER_API_URL", "http://api:5000 # x", "http://api:5000"),
    ("DISCOVERY_ALLOWED_PATHS", "/a,/b # x", ("/a", "/b")),
    ("MASS_DELETE_GUARD", "0.5 # half", 0.5),
    ("GOOGLE_WORKSPACE_ADMIN_EMAIL", "  # none", None),
]


@pytest.mark.parametrize(("name", "text", "value"), COMMENTED)
def test_case_dir_6_a_comment_behind_a_value_is_no_part_of_it(name, text, value):
    """As the quick start writes them. With the comment, LDAP sent its password in the clear, did not verify, or the worker died."""
    assert settings.load({name: text}).shown()[name.lower()] == value


def test_case_dir_6_a_job_is_given_the_typed_values():
    """What reaches the job's process, not only what is shown."""
    environ = {
        "LDAP_ENABLED": "true  # on",
        "LDAP_SERVER": "ad.example.com # x",
        "LDAP_PORT": "636 # x",
        "LDAP_USE_SSL": "true  # LDAPS",
        "LDAP_VERIFY_CERT": "true # x",
        "LDAP_BASE_DN": "dc=example,dc=com",
    }
    connector = settings.load(environ).sources["ldap"].connector
    config = schema.parse(registry.get("ldap").config, connector)

    assert (config.server, config.port, config.use_ssl, config.verify_cert) == ("ad.example.com", 636, True, True)


def test_a_secret_is_taken_as_it_stands_and_its_hash_sign_is_mentioned():
    loaded = settings.load({"LDAP_BIND_PASSWORD": ' "pass # word" '})

    assert loaded.sources["ldap"].connector["bind_password"] == '"pass # word"'
    assert loaded.warnings == ("LDAP_BIND_PASSWORD holds a ' #': a secret is taken as it stands; if that begins a comment, remove it",)
    assert settings.load({"LDAP_BIND_PASSWORD": "pass#word"}).warnings == ()


def test_a_wrong_value_is_refused_with_its_comment_shown():
    assert complaints(LDAP_USE_SSL="yes please # x") == ["LDAP_USE_SSL: must be true or false (it is 'yes please # x')"]
    assert complaints(LDAP_PORT="0") == ["LDAP_PORT: must be at least 1 (it is '0')"]
    ldap = {"LDAP_ENABLED": "true", "LDAP_SERVER": "x", "LDAP_PORT": "x"}
    assert complaints(**ldap) == ["LDAP_PORT: must be a whole number (it is 'x')"], "what is missing may hang on what is wrong"
    assert complaints(AWS_SYNC_INTERVAL="nan") == ["AWS_SYNC_INTERVAL: must be a number (it is 'nan')"]


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
    assert settings.load({"DATABASE_URL_FILE": f"{path}  # mounted"}).database_url == "postgresql://x"
    assert "cannot be read" in complaints(DATABASE_URL_FILE=str(tmp_path / "none"))[0]


def test_a_variable_that_is_called_so_is_no_file_of_another():
    """AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE is read by the job, at each renewal, and not once at the start."""
    operator = settings.load({"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/nowhere/token"}).sources["aws"].operator
    assert operator == {"container_authorization_token_file": "/nowhere/token"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("0.0.0.0/0", "0.0.0.0/0 would let 4294967296 addresses in without a key"),
        ("10.0.0.0/23", "would let 512 addresses in"),
        ("fd00::/64", "/120 or smaller"),
        ("front", "'front' is not a network"),
    ],
)
def test_the_open_network_is_one_for_the_api_alone(given, said):
    [complaint] = complaints(ELDER_API_OPEN_NETWORK=given)
    assert complaint.startswith("ELDER_API_OPEN_NETWORK: ")
    assert said in complaint


def test_contradictions_of_a_connector_stop_the_start_in_the_words_of_its_variables():
    ldap = {"LDAP_ENABLED": "true", "LDAP_SERVER": "x", "LDAP_BASE_DN": "dc=x"}
    assert complaints(**ldap, LDAP_BIND_DN="cn=x")[0].startswith("LDAP_BIND_DN needs LDAP_BIND_PASSWORD")
    assert complaints(**ldap, LDAP_USE_SSL="true", LDAP_START_TLS="true")[0].startswith("LDAP_USE_SSL and LDAP_START_TLS exclude")
    assert complaints(AWS_ENABLED="true", AWS_REGIONS="us-east1")[0].startswith("AWS_REGIONS: `us-east1` is not the name of a region")
    settings.load({"LDAP_BIND_DN": "cn=x"})  # a connector that is not enabled may be half configured


def test_unknown_names_of_a_vendors_own_are_no_mistakes():
    settings.load({"AWS_PROFILE": "x", "KUBERNETES_PORT": "tcp://10.0.0.1:443", "AZURE_CONFIG_DIR": "x", "OKTA_PORT": "tcp://10.0.0.1:1"})
    assert complaints(OKTA_TOKEN="x") == ["unknown setting OKTA_TOKEN, did you mean OKTA_API_TOKEN?"]
    settings.load({"ELDER_CONFIG": "/home/ann/config.toml"})  # the command `elder`'s
    assert complaints(LDAP_BASE="x") == ["unknown setting LDAP_BASE, did you mean LDAP_BASE_DN?"]


def test_a_proxy_that_cannot_be_used_stops_the_start():
    assert complaints(HTTPS_PROXY="socks5://p.example") == [
        "HTTPS_PROXY is not a proxy that can be used: it must begin with http:// or https://, and have a host"
    ]
    settings.load({"https_proxy": "p.example:3128", "HTTP_PROXY": "", "NO_PROXY": "socks5://odd"})


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


EVERY = [one for _, own in sections() for one in own]


def test_the_reference_has_every_setting():
    names = [one.name for one in EVERY]
    assert len(names) == len(set(names)) > 90


@pytest.mark.parametrize("variable", EVERY, ids=lambda one: one.name)
def test_every_setting_says_what_it_does_and_what_breaks_at_either_end(variable):
    assert variable.description.endswith(".")
    assert len(variable.description.split()) > 3
    named = variable.name.endswith(("_PORT", "_ID"))
    assert named or variable.type not in ("integer", "number") or (variable.low and variable.high)


QUICK_START = re.findall(r"^#? ?([A-Z][A-Z_]+)=", (ROOT / "docs" / "quickstart.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", sorted(set(QUICK_START)))
def test_every_variable_of_the_quick_start_is_known(name):
    assert name in {one.name for one in EVERY}


DEFAULTS = {
    "ELDER_API_URL": "http://api:5000",
    "ELDER_API_HOST": "127.0.0.1",
    "ELDER_API_PORT": "5000",
    "HEALTH_CHECK_HOST": "0.0.0.0",
    "HEALTH_CHECK_PORT": "8000",
    "DISCOVERY_POLL_INTERVAL": "300",
    "DISCOVERY_MAX_CONCURRENT": "2",
    "DISCOVERY_JOB_TIMEOUT": "3600",
    "DISCOVERY_IDLE_TIMEOUT": "300",
    "DISCOVERY_KILL_GRACE": "5",
    "DISCOVERY_JOB_MEMORY_MB": "",
    "CONNECTOR_MAX_CONCURRENT": "2",
    "CONNECTOR_SYNC_TIMEOUT": "3600",
    "SHUTDOWN_GRACE": "25",
    "LEASE_TTL": "30",
    "MASS_DELETE_GUARD": "0.1",
    "SYNC_ON_STARTUP": "true",
    "SYNC_BATCH_SIZE": "500",
    "SYNC_MAX_RETRIES": "3",
    "LOG_LEVEL": "INFO",
    "LOG_FORMAT": "json",
    "GOOGLE_WORKSPACE_CUSTOMER_ID": "my_customer",
    "LDAP_VERIFY_CERT": "true",
    "AUTHENTIK_VERIFY_SSL": "true",
    **{f"{name.upper()}_ENABLED": "" for name in ("aws", "gcp", "azure", "kubernetes")},
    **{f"{name.upper()}_ENABLED": "false" for name in ("ldap", "okta", "authentik", "google_workspace")},
    **{f"{name.upper()}_SYNC_INTERVAL": "3600" for name in ("aws", "gcp", "ldap", "okta", "authentik", "google_workspace")},
}


@pytest.mark.parametrize(("name", "default"), DEFAULTS.items())
def test_the_defaults_that_people_rely_on(name, default):
    assert shown(next(one.default for one in EVERY if one.name == name)) == default


DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "docker-compose.yml", *(ROOT / "docs").glob("*.md")]
DOCUMENTS += [*(ROOT / "deploy" / "kubernetes").glob("*.yaml"), ROOT / "Dockerfile"]
OURS = (
    *settings.PREFIXES,
    "LDAP_",
    "OKTA_",
    "AUTHENTIK_",
    "GOOGLE_WORKSPACE_",
    "AWS_",
    "AZURE_",
    "GCP_",
    "MASS_",
    "SHUTDOWN_",
    "DATABASE_",
)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_no_document_names_a_setting_that_does_not_exist(path):
    known = {one.name for one in EVERY}
    named = set(re.findall(r"(?<![A-Z_<>])[A-Z][A-Z0-9]*_[A-Z0-9_]*[A-Z0-9](?![A-Z_<>*])", path.read_text()))
    strange = {name for name in named if name.startswith(OURS) and name not in known and name.removesuffix("_FILE") not in known}
    assert strange <= {"AZURE_CLIENT_SECRET", "ELDER_CONFIG"}, "one of Azure, and one of the command `elder`"


def test_a_provider_that_is_switched_off_is_claimed_for_by_no_worker():
    assert {"aws", "gcp"} <= set(settings.load({}).runnable_providers())
    assert settings.load({"AWS_ENABLED": "false"}).runnable_providers() == tuple(
        one for one in settings.load({}).runnable_providers() if one != "aws"
    )
