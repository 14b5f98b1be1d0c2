"""Settings of the sign-in: what is missing, malformed or unsafe stops the start with a sentence."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet

from worker.config.environment import SettingsError
from worker.config.login import is_safe
from worker.config.settings import load

RIGHT = {
    "ELDER_OIDC_ISSUER": "https://id.example.com/realms/one",
    "ELDER_OIDC_CLIENT_ID": "elder",
    "ELDER_OIDC_CLIENT_SECRET": "canary-client-secret",
    "ELDER_OIDC_URL": "https://elder.example.com/",
    "ELDER_OIDC_ROLES": "elder-admins=admin, ops = operate,a=b=read,*=read",
    "ELDER_SECRET_KEYS": Fernet.generate_key().decode(),
}


def test_all_that_is_needed():
    settings = load(RIGHT)

    assert settings.oidc_roles() == {"elder-admins": "admin", "ops": "operate", "a=b": "read", "*": "read"}
    assert "canary-client-secret" in settings.secret_values()
    assert "canary-client-secret" not in str(settings.shown()) + repr(settings.without_secrets().elder_oidc_client_secret)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"ELDER_OIDC_CLIENT_ID": ""}, "ELDER_OIDC_ISSUER is set but ELDER_OIDC_CLIENT_ID is not"),
        ({"ELDER_OIDC_URL": ""}, "ELDER_OIDC_ISSUER is set but ELDER_OIDC_URL is not"),
        ({"ELDER_OIDC_ROLES": ""}, "nobody would have a role"),
        ({"ELDER_SECRET_KEYS": ""}, "ELDER_OIDC_ISSUER is set but ELDER_SECRET_KEYS is not"),
        ({"ELDER_OIDC_ISSUER": ""}, "ELDER_OIDC_CLIENT_ID is set but ELDER_OIDC_ISSUER is not"),
        ({"ELDER_OIDC_ISSUER": "http://id.example.com"}, "ELDER_OIDC_ISSUER is 'http://id.example.com': it is an https URL"),
        ({"ELDER_OIDC_URL": "http://elder.example.com"}, "ELDER_OIDC_URL is 'http://elder.example.com'"),
        ({"ELDER_OIDC_URL": "https://elder.example.com/elder"}, "ELDER_OIDC_URL has a path"),
        ({"ELDER_OIDC_ROLES": "admins=root"}, "'admins=root' is not VALUE=ROLE, with a role out of admin, operate, read"),
        ({"ELDER_OIDC_ROLES": "connectors=sync"}, "'connectors=sync' is not VALUE=ROLE"),
        ({"ELDER_OIDC_ROLES": "=admin"}, "'=admin' is not VALUE=ROLE"),
        ({"ELDER_OIDC_ROLES": "admins"}, "'admins' is not VALUE=ROLE"),
        ({"ELDER_OIDC_SCOPES": "profile"}, "ELDER_OIDC_SCOPES lacks openid"),
        ({"ELDER_OIDC_CA_BUNDLE": "/nowhere.pem"}, "ELDER_OIDC_CA_BUNDLE: /nowhere.pem cannot be used"),
        ({"ELDER_OIDC_CLIENT": "elder"}, "ELDER_OIDC_CLIENT"),
        ({"ELDER_SESSION_IDLE_TIMEOUT": "60"}, "ELDER_SESSION_IDLE_TIMEOUT: must be at least 300"),
    ],
)
def test_what_stops_the_start(changes, sentence):
    with pytest.raises(SettingsError) as stopped:
        load({name: value for name, value in (RIGHT | changes).items() if value})

    assert sentence in str(stopped.value)


@pytest.mark.parametrize(
    "url", ["https://id.example.com", "https://id.example.com:8443/a/b/", "http://localhost:5000", "http://127.0.0.1", "http://[::1]:1"]
)
def test_safe(url):
    assert is_safe(url)


@pytest.mark.parametrize(
    "url",
    [
        "", "id.example.com", "http://id.example.com", "http://localhost.example.com", "https://", "https://user@id.example.com", "ftp://a",
        "https://a?b=c", "https://a#b", "https://a:port", "https://[::1", "javascript:alert(1)", "https://a b", "https://a\n", "//a", "http://10.0.0.1",
    ],
)  # fmt: skip
def test_unsafe(url):
    assert not is_safe(url)
