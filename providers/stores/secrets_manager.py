"""AWS Secrets Manager, asked with the worker's own identity in AWS: the operator's ``AWS_*`` settings, as discovery jobs use them.

Sources: "GetSecretValue" of the AWS Secrets Manager API Reference, "Authentication and access control" of its User Guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from providers import schema
from providers.aws import credentials
from providers.aws.client import Sessions
from providers.aws.config import AwsConfig, AwsOperator
from providers.aws.failure import code_of, message_of, translate
from providers.errors import ConfigError, Denied, ProviderError
from providers.references import AWS_ARN

PERMISSION = "secretsmanager:GetSecretValue"

_OPERATIONS = {
    "secretsmanager": frozenset({"GetSecretValue"}),
    "sts": frozenset({"AssumeRole", "AssumeRoleWithWebIdentity"}),
}
_ATTEMPTS = 3
_KMS = ("DecryptionFailure", "Access to KMS")
"""Words of a refusal by the key with which the secret is encrypted: an error code, and the beginning of AWS's message."""


def open_store(settings: Mapping[str, Any], timeout: float) -> SecretsManager:
    """The store, with the operator's settings of AWS by field."""
    return SecretsManager(schema.parse(AwsOperator, settings), timeout)


class SecretsManager:
    """Secrets of one or more regions, read with one identity."""

    def __init__(self, operator: AwsOperator, timeout: float) -> None:
        """Makes no call yet."""
        self._region = operator.default_region or operator.region
        limits = Config(connect_timeout=timeout, read_timeout=timeout, retries={"mode": "standard", "total_max_attempts": _ATTEMPTS})
        self._operator = operator
        self._sessions = Sessions(operator, self._region or "us-east-1", 1, operations=_OPERATIONS, limits=limits)
        self._clients: dict[str, Any] = {}

    def read(self, where: str) -> str:
        """The text of a secret's current version. Raises `ProviderError`."""
        region = self._region_of(where)
        try:
            answer: dict[str, Any] = self._client(region).get_secret_value(SecretId=where)
        except (ClientError, BotoCoreError) as error:
            raise _failure(error, region) from None
        if not isinstance(answer.get("SecretString"), str):
            raise ConfigError("holds bytes (SecretBinary) and no text: store it as a text")
        text: str = answer["SecretString"]
        return text

    def close(self) -> None:
        """Closes the connections of all clients."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    def _region_of(self, where: str) -> str:
        if found := AWS_ARN.fullmatch(where):
            return found[1]
        if not self._region:
            raise ConfigError("is a name, and the worker does not know in which region: set AWS_DEFAULT_REGION, or give the ARN")
        return self._region

    def _client(self, region: str) -> Any:
        """The client of a region, made once."""
        if region not in self._clients:
            identity = credentials.base(AwsConfig(), self._operator, self._sessions.make)
            self._clients[region] = self._sessions.client(self._sessions.session(identity), "secretsmanager", region)
        return self._clients[region]


def _failure(error: Exception, region: str) -> ProviderError:
    """Our error for a failed call."""
    code, message = code_of(error), message_of(error)
    if code == "ResourceNotFoundException":
        return ConfigError(f"is not there: AWS Secrets Manager has no such secret, or no current version of it, in {region}")
    if code == "InvalidRequestException" and "delet" in message:
        return ConfigError(f"is deleted: in {region} it is marked for deletion, and can be restored in AWS Secrets Manager")
    if code == _KMS[0] or _KMS[1] in message:
        sentence = "cannot be read: its KMS key cannot be used: the worker's identity needs kms:Decrypt for it, and the key must be enabled"
        return Denied(sentence, permission="kms:Decrypt", detail=f"{code}: {message}")
    found = translate(error, PERMISSION, region) or ProviderError(f"AWS failed in a way that is not known ({type(error).__name__})")
    found.args = (f"cannot be read: {found}",)
    return found
