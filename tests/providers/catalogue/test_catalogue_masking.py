"""Names stay, values become a mark: the rule by itself, and documents of each provider with a canary wherever a secret may be."""

from __future__ import annotations

import base64
import copy
import json
import time

import pytest

from providers.catalogue.kinds import ResourceKind
from providers.catalogue.masking import Masking
from providers.catalogue.shape import Shape
from providers.schema import REDACTED

CANARY = "hunter2canary"
MASKING = Masking()


def masked(document: dict, *unmasked: str) -> dict:
    return MASKING.masked(copy.deepcopy(document), unmasked)


@pytest.mark.parametrize(
    "key",
    ["password", "Password", "db_password", "ClientSecret", "clientsecret", "api-key", "apiKey", "APIKey", "authToken", "AUTH_TOKEN",
     "private_key", "privateKey", "licenseKey", "requirepass", "masterauth", "secretAccessKey", "credentials", "passphrase", "AdminPwd", "connectionString", "preSharedKey", "tokens"],
)  # fmt: skip
def test_a_key_that_says_secret(key):
    assert masked({key: CANARY, "other": "stays"}) == {key: REDACTED, "other": "stays"}
    assert masked({key: [CANARY, {"deep": CANARY}]}) == {key: [REDACTED, {"deep": REDACTED}]}


@pytest.mark.parametrize(
    "key",
    ["KmsKeyId", "SecretArn", "secretName", "PasswordLastUsed", "imagePullSecretName", "secretRef", "PasswordPolicy", "secret_id", "tokenIds",
     "SecretARNs", "passwordChangedAt", "token_expires", "TokenTTL", "token.actions.githubusercontent.com:sub", "Principal", "keyName"],
)  # fmt: skip
def test_a_key_that_says_no_secret(key):
    assert masked({key: "plain-value"}) == {key: "plain-value"}
    assert masked({"secret": {key: "plain-value"}})["secret"][key] == ("plain-value" if key != "Principal" else REDACTED)


@pytest.mark.parametrize(
    "value",
    ["arn:aws:secretsmanager:eu-west-1:123456789012:secret:x", "https://vault.example.com/v1", "2026-11-28T01:02:03Z", "2026-11-28", "3600",
     "1.5", "86400", "sg-0123456789abcdef0", "$DB_PASSWORD", "true", "", "$(DB_PASSWORD)", "${TOKEN}", "{{ .Values.token }}",
     "/var/run/secrets/token"],
)  # fmt: skip
def test_values_that_are_no_secrets(value):
    assert masked({"secret": value, "token": [value]}) == {"secret": value, "token": [value]}


@pytest.mark.parametrize("value", ["12345678", "0b8ee1c4-58b8-4b1f-8d6a-3f6b8bb6d6f5", "$uper5ecret", "true-ish", "correct horse battery"])
def test_values_that_are_secrets_under_such_a_name(value):
    """A password of digits, a token that is a UUID (Consul, Nomad), one that begins like a variable."""
    assert masked({"password": value, "env": [{"name": "CONSUL_HTTP_TOKEN", "value": value}]}) == {
        "password": REDACTED, "env": [{"name": "CONSUL_HTTP_TOKEN", "value": REDACTED}],
    }  # fmt: skip


def test_numbers_under_names_of_ages_and_sizes_stay():
    document = {"maxPwdAge": "-36288000000000", "passwordHistoryLength": "123456", "TokenValidity": "31536000", "secretVersion": "1234567"}
    assert masked(document) == document


@pytest.mark.parametrize(
    "name", ["DB_PASS", "SMTP_PASS", "pass", "userPass", "ENCRYPTION_KEY", "APP_KEY", "SSH_KEY", "PSK", "ADMIN_CREDS", "PGPASS"]
)
def test_variables_that_say_secret(name):
    assert masked({"env": [{"name": name, "value": CANARY}]}) == {"env": [{"name": name, "value": REDACTED}]}
    assert masked({"command": f"export {name}={CANARY}"}) == {"command": f"export {name}={REDACTED}"}


@pytest.mark.parametrize(
    "name", ["PARTITION_KEY", "SORT_KEY", "PUBLIC_KEY", "bypass", "compass", "passThrough", "key", "Key", "KMS_KEY_ID"]
)
def test_variables_that_say_no_secret(name):
    assert masked({"env": [{"name": name, "value": "plain"}]}) == {"env": [{"name": name, "value": "plain"}]}


def test_only_strings_are_masked():
    document = {"automountServiceAccountToken": True, "tokenCount": 7, "password": None, "secret": {}, "tokens": []}
    assert masked(document) == document


def test_pairs_of_names_and_values():
    assert masked({"env": [{"name": "DB_PASSWORD", "value": CANARY}, {"name": "PORT", "value": "80 a"}]}) == {
        "env": [{"name": "DB_PASSWORD", "value": REDACTED}, {"name": "PORT", "value": "80 a"}]
    }
    header = {"HeaderName": "X-Origin-Verify", "HeaderValue": CANARY}
    assert masked({"Items": [header]}) == {"Items": [{"HeaderName": "X-Origin-Verify", "HeaderValue": REDACTED}]}
    probe = {"httpHeaders": [{"name": "Authorization", "value": CANARY}, {"name": "Accept", "value": "text/html"}]}
    assert masked(probe)["httpHeaders"] == [{"name": "Authorization", "value": REDACTED}, {"name": "Accept", "value": "text/html"}]
    assert masked({"headers": {"X-Auth": CANARY, "Accept": "text/html"}}) == {"headers": {"X-Auth": REDACTED, "Accept": "text/html"}}


@pytest.mark.parametrize(
    ("arguments", "right"),
    [
        (["serve", f"--password={CANARY}", "--port=80"], ["serve", f"--password={REDACTED}", "--port=80"]),
        (["--token", CANARY, "--verbose"], ["--token", REDACTED, "--verbose"]),
        (["-api-key", CANARY, "x"], ["-api-key", REDACTED, "x"]),
        (["--token", "--verbose", "x"], ["--token", "--verbose", "x"]),
        (["--secret-name", "shop", "--token-ttl", "1h"], ["--secret-name", "shop", "--token-ttl", "1h"]),
        (["sh", "-c", f"run --password {CANARY} --x && DB_PASSWORD='{CANARY}' go"],
         ["sh", "-c", f"run --password {REDACTED} --x && DB_PASSWORD='{REDACTED}' go"]),
        (["--password=$(DB_PASSWORD)"], ["--password=$(DB_PASSWORD)"]),
        (["curl", "-u", f"admin:{CANARY}", "http://x"], ["curl", "-u", f"admin:{REDACTED}", "http://x"]),
        (["curl", f"--user=admin:{CANARY}", "http://x"], ["curl", f"--user=admin:{REDACTED}", "http://x"]),
        (["run", "--user=1000:1000", "--proxy-user=root"], ["run", "--user=1000:1000", "--proxy-user=root"]),
        (["redis-server", "--requirepass", CANARY, "--masterauth", CANARY], ["redis-server", "--requirepass", REDACTED, "--masterauth", REDACTED]),
        (["run", "-u", "1000:1000", "--user", "root", "a:b"], ["run", "-u", "1000:1000", "--user", "root", "a:b"]),
        (["curl", "-H", f"Authorization: Bearer {CANARY}"], ["curl", "-H", f"Authorization: {REDACTED}"]),
        (["curl", "-H", "Authorization: $(HEADER)"], ["curl", "-H", "Authorization: $(HEADER)"]),
        (["sh", "-c", f"mysql -u root -p{CANARY} shop && curl -su me:{CANARY} x"],
         ["sh", "-c", f"mysql -u root -p{REDACTED} shop && curl -su me:{REDACTED} x"]),
    ],
)  # fmt: skip
def test_arguments(arguments, right):
    assert masked({"args": arguments}) == {"args": right}


@pytest.mark.parametrize(
    ("text", "right"),
    [
        (f"Server=db;User=sa;Password={CANARY};Encrypt=true", f"Server=db;User=sa;Password={REDACTED};Encrypt=true"),
        (f"https://host/x?sig={CANARY}&sv=1", f"https://host/x?sig={REDACTED}&sv=1"),
        (f"postgresql://app:{CANARY}@db/shop", f"postgresql://app:{REDACTED}@db/shop"),
        (f'{{"user": "a", "password": "{CANARY}", "n": 1}}', f'{{"user": "a", "password": "{REDACTED}", "n": 1}}'),
        (json.dumps({"a": json.dumps({"user": "u", "password": CANARY})}), json.dumps({"a": json.dumps({"user": "u", "password": REDACTED})})),
        (json.dumps([json.dumps([json.dumps({"token": CANARY})])]), json.dumps([json.dumps([json.dumps({"token": REDACTED})])])),
        (f"db:\n  user: app\n  password: {CANARY}\nport: 80", f"db:\n  user: app\n  password: {REDACTED}\nport: 80"),
        ('{"Action": "secretsmanager:GetSecretValue", "Resource": "arn:aws:secretsmanager:*:*:secret:x"}', None),
        ('{"StringEquals": {"token.actions.githubusercontent.com:sub": "repo:a/b"}}', None),
        ("a token of esteem", None),
        (f"curl -H 'X-Vault-Token: {CANARY}' http://x", f"curl -H 'X-Vault-Token: {REDACTED}' http://x"),
        (f"curl -u 'admin:{CANARY}' http://x", f"curl -u 'admin:{REDACTED}' http://x"),
        (f'{{"Authorization":"Basic {CANARY}=="}}', f'{{"Authorization":"Basic {REDACTED}"}}'),
        (f'{{"auths": {{"r": {{"auth": "{CANARY}"}}}}}}', f'{{"auths": {{"r": {{"auth": "{REDACTED}"}}}}}}'),
        (f"<server><password>{CANARY}</password><port>80</port></server>", f"<server><password>{REDACTED}</password><port>80</port></server>"),
        (f"'password': '{CANARY}'", f"'password': '{REDACTED}'"),
        (f'password = "{CANARY}"\nuser = "app"', f'password = "{REDACTED}"\nuser = "app"'),
        (f"machine x login me password {CANARY}", f"machine x login me password {REDACTED}"),
        (f"postgres://app:p@{CANARY}@db/shop", f"postgres://app:{REDACTED}@db/shop"),
        (f"https://discord.com/api/webhooks/1234567890/{CANARY}", f"https://discord.com/api/webhooks/{REDACTED}"),
        ("see the basic authentication guide and the bearer tokens", None),
        ("a == b, key = value, http://host:80/a@b", None),
    ],
)  # fmt: skip
def test_assignments_in_texts(text, right):
    assert masked({"spec": text}) == {"spec": right or text}


JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----"
SHAPES = [
    "sk-proj-" + "a1" * 20, "SG." + "a" * 22 + "." + "b" * 43, "hf_" + "a" * 34, "npm_" + "a1" * 18, "abc8Q~" + "d" * 34, "xapp-1-A0-123-abcdef",
    "dop_v1_" + "a1" * 32, "hvs." + "a1" * 12, "dckr_pat_" + "a1" * 13, "GOCSPX-" + "a1" * 14, "1234567890:AA" + "b" * 33,
    "$apr1$xyz$abcdefghijk", "$2b$12$" + "a" * 53, "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nabc\n-----END PGP PRIVATE KEY BLOCK-----",
    "AKIAIOSFODNN7EXAMPLE", "ghp_" + "a1" * 18, "xoxb-1234567890-abcdefghij", JWT, PEM, "glpat-" + "x" * 20, "AIza" + "b" * 35,
]  # fmt: skip


@pytest.mark.parametrize("token", SHAPES, ids=lambda token: token[:8])
def test_known_tokens_anywhere(token):
    found = json.dumps(masked({"description": f"use {token} here", "list": [token], "map": {"x": token}}))
    assert token not in found.replace("\\n", "\n")
    assert found.count(REDACTED) == 3
    assert "use " in found


def test_the_id_of_an_access_key_is_an_id():
    [key] = [one for one in SHAPES if one.startswith("AKIA")]
    assert masked({"AccessKeyId": key, "Status": "Active"}) == {"AccessKeyId": key, "Status": "Active"}


def test_base64_of_a_text_with_a_secret():
    """The script that a machine runs at its start, or a document in a document."""
    hidden = base64.b64encode(f"#!/bin/sh\nexport DB_PASSWORD={CANARY}\n".encode()).decode()
    plain = base64.b64encode(b"#!/bin/sh\necho hello, world\n").decode()
    assert masked({"script": hidden, "UserData": plain, "digest": "ab12" * 16}) == {
        "script": REDACTED,
        "UserData": REDACTED,
        "digest": "ab12" * 16,
    }
    assert masked({"script": plain}) == {"script": plain}


def test_what_a_kind_says_is_no_secret_stays():
    document = {"MetadataOptions": {"HttpTokens": "required"}, "list": [{"secrets": [{"valueFrom": "/prod/db"}]}], "token": CANARY}
    found = masked(document, "MetadataOptions.HttpTokens", "list[].secrets[].valueFrom", "not.there")
    assert found == {**document, "token": REDACTED}


def test_an_operator_can_widen_the_rule():
    assert Masking(more=("Licence-Code",)).masked({"licenceCode": "x", "plain": "y"}) == {"licenceCode": REDACTED, "plain": "y"}


def test_masking_twice_is_masking_once():
    document = {"password": CANARY, "args": [f"--token={CANARY}", "--token", CANARY], "text": f"a: b\npassword: {CANARY}"}
    assert masked(masked(document)) == masked(document)


@pytest.mark.parametrize(
    "text",
    ["eyJ" * 130_000, "eyJ" + "a" * 400_000, "a" * 400_000, "-" * 400_000, "--" + "a-" * 200_000, '"' * 400_000, "password: " * 40_000,
     "-----BEGIN PRIVATE KEY-----" * 15_000, "://" + "a" * 400_000, "a=" * 200_000, "\n" * 400_000, " " * 400_000, "x: y\n" * 80_000,
     '"a":"' * 80_000, "AKIA" * 100_000, "password='" * 40_000, "curl " * 80_000, "curl -u " * 50_000, "mysql " * 70_000, "login a " * 50_000,
     "authorization:" * 28_000, "<a>b" * 100_000, "<a>b</" * 66_000, "Bearer " * 57_000, "bearer aaaaaaaaaa" * 23_000, "'a': " * 80_000,
     "$1$" * 130_000, "x = " * 100_000, "A" * 400_000, '"auth":"' * 50_000, "a.b" * 130_000, "sk-" * 130_000, "1:AA" * 100_000],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_no_text_holds_a_core(text):
    """Linear patterns only: a text of 400 KB takes four times as long as a quarter of it, and not sixteen times."""
    whole, quarter = (_seconds(part) for part in (text, text[: len(text) // 4]))
    assert whole < 9 * quarter + 0.5


def _seconds(text: str) -> float:
    started = time.process_time()
    MASKING.text(text)
    return time.process_time() - started


DOCUMENTS = {
    "kubernetes": {
        "metadata": {"annotations": {"deploy-token": CANARY}, "uid": "0b8ee1c4-58b8-4b1f-8d6a-3f6b8bb6d6f5"},
        "spec": {
            "containers": [{
                "args": [f"--password={CANARY}", "--token", CANARY], "command": ["sh", "-c", f"API_KEY={CANARY} run"],
                "livenessProbe": {"httpGet": {"httpHeaders": [{"name": "Authorization", "value": CANARY}]}},
                "env": [{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "shop-secret", "key": "kept-key"}}}],
            }],
            "volumes": [{"secret": {"secretName": "shop-secret"}}], "imagePullSecrets": [{"name": "regcred"}],
            "password": CANARY, "helm": {"values": f"db:\n  password: {CANARY}\n", "valuesObject": {"auth": {"rootPassword": CANARY}}},
        },
    },
    "azure": {
        "properties": {
            "osProfile": {"adminPassword": CANARY, "secrets": [{"sourceVault": {"id": "/subscriptions/x"}}]},
            "connectionStrings": [{"name": "db", "connectionString": f"Server=x;Password={CANARY}"}],
            "primaryKey": "kept", "storageAccountKey": CANARY, "sasUrl": f"https://x.blob.core.windows.net/c?sig={CANARY}&sp=r",
            "siteConfig": {"appSettings": [{"name": "AzureWebJobsSecret", "value": CANARY}]},
        },
    },
    "gcp": {
        "metadata": {"items": [{"key": "db-password", "value": CANARY}, {"key": "zone", "value": "kept"}]},
        "iap": {"oauth2ClientSecret": CANARY, "oauth2ClientId": "kept-id"},
        "description": f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----", "sharedSecret": CANARY,
    },
    "okta": {"settings": {"app": {"clientSecret": CANARY}}, "profile": {"login": "kept@example.com", "apiToken": CANARY}},
    "authentik": {"attributes": {"ssh_private_key": CANARY}, "password_change_date": "2026-01-01T00:00:00Z", "client_secret": CANARY},
    "google_workspace": {"customSchemas": {"vpn": {"preSharedKey": CANARY}}, "primaryEmail": "kept@example.com"},
    "ldap": {"userPassword": [CANARY], "sambaNTPassword": CANARY, "pwdLastSet": "2026-01-01T00:00:00Z", "cn": "kept"},
}  # fmt: skip


@pytest.mark.parametrize("provider", DOCUMENTS)
def test_case_sec_4_no_canary_is_stored_and_names_are(provider):
    item = {"id": "1", "labels": {"token": CANARY, "team": "kept"}, **DOCUMENTS[provider]}
    found = Shape().resource(ResourceKind("thing", "compute", "{id}", tags="labels"), item, {})
    text = json.dumps([found.attributes, found.tags])

    assert CANARY not in text
    assert text.count(REDACTED) == json.dumps(item).count(CANARY)
    for kept in ("kept", "shop-secret", "regcred", "kept-key", "kept-id", "2026-01-01"):
        assert (kept in text) == (kept in json.dumps(item)), kept
