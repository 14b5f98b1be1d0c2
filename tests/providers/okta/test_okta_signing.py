"""The credentials of an Okta connector: either a service app or a token, and every form in which Okta gives a private key out."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from joserfc import jws, jwt
from joserfc.jwk import ECKey, RSAKey
from okta_organization import opened
from peers.okta_service_app import CLIENT, KID, key_of

from providers import registry
from providers.errors import ConfigError
from providers.okta import signing
from providers.schema import moved_secrets, parse, secret_names
from providers.testing import connector_of

PEM, PKCS1, PKCS8 = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.PrivateFormat.PKCS8
OPEN = serialization.NoEncryption()
OKTA = registry.get("okta")


EC_PARAMETERS = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
"""The block that `openssl ecparam -genkey` writes before the key."""
ALGORITHMS = {"": "RS256", "P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
"""Curve of a key -> its algorithm; an RSA key has none."""


def private(curve=""):
    return key_of(KID, curve).private_key


def pem(form=PKCS8, key=None, encryption=OPEN) -> str:
    return (key or private()).private_bytes(PEM, form, encryption).decode()


def jwk(number=KID, curve="", **changes) -> str:
    found = {**key_of(number, curve).as_dict(private=True), **changes}
    return json.dumps({name: value for name, value in found.items() if value is not None})


def point(kid, curve) -> dict[str, str]:
    found = key_of(kid, curve).as_dict(private=False)
    return {name: found[name] for name in ("x", "y")}


FORMS = {
    "pkcs8": pem,
    "pkcs1": lambda: pem(PKCS1),
    "one line": lambda: pem().replace("\n", "\\n"),
    "blanks": lambda: "\n  " + pem().replace("\n", "\r\n  "),
    "jwk": jwk,
    "jwk without primes": lambda: jwk(p=None, q=None, dp=None, dq=None, qi=None),
    "jwk with lines": lambda: json.dumps(json.loads(jwk()), indent=2),
}
"""A private key as it comes from Okta, openssl or an environment file."""


@pytest.mark.parametrize("form", FORMS)
def test_a_key_signs_in_each_form_for_others_to_verify(form):
    token = signing.read_key(FORMS[form](), "k1").signed({"iss": CLIENT}, {"typ": "JWT"})
    assert jwt.decode(token, key_of(KID), algorithms=["RS256"]).claims == {"iss": CLIENT}
    assert jws.extract_compact(token.encode()).headers() == {"alg": "RS256", "kid": "k1", "typ": "JWT"}


ELLIPTIC_FORMS = {
    "pkcs8": lambda curve: pem(key=private(curve)),
    "sec1": lambda curve: pem(PKCS1, key=private(curve)),
    "after its parameters": lambda curve: EC_PARAMETERS + pem(PKCS1, key=private(curve)),
    "jwk": lambda curve: jwk(KID, curve),
    "jwk of another algorithm": lambda curve: jwk(KID, curve, alg="RS256"),
}


@pytest.mark.parametrize("curve", ["P-256", "P-384", "P-521"])
@pytest.mark.parametrize("form", ELLIPTIC_FORMS)
def test_an_elliptic_key_signs_by_the_algorithm_of_its_curve(form, curve):
    key, public = signing.read_key(ELLIPTIC_FORMS[form](curve), "k1"), ECKey.import_key(key_of(KID, curve).as_dict(private=False))
    for count in range(50):  # numbers of a signature that are shorter than the curve's are filled up
        token = key.signed({"count": count}, {"typ": "JWT"})
        assert jwt.decode(token, public, algorithms=[ALGORITHMS[curve]]).claims == {"count": count}
    assert jws.extract_compact(token.encode()).headers() == {"alg": ALGORITHMS[curve], "kid": "k1", "typ": "JWT"}


@pytest.mark.parametrize(
    ("text", "number", "kid"),
    [(jwk, "", KID), (jwk, "k1", "k1"), (pem, "", None), (lambda: jwk(kid=None), "", None)],
    ids=["of the JWK", "of the setting", "none in a PEM", "none in the JWK"],
)
def test_the_id_of_the_key_is_that_of_the_setting_else_that_of_the_jwk(text, number, kid):
    assert jws.extract_compact(signing.read_key(text(), number).signed({}, {}).encode()).headers().get("kid") == kid


def test_the_public_part_of_a_key_has_nothing_private():
    made = signing.SigningKey.generated()
    assert made.public.keys() == {"kty", "n", "e"}
    assert jwt.decode(made.signed({"a": 1}, {}), RSAKey.import_key(made.public), algorithms=["RS256"]).claims == {"a": 1}


BAD = {
    "a word": (lambda: "canary-no-key", "neither a PEM .* nor a JWK"),
    "a path": (lambda: "/run/secrets/canary.pem", "neither a PEM"),
    "cut": (lambda: pem()[:400], "damaged or incomplete"),
    "cut in its last line": (lambda: pem()[:-40], "damaged or incomplete"),
    "not base64": (lambda: pem().replace("MII", "M*I"), "damaged or incomplete"),
    "encrypted": (lambda: pem(encryption=serialization.BestAvailableEncryption(b"canary")), "without a password"),
    "encrypted, as openssl did": (lambda: pem(PKCS1, encryption=serialization.BestAvailableEncryption(b"canary")), "without a password"),
    "another curve": (
        lambda: pem(key=ec.generate_private_key(ec.SECP256K1())),
        "the curve secp256k1: Okta takes RSA keys, and .* P-256, P-384",
    ),
    "Edwards": (lambda: pem(key=ed25519.Ed25519PrivateKey.generate()), "neither an RSA key nor an elliptic key of a NIST curve"),
    "parameters alone": (lambda: EC_PARAMETERS, "a public key or a certificate"),
    "short": (lambda: pem(key=rsa.generate_private_key(65537, 1024)), "1024 bits"),
    "public": (
        lambda: private().public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode(),
        "a public key or a certificate",
    ),
    "no JSON": (lambda: jwk()[:-5], "is not JSON"),
    "a deep JWK": (lambda: '{"kty":' * 100_000, "is not JSON"),
    "a set": (lambda: json.dumps({"keys": [json.loads(jwk())]}), "not a JWK of an RSA key"),
    "symmetric JWK": (lambda: jwk(kty="oct"), "not a JWK of an RSA key .* or of an elliptic key"),
    "Edwards JWK": (lambda: jwk(kty="OKP", crv="Ed25519"), "not a JWK of an RSA key .* or of an elliptic key"),
    "JWK of no curve": (lambda: jwk(kty="EC"), "of another curve"),
    "JWK of another curve": (lambda: jwk(KID, "P-256", crv="secp256k1"), "of another curve"),
    "JWK of a list of curves": (lambda: jwk(KID, "P-256", crv=["P-256"]), "of another curve"),
    "public elliptic JWK": (lambda: jwk(KID, "P-256", d=None), "the public part of a JWK"),
    "elliptic JWK without y": (lambda: jwk(KID, "P-384", y=None), "damaged or incomplete"),
    "elliptic JWK of another point": (lambda: jwk(KID, "P-256", **point("another", "P-256")), "damaged or incomplete"),
    "elliptic JWK of zeros": (lambda: jwk(KID, "P-256", x="AA", y="AA", d="AA"), "damaged or incomplete"),
    "elliptic JWK of a wrong curve": (lambda: jwk(KID, "P-256", crv="P-521"), "damaged or incomplete"),
    "public JWK": (lambda: jwk(d=None), "the public part of a JWK"),
    "JWK without modulus": (lambda: jwk(n=None), "damaged or incomplete"),
    "JWK of another modulus": (lambda: jwk(n=key_of("another").as_dict()["n"]), "damaged or incomplete"),
    "JWK of zeros": (lambda: jwk(n="AA", e="AA", d="AA"), "damaged or incomplete|bits"),
    "JWK of numbers": (lambda: jwk(d=5), "damaged or incomplete"),
    "JWK that is endless": (lambda: jwk(n="A" + "_" * 100_000), "damaged or incomplete"),
}
"""Texts that are not a usable key, by what is wrong with them, each with the complaint about it."""


@pytest.mark.parametrize("fault", BAD)
def test_a_key_that_cannot_be_used_is_a_complaint_that_quotes_none_of_it(fault):
    text, complaint = BAD[fault]
    given = text()
    with pytest.raises(ConfigError, match=complaint) as caught:
        parse(OKTA.config, {"domain": "example.okta.com", "client_id": CLIENT, "private_key": given})
    assert caught.value.__cause__ is None
    said = f"{caught.value} {caught.value.detail}"
    assert "canary" not in said
    assert not [part for start in range(0, len(given) - 12, 7) if (part := given[start : start + 12]) in said and "PRIVATE KEY" not in part]


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({}, "no credentials: give `client_id` and `private_key` of a service app, or `api_token`"),
        ({"api_token": "t", "client_id": "c"}, "`api_token` and `client_id` are given"),
        ({"api_token": "t", "client_id": "c", "private_key": "k"}, "`api_token` and `client_id` and `private_key` are given"),
        ({"api_token": "t", "key_id": "k"}, "`api_token` and `key_id` are given"),
        ({"client_id": "c"}, "go together; only `client_id` given"),
        ({"private_key": "k"}, "go together; only `private_key` given"),
        ({"key_id": "k"}, "go together; only `key_id` given"),
        ({"client_id": "0oa 1", "private_key": "k"}, "must not contain blanks"),
    ],
    ids=str,
)
def test_a_service_app_or_a_token_and_not_both(given, complaint):
    with pytest.raises(ConfigError) as caught:
        parse(OKTA.config, {"domain": "example.okta.com", **given})
    assert complaint in str(caught.value)


def test_a_secret_is_to_be_given_again_when_it_would_go_elsewhere():
    assert secret_names(OKTA.config) == {"api_token", "private_key"}
    before = {"domain": "example.okta.com", "client_id": "a", "key_id": "1"}
    kept = ("api_token", "private_key")
    changes = {name: list(moved_secrets(OKTA.config, before, {**before, name: "other"}, kept)) for name in before}
    assert changes == {
        "domain": [("private_key", "domain"), ("api_token", "domain")],
        "client_id": [("private_key", "client_id")],
        "key_id": [],
    }


def test_the_connector_is_configured_by_its_variables():
    given = connector_of(OKTA, {"OKTA_DOMAIN": "example.okta.com", "OKTA_CLIENT_ID": CLIENT, "OKTA_PRIVATE_KEY": jwk()})
    with opened(given) as source:
        assert source._organization.name == "Okta: example.okta.com"


def test_the_policy_has_the_scopes_of_every_type():
    needed = {permission for kind in OKTA.resource_types() for permission in kind.permissions}
    assert set(OKTA.policy()["scopes"]) == needed
    assert all(scope.endswith(".read") for scope in needed)
