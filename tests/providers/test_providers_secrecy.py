"""What a provider reads out of a file is known to whoever must keep it out of a log."""

from __future__ import annotations

import json
import pathlib

import pytest

from providers import secrecy
from providers.aws.credentials import from_file
from providers.azure.client import Connection
from providers.azure.config import AzureConfig
from providers.google import key as google_key
from providers.kubernetes.config import KubernetesConfig
from providers.kubernetes.kubeconfig import access


@pytest.fixture
def heard():
    found: list[str] = []
    secrecy.listen(found.extend)
    yield found
    secrecy.ignore(found.extend)


def written(folder: pathlib.Path, content: object) -> pathlib.Path:
    path = folder / "file"
    path.write_text(json.dumps(content))
    return path


def test_of_aws(heard, tmp_path):
    from_file(written(tmp_path, {"access_key_id": "AKIDEXAMPLE", "secret_access_key": "canary-key", "session_token": "canary-token"}))
    assert heard == ["canary-key", "canary-token"]


def test_of_azure(heard, tmp_path):
    path = written(tmp_path, {"appId": "1", "tenant": "22222222-2222-2222-2222-222222222222", "password": "canary-password"})
    Connection(AzureConfig(), {"AZURE_CREDENTIALS_FILE": str(path)})
    assert heard == ["canary-password"]


def test_of_google(heard, tmp_path):
    key = {"type": "service_account", "client_email": "a@b.iam.gserviceaccount.com", "private_key": "-----BEGIN PRIVATE KEY-----\ncanary\n"}
    google_key.read_operator(str(written(tmp_path, key)), "GCP_CREDENTIALS_FILE")
    assert heard == [key["private_key"]]


def test_of_kubernetes(heard, tmp_path):
    document = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {"token": "canary-token"}}],
    }
    access(KubernetesConfig(), {"KUBECONFIG": str(written(tmp_path, document))})
    assert heard == ["canary-token"]
