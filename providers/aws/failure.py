"""What botocore raises, as one of our errors with a sentence that says what to do."""

from __future__ import annotations

from botocore import exceptions as aws
from botocore.parsers import ResponseParserError

from providers.errors import BadAnswer, CredentialsError, Denied, ProviderError, Throttled, TimedOut, Unsupported

RAISED = (aws.ClientError, aws.BotoCoreError, ResponseParserError)
"""What a call raises; `translate` makes one of our errors of it."""

_DENIED = {
    "403", "AccessDenied", "AccessDeniedException", "AllAccessDisabled", "AuthorizationError", "AuthorizationErrorException", "Forbidden",
    "NotAuthorized", "NotAuthorizedException", "UnauthorizedOperation", "UnauthorizedException",
}  # fmt: skip
_THROTTLED = {
    "429", "503 Slow Down", "BandwidthLimitExceeded", "EC2ThrottledException", "LimitExceededException", "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException", "RequestLimitExceeded", "RequestThrottled", "RequestThrottledException", "SlowDown",
    "ThrottledException", "Throttling", "ThrottlingException", "TooManyRequestsException", "TransactionInProgressException",
}  # fmt: skip
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
_UNKNOWN_KEY = {
    "AuthFailure", "IncompleteSignature", "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidSignatureException", "InvalidToken",
    "MissingAuthenticationToken", "MissingAuthenticationTokenException", "SignatureDoesNotMatch", "UnrecognizedClientException",
}  # fmt: skip
_UNSUPPORTED = {
    "InvalidAction", "NotSignedUp", "OptInRequired", "SubscriptionRequiredException",
    "UnknownOperationException", "UnsupportedOperation", "UnsupportedOperationException",
}  # fmt: skip
_SLOW = {"RequestTimeout", "RequestTimeoutException"}

_MISSING = "the permission {what} is missing{where}: allow it to this user or role"
_RULES: tuple[tuple[set[str], type[ProviderError], str], ...] = (
    (_EXPIRED, CredentialsError, "the AWS session token has expired{where}: give a new one, or a role that renews itself"),
    (_UNKNOWN_KEY, CredentialsError, "AWS does not accept the credentials{where} ({code}): check the access key and its secret"),
    (_THROTTLED, Throttled, "AWS throttled {what}{where} until patience was at its end: run less often, or ask for a higher quota"),
    (_UNSUPPORTED, Unsupported, "{what} is not available{where} ({code})"),
    (_DENIED, Denied, _MISSING),
    (_SLOW, TimedOut, "AWS gave up on {what}{where}: try again later"),
)

_SILENT = (
    aws.ConnectionClosedError, aws.ConnectionError, aws.HTTPClientError, aws.IncompleteReadError, aws.ReadTimeoutError,
    aws.ResponseStreamingError,
)  # fmt: skip
_NO_IDENTITY = (
    aws.CredentialRetrievalError, aws.MetadataRetrievalError, aws.NoCredentialsError, aws.PartialCredentialsError,
    aws.TokenRetrievalError, aws.UnauthorizedSSOTokenError,
)  # fmt: skip


def code_of(error: Exception) -> str:
    """The error code in AWS's answer, or an empty string."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, aws.ClientError) else ""


def is_throttle(error: Exception) -> bool:
    """Whether AWS asks to slow down."""
    return code_of(error) in _THROTTLED


def is_denied(error: Exception) -> bool:
    """Whether a permission is missing."""
    return code_of(error) in _DENIED


def translate(error: Exception, permission: str = "", place: str = "") -> ProviderError | None:
    """Our error, or None when botocore is not known to raise this. `place` is as in "us-east-1 of account 123"."""
    where = f" in {place}" if place else ""
    if isinstance(error, aws.ClientError):
        return _answered(error, permission, where)
    if isinstance(error, aws.SSLError):
        sentence = f"the TLS certificate of AWS{where} is not trusted: set AWS_CA_BUNDLE if a proxy signs its own"
        return BadAnswer(sentence, detail=str(error))
    if isinstance(error, _NO_IDENTITY):
        sentence = "there are no AWS credentials: give access_key_id and secret_access_key, or the worker a role or AWS_CREDENTIALS_FILE"
        return CredentialsError(sentence, detail=str(error))
    if isinstance(error, _SILENT):
        return TimedOut(f"AWS did not answer {permission or 'a call'}{where} in time, or cut the connection", detail=str(error))
    if isinstance(error, ResponseParserError):
        return BadAnswer(
            f"the answer to {permission or 'a call'}{where} is not what AWS sends: is something in between?", detail=str(error)
        )
    return None


def _answered(error: aws.ClientError, permission: str, where: str) -> ProviderError:
    code, what = code_of(error), permission or f"the call {error.operation_name}"
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    kind, sentence = _rule(code, status)
    sentence = sentence.format(what=what, where=where, code=code or status)
    detail = f"{error.operation_name}: {code}: {error.response.get('Error', {}).get('Message', '')}"
    return Denied(sentence, permission=permission, detail=detail) if kind is Denied else kind(sentence, detail=detail)


def _rule(code: str, status: int) -> tuple[type[ProviderError], str]:
    for codes, kind, sentence in _RULES:
        if code in codes:
            return kind, sentence
    return (Denied, _MISSING) if status == 403 else (BadAnswer, "AWS answered {what}{where} with the error {code}: try again later")
