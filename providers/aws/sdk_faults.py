"""Exceptions of botocore where AWS has not answered a call, as our errors: no credentials, silence, a setting, a call that cannot be made.

`GROUPS` is the table; its rows are tried in order, and what is in none of them is the trouble of the one call.
"""

from __future__ import annotations

import re

import msgspec
from botocore import exceptions as aws

from providers.errors import (
    BadAnswer,
    ConfigError,
    CredentialsError,
    NoCredentialsYet,
    ProviderError,
    ScopeError,
    Throttled,
    TimedOut,
    Unsupported,
)


class NotAnswered(aws.CredentialRetrievalError):  # type: ignore[misc]
    """AWS STS does not answer the worker's request for credentials, or something that is not AWS does."""


class Group(msgspec.Struct, frozen=True):
    """Exceptions that become the same error. In the sentence, `{what}` is the call, `{where}` its place, `{words}` botocore's own words."""

    kinds: tuple[type[Exception], ...]
    error: type[ProviderError]
    sentence: str


def _named(*names: str) -> tuple[type[Exception], ...]:
    """Classes of botocore, without those that its older releases do not have."""
    return tuple(getattr(aws, name) for name in names if hasattr(aws, name))


_GIVE = "give access_key_id and secret_access_key, or the worker a role or AWS_CREDENTIALS_FILE"
GROUPS = (
    Group(
        (aws.NoCredentialsError, aws.PartialCredentialsError), CredentialsError, f"there are no AWS credentials: {_GIVE}",
    ),
    Group(
        _named(
            "LoginError", "MetadataRetrievalError", "NoAuthTokenError", "RefreshWithMFAUnsupportedError", "SSOError",
            "TokenRetrievalError", "UnknownCredentialError", "UnknownTokenProviderError",
        ),
        CredentialsError, f"there are no AWS credentials to be had ({{words}}): {_GIVE}",
    ),
    Group(
        (aws.SSLError,), BadAnswer, "the TLS certificate of AWS{where} is not trusted: set AWS_CA_BUNDLE if a proxy signs its own",
    ),
    Group(
        (aws.ConnectTimeoutError,), TimedOut,
        "no connection to AWS for {what}{where} in time: is there a route, and does a firewall let it through?",
    ),
    Group((aws.ReadTimeoutError,), TimedOut, "AWS took the connection for {what}{where} and did not answer in time: try again later"),
    Group((aws.ProxyConnectionError,), TimedOut, "the proxy did not let {what}{where} through: check HTTPS_PROXY and NO_PROXY"),
    Group(
        (aws.EndpointConnectionError,), TimedOut,
        "AWS cannot be reached for {what}{where} (no address, or the connection is refused): check the network",
    ),
    Group(
        (aws.ConnectionClosedError, aws.IncompleteReadError, aws.ResponseStreamingError), TimedOut,
        "AWS cut the connection in its answer to {what}{where}",
    ),
    Group((aws.ConnectionError, aws.HTTPClientError), TimedOut, "the connection to AWS broke for {what}{where}"),
    Group(
        (aws.CapacityNotAvailableError,), Throttled, "AWS throttled {what}{where} at every try: run less often, or ask for a higher quota",
    ),
    Group(
        (aws.EndpointVariantError, aws.ServiceNotInRegionError, aws.UnknownEndpointError, aws.UnknownFIPSEndpointError), Unsupported,
        "{what} has no endpoint{where} that the AWS SDK knows ({words})",
    ),
    Group(
        _named(
            "ConfigNotFound", "ConfigParseError", "InvalidChecksumConfigError", "InvalidConfigError", "InvalidDefaultsMode",
            "InvalidEndpointConfigurationError", "InvalidEndpointDiscoveryConfigurationError", "InvalidIMDSEndpointError",
            "InvalidIMDSEndpointModeError", "InvalidProxiesConfigError", "InvalidRegionError", "InvalidRetryConfigurationError",
            "InvalidS3AddressingStyleError", "InvalidS3UsEast1RegionalEndpointConfigError", "InvalidSTSRegionalEndpointsConfigError",
            "MissingDependencyException", "NoRegionError", "ProfileNotFound", "UnknownRegionError",
        ),
        ConfigError, "the AWS SDK refuses a setting of the worker or of the job ({words})",
    ),
    Group(
        _named("AwsChunkedWrapperError", "ChecksumError", "FlexibleChecksumError", "PaginationError"), BadAnswer,
        "the answer to {what}{where} is damaged ({words}): is something in between?",
    ),
    Group((aws.BotoCoreError,), ScopeError, "the AWS SDK does not make {what}{where} ({words})"),
)  # fmt: skip

_SOURCES = {
    "container-role": (
        "the credential service of this container",
        "is a role attached to the task (ECS) or to the pod (EKS Pod Identity)?",
    ),
    "iam-role": (
        "the metadata service of this machine",
        "attach a role to the machine, and allow two hops to the service where the worker runs in a container",
    ),
    "assume-role-with-web-identity": ("the worker's web identity", "check AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN"),
    "assume-role": ("AWS STS", "check the role and the identity that assumes it"),
}
"""Sources of credentials, by botocore's name of it: ours, and what to do when there are none."""

SILENCE = (aws.ConnectionError, aws.HTTPClientError)
"""Exceptions of a connection that failed, or that brought no whole answer in time."""

_EXPIRED = "still expired"
_MAY_PASS = re.compile(
    r"timeout|could not connect|connection was closed|non 200 response (429|5\d\d)|did not contain|unable to parse", re.IGNORECASE
)
"""Words of botocore that say that a service of credentials did not answer, or not with credentials."""


def translate(error: aws.BotoCoreError, what: str, where: str) -> ProviderError:
    """Our error. `where` is as in " in us-east-1 of account 123", or empty."""
    words = str(error).strip().partition("\n")[0][:300].rstrip(". ")
    if isinstance(error, aws.CredentialRetrievalError):
        return _not_retrieved(error)
    group = next(group for group in GROUPS if isinstance(error, group.kinds))
    return group.error(group.sentence.format(what=what, where=where, words=words), detail=str(error))


def _not_retrieved(error: aws.CredentialRetrievalError) -> CredentialsError:
    words = str(error.kwargs.get("error_msg", "")).strip().partition("\n")[0][:300].rstrip(". ")
    source, advice = _SOURCES.get(str(error.kwargs.get("provider")), ("this machine", _GIVE))
    if isinstance(error, NotAnswered):
        return NoCredentialsYet(f"{source} has no new AWS credentials, as AWS STS does not give them: {words}", detail=str(error))
    if _EXPIRED in words:
        sentence = (
            f"{source} gives AWS credentials that have expired already: set the clock of this machine (NTP), or see why it has no new ones"
        )
        return CredentialsError(sentence, detail=str(error))
    kind = NoCredentialsYet if _MAY_PASS.search(words) else CredentialsError
    return kind(f"{source} gives no AWS credentials ({words}): {advice}", detail=str(error))
