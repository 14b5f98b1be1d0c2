"""Every way of being somebody in Azure: service principal, credentials file, workload identity, managed identity, sovereign clouds."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from peers.arm_account import FEDERATED, HEADER, SECRET, TENANT

from providers import registry, schema
from providers.azure import client
from providers.azure.config import AzureConfig, AzureOperator
from providers.errors import ConfigError, CredentialsError
from providers.http import retry
from providers.microsoft import signin
from providers.microsoft.operator import ManagedIdentity
from providers.runner import check
from providers.testing import operator_of
from providers.variables import variables

PRINCIPAL = {"tenant_id": TENANT, "client_id": "app-1", "client_secret": SECRET}


def who(operator: dict[str, str], **config):
    """The identity that a job with that config has."""
    provider = registry.get("azure")
    with contextlib.closing(provider.open(schema.parse(provider.config, config), operator_of(provider, operator))) as source:
        return check(source)


@pytest.fixture(autouse=True)
def own_environment(monkeypatch):
    """What the provider puts into the environment of its process is gone afterwards."""
    for name in (one.name for one in variables(ManagedIdentity)):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)  # to be deleted again at the end
    monkeypatch.setattr(retry, "wait", lambda _seconds: None)


@pytest.fixture
def one(azure):
    azure.subscription()
    return azure


def test_the_jobs_own_principal_goes_before_the_workers(one, tmp_path):
    path = tmp_path / "azure.json"
    path.write_text(json.dumps({"tenantId": TENANT, "clientId": "the-workers", "clientSecret": SECRET}))
    operator = {**one.operator, "AZURE_CREDENTIALS_FILE": str(path)}
    assert who(operator, **PRINCIPAL).name == "app-1"
    assert who(operator).name == "the-workers"


def test_the_file_as_the_vendors_tool_writes_it(one, tmp_path):
    """``az ad sp create-for-rbac --sdk-auth``, with the endpoints that it adds; they are the operator's to change, not the file's."""
    path = tmp_path / "azure.json"
    written = {"clientId": "app-3", "clientSecret": SECRET, "subscriptionId": "x", "tenantId": TENANT}
    path.write_text(
        json.dumps({**written, "resourceManagerEndpointUrl": "https://evil.example/", "activeDirectoryEndpointUrl": "https://evil.example"})
    )
    assert who({**one.operator, "AZURE_CREDENTIALS_FILE": str(path)}).name == "app-3"


def test_workload_identity_by_the_token_file_of_the_pod(one, tmp_path):
    token = tmp_path / "token"
    token.write_text(FEDERATED)
    pod = {"AZURE_FEDERATED_TOKEN_FILE": str(token), "AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": "app-of-the-pod"}
    assert who({**one.operator, **pod}).name == "app-of-the-pod"
    token.write_text("too old")
    with pytest.raises(CredentialsError, match="federated token") as caught:
        who({**one.operator, **pod})
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("missing", ["AZURE_TENANT_ID", "AZURE_CLIENT_ID"])
def test_workload_identity_that_lacks_a_part_says_which(one, tmp_path, missing):
    pod = {"AZURE_FEDERATED_TOKEN_FILE": str(tmp_path / "token"), "AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": "app"}
    del pod[missing]
    with pytest.raises(ConfigError, match=missing):
        who({**one.operator, **pod})


def test_managed_identity_of_an_app(one, managed_identity):
    url, asked = managed_identity
    machine = {"IDENTITY_ENDPOINT": f"{url}/msi/token", "IDENTITY_HEADER": HEADER}
    assert who({**one.operator, **machine}).name == "managed identity"
    assert who({**one.operator, **machine, "AZURE_CLIENT_ID": "user-assigned"}).name == "user-assigned"
    assert set(asked) == {"/msi/token"}


def test_managed_identity_of_a_machine(one, managed_identity):
    url, asked = managed_identity
    assert who({**one.operator, "AZURE_POD_IDENTITY_AUTHORITY_HOST": url}).name == "managed identity"
    assert set(asked) == {"/metadata/identity/oauth2/token"}


def test_a_machine_without_an_identity_is_told_what_to_set(one, managed_identity):
    url, _ = managed_identity
    machine = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": url, "AZURE_CLIENT_ID": "unknown"}
    with pytest.raises(
        CredentialsError, match="no managed identity: give tenant_id, client_id and client_secret, or set AZURE_CREDENTIALS_FILE"
    ):
        who({**one.operator, **machine})


@pytest.mark.parametrize(
    ("cloud", "manager", "audience", "authority"),
    [
        ("AzureCloud", "management.azure.com", "management.azure.com", "login.microsoftonline.com"),
        ("AzureUSGovernment", "management.usgovcloudapi.net", "management.core.usgovcloudapi.net", "login.microsoftonline.us"),
        ("AzureChinaCloud", "management.chinacloudapi.cn", "management.chinacloudapi.cn", "login.chinacloudapi.cn"),
    ],
)
def test_sovereign_clouds_are_the_operators_setting(monkeypatch, cloud, manager, audience, authority):
    made = {}
    monkeypatch.setattr(signin, "ClientSecretCredential", lambda *_, **options: made.update(options))
    connection = client.Connection(AzureConfig(**PRINCIPAL), AzureOperator(cloud=cloud))
    assert (connection.base_url, made["authority"]) == (f"https://{manager}", authority)
    assert [urlsplit(scope).netloc for scope in connection.scopes] == [audience]


def test_a_cloud_that_does_not_exist():
    with pytest.raises(ValueError, match="must be one of AzureCloud, AzureUSGovernment, AzureChinaCloud"):
        operator_of(registry.get("azure"), {"AZURE_CLOUD": "AzureMoon"})


# The worker's own app registration, from the environment


def test_a_secret_from_the_environment(one):
    operator = {**one.operator, "AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": "app-1", "AZURE_CLIENT_SECRET": SECRET}
    assert who(operator).name == "app-1"
    assert one.sign_ins[-1]["client_secret"] == SECRET


def test_a_jobs_own_principal_goes_before_that_of_the_environment(one):
    operator = {**one.operator, "AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": "another", "AZURE_CLIENT_SECRET": "wrong"}
    assert who(operator, **PRINCIPAL).name == "app-1"


@pytest.mark.parametrize("missing", ["AZURE_TENANT_ID", "AZURE_CLIENT_ID"])
@pytest.mark.parametrize("variable", ["AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH"])
def test_what_the_environment_lacks_is_named(one, missing, variable):
    given = {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": "app-1", variable: "/nowhere"}
    del given[missing]
    with pytest.raises(ConfigError, match=f"{variable} is set, but {missing} is not"):
        who({**one.operator, **given})


def certificate(password: bytes = b"") -> tuple[bytes, bytes]:
    """A certificate, and the file with it and its key."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "elder-worker")])
    now = dt.datetime.now(dt.UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    made = made.not_valid_before(now).not_valid_after(now + dt.timedelta(days=1)).sign(key, hashes.SHA256())
    kept = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, kept)
    public = made.public_bytes(serialization.Encoding.PEM)
    return public, pem + public


@pytest.mark.parametrize("password", ["", "canary-certificate-password"])
def test_a_certificate_from_the_environment(one, tmp_path, password):
    one.certificate, content = certificate(password.encode())
    path = tmp_path / "app.pem"
    path.write_bytes(content)
    operator = {**one.operator, "AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": "app-1", "AZURE_CLIENT_CERTIFICATE_PATH": str(path)}
    operator |= {"AZURE_CLIENT_CERTIFICATE_PASSWORD": password} if password else {}
    found = who(operator)
    end = x509.load_pem_x509_certificate(one.certificate).not_valid_after_utc
    assert (found.name, found.details["credential_expires_at"]) == ("app-1", f"{end:%Y-%m-%dT%H:%M:%SZ}")


def test_another_certificate_is_refused_by_its_reason(one, tmp_path):
    (one.certificate, _), (_, content) = certificate(), certificate()
    path = tmp_path / "app.pem"
    path.write_bytes(content)
    operator = {**one.operator, "AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": "app-1", "AZURE_CLIENT_CERTIFICATE_PATH": str(path)}
    with pytest.raises(CredentialsError, match="the certificate or federated token is not one that the app trusts"):
        who(operator)


@pytest.mark.parametrize("content", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"])
def test_a_file_that_is_no_certificate_says_so_without_its_content(one, tmp_path, content):
    path = tmp_path / "app.pem"
    path.write_bytes(content)
    operator = {**one.operator, "AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": "app-1", "AZURE_CLIENT_CERTIFICATE_PATH": str(path)}
    with pytest.raises(ConfigError, match=r"AZURE_CLIENT_CERTIFICATE_PATH .* cannot be used") as raised:
        who(operator)
    assert "nonsense" not in str(raised.value)
