"""A secret that a provider reads from a file is registered, so that it is kept out of logs."""

from __future__ import annotations

import json
import pathlib

import pytest

from providers import secrecy
from providers.aws.credentials import from_file
from providers.azure.client import Connection
from providers.azure.config import AzureConfig, AzureOperator
from providers.google import key as google_key
from providers.kubernetes.config import KubernetesConfig, KubernetesOperator
from providers.kubernetes.kubeconfig import access


@pytest.fixture
def registered():
    found: list[str] = []
    secrecy.add_listener(found.extend)
    yield found
    secrecy.remove_listener(found.extend)


def written(folder: pathlib.Path, content: object) -> pathlib.Path:
    path = folder / "file"
    path.write_text(json.dumps(content))
    return path


def test_of_aws(registered, tmp_path):
    from_file(written(tmp_path, {"access_key_id": "AKIDEXAMPLE", "secret_access_key": "canary-key", "session_token": "canary-token"}))
    assert registered == ["canary-key", "canary-token"]


def test_of_azure(registered, tmp_path):
    path = written(tmp_path, {"appId": "1", "tenant": "22222222-2222-2222-2222-222222222222", "password": "canary-password"})
    Connection(AzureConfig(), AzureOperator(credentials_file=str(path)))
    assert registered == ["canary-password"]


def test_of_google(registered, tmp_path):
    key = {"type": "service_account", "client_email": "a@b.iam.gserviceaccount.com", "private_key": "-----BEGIN PRIVATE KEY-----\ncanary\n"}
    google_key.read_operator(str(written(tmp_path, key)), "GCP_CREDENTIALS_FILE")
    assert registered == [key["private_key"]]


def test_of_kubernetes(registered, tmp_path):
    document = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {"token": "canary-token"}}],
    }
    access(KubernetesConfig(), KubernetesOperator(kubeconfig=str(written(tmp_path, document))))
    assert registered == ["canary-token"]
