"""Exceptions of botocore without an answer of AWS: each has one of our errors, and none of them is a crash."""

from __future__ import annotations

import string

import pytest
from botocore import exceptions as aws

from providers.aws.failure import translate
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

EXPECTED: dict[type[ProviderError], tuple[str, ...]] = {
    CredentialsError: (
        "CredentialRetrievalError", "LoginAuthorizationCodeError", "LoginError", "LoginInsufficientPermissions", "LoginRefreshRequired",
        "LoginTokenLoadError", "MetadataRetrievalError", "NoAuthTokenError", "NoCredentialsError", "PartialCredentialsError",
        "RefreshWithMFAUnsupportedError", "SSOError", "SSOTokenLoadError", "TokenRetrievalError", "UnauthorizedSSOTokenError",
        "UnknownCredentialError", "UnknownTokenProviderError",
    ),
    TimedOut: (
        "ConnectTimeoutError", "ConnectionClosedError", "ConnectionError", "EndpointConnectionError", "HTTPClientError",
        "IncompleteReadError", "ProxyConnectionError", "ReadTimeoutError", "ResponseStreamingError",
    ),
    Throttled: ("CapacityNotAvailableError",),
    Unsupported: ("EndpointVariantError", "ServiceNotInRegionError", "UnknownEndpointError", "UnknownFIPSEndpointError"),
    ConfigError: (
        "ConfigNotFound", "ConfigParseError", "InfiniteLoopConfigError", "InvalidChecksumConfigError", "InvalidConfigError",
        "InvalidDefaultsMode", "InvalidEndpointConfigurationError", "InvalidEndpointDiscoveryConfigurationError",
        "InvalidIMDSEndpointError", "InvalidIMDSEndpointModeError", "InvalidMaxRetryAttemptsError", "InvalidProxiesConfigError",
        "InvalidRegionError", "InvalidRetryConfigurationError", "InvalidRetryModeError", "InvalidS3AddressingStyleError",
        "InvalidS3UsEast1RegionalEndpointConfigError", "InvalidSTSRegionalEndpointsConfigError", "MissingDependencyException",
        "NoRegionError", "ProfileNotFound", "UnknownRegionError",
    ),
    BadAnswer: ("AwsChunkedWrapperError", "ChecksumError", "FlexibleChecksumError", "PaginationError", "SSLError"),
}  # fmt: skip
"""The error of each exception, by name, as older releases of botocore lack some. One that is not here is the trouble of one call."""

BY_NAME = {name: kind for kind, names in EXPECTED.items() for name in names}


def subclasses(kind: type) -> list[type]:
    return [kind, *(found for one in kind.__subclasses__() for found in subclasses(one))]


ALL = sorted({one for one in subclasses(aws.BotoCoreError) if one.__module__ == aws.__name__}, key=lambda one: one.__name__)


def made(kind: type, **words: str) -> Exception:
    """An exception with all that its sentence needs."""
    named = {name: "x" for _, name, _, _ in string.Formatter().parse(getattr(kind, "fmt", "")) if name}
    if kind is aws.WaiterError:
        return kind("x", "x", {})
    return kind(**{**named, **words})


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_each_exception_of_botocore_has_its_error(kind):
    ours = translate(made(kind), "ec2:DescribeVpcs", "us-east-1 of account 1")
    assert type(ours) is BY_NAME.get(kind.__name__, ScopeError)
    assert not any(hole in str(ours) for hole in "{}")


def test_the_exceptions_of_the_table_are_botocores():
    """Some of them are younger than the oldest release that the worker takes."""
    assert len(BY_NAME) == sum(map(len, EXPECTED.values()))
    assert {name for name in BY_NAME if not hasattr(aws, name)} <= {name for name in BY_NAME if "Login" in name or "Checksum" in name}
    assert len(ALL) > len(BY_NAME)


@pytest.mark.parametrize(
    ("provider", "words", "kind", "told"),
    [
        (
            "iam-role",
            "Credential refresh failed, response did not contain: access_key, secret_key, token, expiry_time",
            NoCredentialsYet,
            "the metadata service of this machine gives no AWS credentials .*attach a role to the machine",
        ),
        (
            "container-role",
            'Error retrieving metadata: Received error when attempting to retrieve container metadata: Connect timeout on endpoint URL: "x"',
            NoCredentialsYet,
            "the credential service of this container gives no AWS credentials .*is a role attached to the task",
        ),
        (
            "container-role",
            "Error retrieving metadata: Received non 200 response 503 from container metadata: busy",
            NoCredentialsYet,
            "response 503",
        ),
        (
            "container-role",
            "Error retrieving metadata: Received non 200 response 403 from container metadata: no association",
            CredentialsError,
            "response 403.*is a role attached",
        ),
        (
            "assume-role-with-web-identity",
            "[Errno 2] No such file or directory: '/var/run/token'",
            CredentialsError,
            "the worker's web identity gives no AWS credentials .*'/var/run/token'.*check AWS_WEB_IDENTITY_TOKEN_FILE",
        ),
        (
            "assume-role",
            "Credentials were refreshed, but the refreshed credentials are still expired.",
            CredentialsError,
            r"AWS STS gives AWS credentials that have expired already: set the clock of this machine \(NTP\)",
        ),
        ("custom-process", "x", CredentialsError, "this machine gives no AWS credentials.*give access_key_id"),
    ],
)
def test_credentials_that_are_not_to_be_had_are_told_by_where_they_come_from(provider, words, kind, told):
    """`provider` and `words` are botocore's own, from `botocore.credentials` and `botocore.utils`."""
    ours = translate(aws.CredentialRetrievalError(provider=provider, error_msg=words), "ec2:DescribeVpcs", "us-east-1")
    assert type(ours) is kind
    assert ours.error_kind == ("source" if kind is NoCredentialsYet else "credentials")
    with pytest.raises(CredentialsError, match=told):
        raise ours
