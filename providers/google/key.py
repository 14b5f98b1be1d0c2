"""Google's credential files: which kinds are taken from a job, which from the operator, and what is wrong with one. Loads no SDK.

A job may bring a service account's key and nothing else. The other kinds name addresses to fetch tokens from, or programs to run
(`external_account`), and a job's config comes from whoever may call the API.

An operator's file may also be `authorized_user` (``gcloud auth application-default login``: a refresh token, for Google alone) and
`external_account` (workload identity federation: no key at all) that reads its token from a file, an address or AWS: they are the
operator's own. One that runs a program is refused from anybody: what it starts would hold the job's secrets and be no part of us.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec

from providers import secrecy
from providers.errors import ConfigError

SERVICE_ACCOUNT = "service_account"
OPERATOR_TYPES = (SERVICE_ACCOUNT, "authorized_user", "external_account")
UNIVERSE = "googleapis.com"
PLACEHOLDER = "..."
"""Instead of a private key, as in the quick start's example: such a job can be made, and says what it lacks when it runs."""

Key = Annotated[
    dict[str, Any],
    msgspec.Meta(
        extra={
            "secret": True,
            "given_for": (),
            "public": (
                *("type", "project_id", "client_email", "client_id", "auth_uri", "token_uri", "universe_domain"),
                *("auth_provider_x509_cert_url", "client_x509_cert_url"),
            ),
        }
    ),
]
"""A config's field that holds one. Its names are in what we say of Google, and must stay readable there."""

_SECRET = ("private_key", "private_key_id", "client_secret", "refresh_token")
_NEEDED = {
    SERVICE_ACCOUNT: ("client_email", "private_key"),
    "authorized_user": ("client_id", "client_secret", "refresh_token"),
    "external_account": ("audience", "subject_token_type", "token_url", "credential_source"),
}


def check_job(key: Mapping[str, Any], at: str = "credentials") -> None:
    """A key that a job brings, found in its config under `at`. Raises `ConfigError` with every complaint."""
    _check(key, at, (SERVICE_ACCOUNT,))


def read_job(path: str, at: str) -> dict[str, Any]:
    """A key from a file that a job's config names (the door has let it through). Raises `ConfigError`."""
    return _read(path, at, (SERVICE_ACCOUNT,))


def read_operator(path: str, variable: str, types: tuple[str, ...] = OPERATOR_TYPES) -> dict[str, Any]:
    """The file that the operator's `variable` names. Raises `ConfigError`."""
    return _read(path, variable, types)


def token_file(path: str) -> str | None:
    """Returns the file from which the operator's credential file at `path` reads its token, or None; `read_operator` reports errors."""
    try:
        source = read_operator(path, "")["credential_source"]
    except (ConfigError, KeyError):
        return None
    found = source.get("file")
    return found if isinstance(found, str) and found else None


def _read(path: str, at: str, types: tuple[str, ...]) -> dict[str, Any]:
    try:
        found = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise ConfigError(f"{at}: {path} cannot be read: {error.strerror}") from None
    except ValueError:  # its words could quote the file
        raise ConfigError(f"{at}: {path} is not JSON: download the key anew, as JSON and not as P12") from None
    if not isinstance(found, dict):
        raise ConfigError(f"{at}: {path} holds a JSON {type(found).__name__}, not the object of a credential file")
    _check(found, f"{at} ({path}): ", types)
    secrecy.register_secret(*(found.get(name) for name in _SECRET))
    return found


Field = Callable[[str], str]
"""The name of a field as a complaint shows it, with its path."""


def _check(key: Mapping[str, Any], at: str, types: tuple[str, ...]) -> None:
    def field(name: str) -> str:
        return f"{at}`{name}`" if at.endswith(" ") else f"`{at}.{name}`"

    kind = key.get("type")
    if kind not in types:
        shown = f"is '{kind}'" if isinstance(kind, str) and kind.replace("_", "").isalnum() else "is missing or no text"
        raise ConfigError(f"{field('type')} {shown}; taken here: {', '.join(types)}")
    complaints = [f"{field(name)} is missing" for name in _NEEDED[str(kind)] if not key.get(name)]
    if kind == SERVICE_ACCOUNT:
        complaints += _of_service_account(key, field)
    elif kind == "external_account":
        complaints += _of_federation(key, field)
    if key.get("universe_domain", UNIVERSE) != UNIVERSE:
        complaints.append(f"{field('universe_domain')} must be {UNIVERSE}: another cloud is the operator's to name (GOOGLE_ENDPOINT_URL)")
    if complaints:
        raise ConfigError(complaints=tuple(complaints))


def _of_service_account(key: Mapping[str, Any], field: Field) -> list[str]:
    found, email, pem = [], key.get("client_email"), key.get("private_key")
    if email and (not isinstance(email, str) or "@" not in email):
        found.append(f"{field('client_email')} is not an e-mail address")
    if pem == PLACEHOLDER:
        return found
    if pem and (not isinstance(pem, str) or not pem.lstrip().startswith("-----BEGIN ")):
        found.append(f"{field('private_key')} is not a PEM key: it begins with -----BEGIN PRIVATE KEY-----")
    elif pem and "\\n" in pem:
        found.append(f"{field('private_key')} holds \\n as two characters where lines end: it was escaped once too often")
    return found


def _of_federation(key: Mapping[str, Any], field: Field) -> list[str]:
    source = key.get("credential_source")
    if not isinstance(source, dict):
        return [f"{field('credential_source')} is not an object"]
    if "executable" in source:
        return [f"{field('credential_source.executable')} is refused: no program is run for credentials"]
    if not {"file", "url", "environment_id"} & set(source):
        return [f"{field('credential_source')} names no file, url or environment_id"]
    impersonated = "service_account_impersonation_url"
    return [] if isinstance(key.get(impersonated, ""), str) else [f"{field(impersonated)} must be text"]
