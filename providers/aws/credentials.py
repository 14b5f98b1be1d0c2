"""Credentials: a job's keys, or those that the operator gave the worker, and the roles assumed from there.

Nothing is looked up in a home folder or a profile, so nothing can name a program to run (`credential_process`).
"""

from __future__ import annotations

import configparser
import contextlib
import copy
import json
import pathlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import structlog
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    AssumeRoleWithWebIdentityCredentialFetcher,
    ContainerProvider,
    Credentials,
    DeferredRefreshableCredentials,
    InstanceMetadataProvider,
)
from botocore.exceptions import CredentialRetrievalError
from botocore.utils import FileWebIdentityTokenLoader, InstanceMetadataFetcher

from providers import secrecy
from providers.aws.config import AwsConfig, AwsOperator
from providers.aws.failure import RAISED, is_unanswered, translate
from providers.aws.sdk_faults import NotAnswered
from providers.errors import ConfigError, CredentialsError, TimedOut
from providers.variables import environment

ClientMaker = Callable[..., Any]
SESSION_NAME = "elder-worker"

_CALLS = {"assume-role-with-web-identity": "AssumeRoleWithWebIdentity"}
"""Calls of AWS STS, by botocore's name of the source of credentials; of any other, it is AssumeRole."""

_KEYS = ("access_key_id", "secret_access_key", "session_token")


MANDATORY = 600
"""Seconds before their end from which on botocore gives out no keys without renewing them."""


SPARE = 60
"""Seconds before their end from which on keys are used no more: a call that is signed with them takes its time."""

LATER = 30.0
"""Seconds after a renewal that failed until the next one, while the old keys are good."""

_log = structlog.get_logger("providers.aws")


class Renewed:
    """Credentials that botocore renews. Each failure to do so is a `CredentialRetrievalError`, with the way of the renewal.

    A refusal by AWS stays a `ClientError`. Safe to use from several threads: those that wait for a renewal share its failure.
    """

    def __init__(self, credentials: Any) -> None:
        self._credentials, self._lock = credentials, threading.Lock()
        self._failures: tuple[int, Exception | None] = (0, None)
        self._not_before = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._credentials, name)

    def get_frozen_credentials(self) -> Any:
        """The keys to sign a request with, renewed when they are about to expire. Raises `BotoCoreError`, `ClientError`.

        A renewal without an answer costs nothing while the old keys are good: these go on, and it is tried again later.
        """
        if not self._credentials.refresh_needed(MANDATORY):
            return self._ahead_of_time()
        before, _ = self._failures
        with self._lock:
            count, failure = self._failures
            if failure and count != before:  # asked anew by each thread, a silent service would take each thread's time-out
                raise copy.copy(failure)  # one that is raised in several threads gathers all their tracebacks
            if time.monotonic() < self._not_before and (kept := self._kept()):
                return kept
            return self._renewed(count)

    def _renewed(self, count: int) -> Any:
        try:
            return self._frozen()
        except RAISED as error:
            kept = self._kept() if isinstance(error, CredentialRetrievalError) else None  # and not when AWS has refused
            if kept is None:
                self._failures = count + 1, error
                raise
            self._not_before = time.monotonic() + LATER
            _log.warning(f"the old AWS credentials are used until shortly before their end, as there are no new ones: {error}")
            return kept

    def _kept(self) -> Any:
        """The present keys; None when they are about to end, or when there are none yet."""
        return None if self._credentials.refresh_needed(SPARE) else self._credentials._frozen_credentials  # noqa: SLF001

    def _ahead_of_time(self) -> Any:
        """The keys, which are good for a while yet: a renewal that fails is tried again with the next call."""
        try:
            return self._frozen()
        except CredentialRetrievalError:  # botocore keeps the keys after an error, but not after an empty answer of a metadata service
            return self._credentials._frozen_credentials  # noqa: SLF001 - the only way to them

    def _frozen(self) -> Any:
        with _retrieved(self._credentials.method):
            return self._credentials.get_frozen_credentials()

    def get_deferred_property(self, name: str) -> Callable[[], Any]:
        """A function that gives one of the keys, or the account, when a request is made."""
        return lambda: getattr(self.get_frozen_credentials(), name, None)


@contextlib.contextmanager
def _retrieved(method: str) -> Iterator[None]:
    """Turns what botocore lets through into its own error: no file with a token, an answer without keys, keys that have expired.

    Where AWS STS was to give the keys and does not answer, or something else does, that is a failure of the credentials too, and not of the
    call that they were to sign.
    """
    try:
        yield
    except CredentialRetrievalError:
        raise
    except TimedOut as error:  # the region of STS is silent as a whole
        raise NotAnswered(provider=method, error_msg=str(error)) from error
    except RAISED as error:
        if is_unanswered(error):
            words = str(translate(error, f"sts:{_CALLS.get(method, 'AssumeRole')}"))
            raise NotAnswered(provider=method, error_msg=words) from error
        raise
    except (LookupError, OSError, RuntimeError, TypeError, ValueError) as error:
        words = str(error) if isinstance(error, OSError | RuntimeError) else f"{type(error).__name__}: {error}"
        raise CredentialRetrievalError(provider=method, error_msg=words) from error


def base(config: AwsConfig, operator: AwsOperator, make_client: ClientMaker) -> Credentials | Renewed:
    """The identity before any role of the config is assumed. Raises `CredentialsError` when there is none."""
    if config.access_key_id:
        return Credentials(config.access_key_id, config.secret_access_key, config.session_token or None, method="config")
    found = _own(operator, make_client)
    if found is None:
        raise CredentialsError(
            "there are no AWS credentials: give access_key_id and secret_access_key, or the worker a role or AWS_CREDENTIALS_FILE"
        )
    return found


def assumed(source: Any, role: str, external_id: str | None, make_client: ClientMaker) -> Renewed:
    """The credentials of a role, fetched when first used and renewed before they end."""
    extra = {"RoleSessionName": SESSION_NAME} | ({"ExternalId": external_id} if external_id else {})
    fetcher = AssumeRoleCredentialFetcher(make_client, source, role, extra_args=extra)
    return Renewed(DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role"))


def _own(operator: AwsOperator, make_client: ClientMaker) -> Credentials | Renewed | None:
    """The worker's own identity, in the order of the AWS SDKs."""
    role, token_file = operator.role_arn, operator.web_identity_token_file
    if operator.credentials_file:
        found = from_file(pathlib.Path(operator.credentials_file))
        return assumed(found, role, None, make_client) if role and not token_file else found
    if role and token_file:
        extra = {"RoleSessionName": operator.role_session_name or SESSION_NAME}
        loader = FileWebIdentityTokenLoader(token_file)
        fetcher = AssumeRoleWithWebIdentityCredentialFetcher(make_client, loader, role, extra_args=extra)
        return Renewed(DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role-with-web-identity"))
    return _loaded(ContainerProvider(environ=environment(operator, "AWS_"))) or _of_the_machine(operator)


def _loaded(provider: Any) -> Renewed | None:
    """The credentials that one of botocore's providers has, if any. Raises `CredentialRetrievalError`."""
    with _retrieved(provider.METHOD):
        found = provider.load()
    return Renewed(found) if found else None


def _of_the_machine(operator: AwsOperator) -> Renewed | None:
    if operator.ec2_metadata_disabled:
        return None
    fetcher = InstanceMetadataFetcher(timeout=1, num_attempts=1, env={}, user_agent=SESSION_NAME)
    return _loaded(InstanceMetadataProvider(iam_role_fetcher=fetcher))


def from_file(path: pathlib.Path) -> Credentials:
    """`AWS_CREDENTIALS_FILE`: JSON as a job's config has it or as `aws sts` prints it, or the AWS CLI's own format (profile default)."""
    try:
        text = path.read_text()
    except OSError as error:
        raise ConfigError(f"AWS_CREDENTIALS_FILE: cannot read {path}: {error.strerror}") from None
    values = _json_keys(text) if text.lstrip().startswith("{") else _ini_keys(text)
    if not values.get("access_key_id") or not values.get("secret_access_key"):
        raise ConfigError(f"AWS_CREDENTIALS_FILE: {path} holds no access_key_id and secret_access_key")
    secrecy.register_secret(values["secret_access_key"], values.get("session_token"))
    return Credentials(*(values.get(key) or None for key in _KEYS), method="file")


def _json_keys(text: str) -> dict[str, str]:
    try:
        document = json.loads(text)
    except json.JSONDecodeError:
        return {}
    found = document["Credentials"] if isinstance(document.get("Credentials"), dict) else document
    plain = {key.replace("_", "").removeprefix("aws").lower(): value for key, value in found.items()}
    return {key: plain[key.replace("_", "")] for key in _KEYS if isinstance(plain.get(key.replace("_", "")), str)}


def _ini_keys(text: str) -> dict[str, str]:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error:
        return {}
    section = parser["default"] if parser.has_section("default") else {}
    return {key: section[f"aws_{key}"] for key in _KEYS if f"aws_{key}" in section}
