"""A stored secret goes only where it was given for: with another server, tenant or role it has to be given again."""

from __future__ import annotations

import msgspec
import pytest

from providers import registry, schema
from providers.schema import REDACTED, Secret

CA = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
KUBERNETES = {"server": "https://cluster.example:6443", "token": "s3cret-canary", "cluster_name": "prod"}
AZURE = {
    "tenant_id": "11111111-1111-1111-1111-111111111111",
    "client_id": "22222222-2222-2222-2222-222222222222",
    "client_secret": "s3cret-canary",
}
AWS = {
    "access_key_id": "AKIAXXXXXXXXXXXXXXXX",
    "secret_access_key": "s3cret-canary",
    "role_arn": "arn:aws:iam::123456789012:role/reader",
    "external_id": "s3cret-canary-2",
}
MOVES = [
    ("kubernetes", KUBERNETES, {"server": "https://evil.example:6443"}, "token", "server"),
    ("kubernetes", KUBERNETES, {"server": "https://cluster.example:6444"}, "token", "server"),
    ("kubernetes", KUBERNETES, {"ca_certificate": CA}, "token", "ca_certificate"),
    ("kubernetes", {**KUBERNETES, "ca_certificate": CA}, {"ca_certificate": None}, "token", "ca_certificate"),
    ("kubernetes", KUBERNETES, {"server": "https://evil.example:6443", "token": REDACTED}, "token", "server"),
    ("azure", AZURE, {"tenant_id": "33333333-3333-3333-3333-333333333333"}, "client_secret", "tenant_id"),
    ("azure", AZURE, {"client_id": "33333333-3333-3333-3333-333333333333"}, "client_secret", "client_id"),
    ("aws", AWS, {"role_arn": "arn:aws:iam::999999999999:role/reader"}, "external_id", "role_arn"),
    ("aws", AWS, {"role_chain": ["arn:aws:iam::999999999999:role/x"]}, "external_id", "role_chain"),
]


@pytest.mark.parametrize("method", ["patch", "put"])
@pytest.mark.parametrize(
    ("provider", "config", "change", "secret", "key"), MOVES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_case_sec_5_a_secret_does_not_go_elsewhere(elder, sql, method, provider, config, change, secret, key):
    made = elder.job(provider=provider, config=config)
    before = sql.execute("select config from discovery_jobs").fetchone()

    answer = getattr(elder, method)(f"discovery/jobs/{made['id']}", {"config": change}, 400)

    sentence = f"`{secret}` was given for the `{key}` that is stored: give it again with the new `{key}`, or null to remove it"
    assert answer["details"] == [sentence]
    assert sql.execute("select config from discovery_jobs").fetchone() == before


@pytest.mark.parametrize(
    ("provider", "config", "change", "secret", "key"), MOVES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_given_again_it_goes_there(elder, sql, provider, config, change, secret, key):
    made = elder.job(provider=provider, config=config)

    changed = elder.patch(f"discovery/jobs/{made['id']}", {"config": {**change, secret: "s3cret-new"}})

    assert changed["config"].get(key) == change[key]


def test_what_does_not_say_where_it_goes_may_change(elder):
    made = elder.job(provider="kubernetes", config=KUBERNETES)
    changed = elder.patch(
        f"discovery/jobs/{made['id']}", {"config": {"cluster_name": "other", "namespaces": ["shop"], "server": KUBERNETES["server"]}}
    )
    assert changed["config"]["cluster_name"] == "other"
    aws = elder.job(config=AWS)
    elder.patch(f"discovery/jobs/{aws['id']}", {"config": {"regions": ["eu-west-1"], "secret_access_key": REDACTED}})


def test_a_job_is_put_back_as_it_was_shown(elder):
    made = elder.job(provider="kubernetes", config=KUBERNETES)
    shown = elder.get(f"discovery/jobs/{made['id']}")
    assert elder.put(f"discovery/jobs/{made['id']}", {"config": shown["config"]})["config"] == shown["config"]


class Foreign(msgspec.Struct, frozen=True):
    """The config of a third party that says nothing about where its secret goes."""

    door: str
    api_key: Secret
    base_url: str = "https://a.example"
    verify_ssl: bool = True
    tenant: str = ""
    colour: str = ""
    hosts: tuple[str, ...] = ()


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"base_url": "https://b.example"}, "base_url"),
        ({"verify_ssl": False}, "verify_ssl"),
        ({"tenant": "x"}, "tenant"),
        ({"hosts": ["a"]}, "hosts"),
        ({"colour": "red"}, None),
        ({"door": "red"}, None),
        ({"base_url": "https://a.example", "hosts": [], "verify_ssl": True}, None),
    ],
)
def test_case_sec_5_of_a_third_party_the_names_of_keys_say_where_a_secret_goes(change, key):
    before = {"door": "x", "api_key": "sealed"}
    moved = list(schema.moved_secrets(Foreign, before, {**before, **change}, {"api_key"}))
    assert moved == ([("api_key", key)] if key else [])


def test_every_secret_of_every_built_in_provider_says_where_it_goes():
    """A new secret without a declaration is held back by names alone; built-in ones say it."""
    for name in registry.BUILT_IN:
        provider = registry.get(name)
        if provider.discovery:
            for field in msgspec.structs.fields(provider.config):
                if schema.is_secret(field.type):
                    assert schema.mark(field.type, "given_for") is not None, f"{name}.{field.name}"
