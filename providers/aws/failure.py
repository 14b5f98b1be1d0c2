"""Translates botocore's exceptions into our errors, with AWS's own reason and with advice that can work.

`RULES` is the table; its rows are tried in order. A test has AWS's documented answer for each of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec
from botocore import exceptions as aws
from botocore.parsers import ResponseParserError

from providers.aws import sdk_faults
from providers.aws.catalogue import IS_MISSING
from providers.errors import BadAnswer, CredentialsError, Denied, ProviderError, Throttled, TimedOut, Unsupported

RAISED = (aws.ClientError, aws.BotoCoreError, ResponseParserError)
"""Exceptions that a call raises; `translate` turns them into provider errors."""

_DENIED = frozenset({
    "403", "AccessDenied", "AccessDeniedException", "AllAccessDisabled", "AuthorizationError", "AuthorizationErrorException", "Forbidden",
    "NotAuthorized", "NotAuthorizedException", "UnauthorizedOperation", "UnauthorizedException",
})  # fmt: skip
_THROTTLED = frozenset({
    "429", "503 Slow Down", "BandwidthLimitExceeded", "EC2ThrottledException", "LimitExceededException", "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException", "RequestLimitExceeded", "RequestThrottled", "RequestThrottledException", "SlowDown",
    "ThrottledException", "Throttling", "ThrottlingException", "TooManyRequestsException", "TransactionInProgressException",
})  # fmt: skip
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"})
_SKEWED = frozenset({"RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"})
_SIGNED = frozenset({"SignatureDoesNotMatch", "InvalidSignatureException"})
_UNKNOWN_KEY = frozenset({
    "AuthFailure", "IncompleteSignature", "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidToken", "MissingAuthenticationToken",
    "MissingAuthenticationTokenException", "UnrecognizedClientException",
}) | _SIGNED  # fmt: skip
_UNSUPPORTED = frozenset({
    "InvalidAction", "NotSignedUp", "OptInRequired", "SubscriptionRequiredException",
    "UnknownOperationException", "UnsupportedOperation", "UnsupportedOperationException",
})  # fmt: skip
_SLOW = frozenset({"IDPCommunicationError", "RequestTimeout", "RequestTimeoutException"})
_BARE_STATUS = frozenset({"401", "403", "404", "405", "407", "500", "502", "503", "504"})
"""Codes that botocore makes of the status of an answer that has none."""
_GONE = ("NotFound", "NoSuch", "DoesNotExist", "NonExistent")

_PATTERN = "with an explicit deny in an? {0}|no {0} allows"


class Rule(msgspec.Struct, frozen=True):
    """A row: the error codes and the words of AWS's message that it is for, the error that it makes, and the sentence.

    In a sentence, `{what}` is the permission or the call, `{where}` the account and region, `{code}` AWS's code, and `{policy}` the
    policy's ARN where the message has one.
    """

    name: str
    error: type[ProviderError]
    sentence: str
    codes: frozenset[str] = frozenset()
    """Empty: every code of a refusal."""
    says: str = ""


_SKEW = "AWS refuses requests{where} because the clock of this worker is wrong ({code}): set it by NTP; AWS allows five to fifteen minutes"
_MISSING = f"the permission {{what}}{IS_MISSING}{{where}}: allow it to this user or role"
RULES = (
    Rule("clock", CredentialsError, _SKEW, _SKEWED),
    Rule("clock of a signature", CredentialsError, _SKEW, _SIGNED, "Signature expired|Signature not yet current"),
    Rule(
        "web identity expired", CredentialsError,
        "the web identity token in AWS_WEB_IDENTITY_TOKEN_FILE has expired{where} ({code}): see why it is not renewed", _EXPIRED,
        "Token expired: current date/time",
    ),
    Rule(
        "web identity", CredentialsError,
        "AWS does not accept the token in AWS_WEB_IDENTITY_TOKEN_FILE{where} ({code}): its issuer must be an identity provider of the "
        "account's IAM, with this audience, and the role must trust it", frozenset({"IDPRejectedClaim", "InvalidIdentityToken"}),
    ),
    Rule(
        "sts region", CredentialsError,
        "AWS STS is not active in this region for the account{where} ({code}): activate it in IAM's account settings, or set another "
        "AWS_DEFAULT_REGION", frozenset({"RegionDisabledException"}),
    ),
    Rule(
        "expired", CredentialsError, "the AWS session token has expired{where}: give a new one, or a role that renews itself", _EXPIRED
    ),
    Rule(
        "secret", CredentialsError,
        "AWS does not accept the signature{where} ({code}): the secret access key does not belong to the access key", _SIGNED,
    ),
    Rule(
        "key", CredentialsError, "AWS does not accept the credentials{where} ({code}): check the access key and its secret", _UNKNOWN_KEY
    ),
    Rule(
        "throttled", Throttled, "AWS throttled {what}{where} at every try: run less often, or ask for a higher quota", _THROTTLED
    ),
    Rule(
        "not signed up", Unsupported, "{what} is not available{where}: the account is not signed up for the service ({code})",
        frozenset({"NotSignedUp", "OptInRequired", "SubscriptionRequiredException"}),
    ),
    Rule("unsupported", Unsupported, "{what} is not available{where} ({code})", _UNSUPPORTED),
    Rule("slow", TimedOut, "AWS gave up on {what}{where}: try again later", _SLOW),
    Rule(
        "service control policy", Denied,
        "a service control policy of the organization denies {what}{where}{policy}: allowing it to this user or role does not help; the "
        "organization's administrator can, or leave the region out (`exclude_regions` in the job's config, AWS_EXCLUDE_REGIONS for the "
        "connector)", says=_PATTERN.format("service control policy"),
    ),
    Rule(
        "resource control policy", Denied,
        "a resource control policy of the organization denies {what}{where}{policy}: its administrator can allow it",
        says=_PATTERN.format("resource control policy"),
    ),
    Rule(
        "session policy", Denied,
        "the session policy with which the role was assumed denies {what}{where}: assume the role without it, or with one that allows it",
        says=_PATTERN.format("session policy"),
    ),
    Rule(
        "permissions boundary", Denied,
        "the permissions boundary of this user or role denies {what}{where}{policy}: allow it there as well as in a policy",
        says=_PATTERN.format("permissions boundary"),
    ),
    Rule(
        "endpoint policy", Denied, "the policy of the VPC endpoint denies {what}{where}{policy}: allow it there",
        says=_PATTERN.format("VPC endpoint policy"),
    ),
    Rule(
        "resource policy", Denied,
        "a policy of the resource itself denies {what}{where}{policy}: take the deny out of it, or leave the resource as it is",
        says="with an explicit deny in a resource-based policy",
    ),
    Rule(
        "explicit deny", Denied,
        "a policy of this user or role denies {what} explicitly{where}{policy}: take the deny out, as no other policy can allow it",
        says="with an explicit deny in an identity-based policy",
    ),
    Rule("missing", Denied, _MISSING, _DENIED),
)  # fmt: skip

_SESSION_CALLS = frozenset({"AssumeRole", "AssumeRoleWithWebIdentity"})
_NO_SESSION = (
    "AWS gives no session of the role, or does not renew it ({code}: {words}): allow sts:{call} to the identity that assumes the role, and "
    "name that identity in the role's trust policy"
)


def code_of(error: Exception) -> str:
    """The error code in AWS's answer, or an empty string."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, aws.ClientError) else ""


def message_of(error: Exception) -> str:
    """The message in AWS's answer, or an empty string."""
    return str(error.response.get("Error", {}).get("Message") or "") if isinstance(error, aws.ClientError) else ""


def is_any_of(error: Exception, answers: Iterable[str]) -> bool:
    """True for an answer with one of these error codes: ``Code``, or ``Code: words`` where its message must have the words as well."""
    pairs = (answer.partition(": ") for answer in answers)
    return any(code == code_of(error) and words in message_of(error) for code, _, words in pairs)


def is_final(error: Exception) -> bool:
    """True for an answer after which the credentials are of no use any more: they have expired, or the role's session is not renewed."""
    return code_of(error) in _EXPIRED or is_denied_session(error)


def is_unanswered(error: Exception) -> bool:
    """True when AWS gave no answer, throttled, failed itself, or something in between answered: it says nothing about the caller."""
    if isinstance(error, aws.ClientError):
        rule, status = rule_of(error), error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return rule is _NOT_AWS or rule.error in (TimedOut, Throttled) or (rule is _OTHER and status >= 500)
    return isinstance(error, (*sdk_faults.SILENCE, ResponseParserError))


def is_denied_session(error: Exception) -> bool:
    """True when a role may not be assumed, at the beginning or when its session is renewed: any call of a role may meet that."""
    return isinstance(error, aws.ClientError) and error.operation_name in _SESSION_CALLS and rule_of(error).error is Denied


def is_gone(error: Exception) -> bool:
    """True when the answer says that the thing asked about is not there."""
    return any(word in code_of(error) for word in _GONE)


def is_denied_by_organization(error: Exception | None) -> bool:
    """True for a refusal by a service control policy."""
    return isinstance(error, aws.ClientError) and rule_of(error).name == "service control policy"


def translate(error: Exception, permission: str = "", where: str = "") -> ProviderError | None:
    """Our error, or None when botocore is not known to raise this. `where` is as in "us-east-1 of account 123"."""
    place, what = f" in {where}" if where else "", permission or getattr(error, "operation_name", "") or "a call"
    if isinstance(error, aws.ClientError) and is_denied_session(error) and permission != f"sts:{error.operation_name}":
        sentence = _NO_SESSION.format(call=error.operation_name, code=code_of(error), words=message_of(error)[:300])
        return CredentialsError(sentence, detail=str(error))
    if isinstance(error, aws.ClientError):
        return _answered(error, permission, place)
    if isinstance(error, aws.BotoCoreError):
        return sdk_faults.translate(error, what, place)
    if isinstance(error, ResponseParserError):
        return BadAnswer(f"the answer to {what}{place} is not what AWS sends: is something in between?", detail=str(error))
    return None


def rule_of(error: aws.ClientError) -> Rule:
    """The row of the table for an answer."""
    code, message = code_of(error), message_of(error)
    if (not code or code in _BARE_STATUS) and not _is_from_aws(error):  # of a page of HTML in place of XML, botocore makes an empty code
        return _NOT_AWS
    is_refusal = code in _DENIED or error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 403
    for rule in RULES:
        if (code in rule.codes or (is_refusal and not rule.codes)) and (not rule.says or re.search(rule.says, message)):
            return rule
    return RULES[-1] if is_refusal else _OTHER


_OTHER = Rule("other", BadAnswer, "AWS answered {what}{where} with the error {code}")
_NOT_AWS = Rule("not AWS", BadAnswer, "{what}{where} was answered {code} by something that is not AWS: is a proxy in between?")
_PLAIN_DENIAL = re.compile("not authorized|access ?denied|forbidden|explicit deny", re.IGNORECASE)
"""Words of a refusal that says no more than that a permission is missing."""


def _is_from_aws(error: aws.ClientError) -> bool:
    """True for an answer with the id that AWS gives each request, or to a call whose answers have no body to hold a code."""
    return bool(error.response.get("ResponseMetadata", {}).get("RequestId")) or str(error.operation_name).startswith("Head")


def _reason(rule: Rule, status: int, message: str) -> str:
    """AWS's own reason at the end of a sentence, where the table's words do not say it."""
    words = message.strip().partition("\n")[0][:300].rstrip(". ")
    if words.startswith("<"):  # an answer of XML or HTML that botocore has not read
        words = ""
    if rule is _OTHER:
        return f": {words or 'without a reason'}" + ("; try again later" if status >= 500 else "")
    return f"; AWS says: {words}" if rule.name == "missing" and words and not _PLAIN_DENIAL.search(words) else ""


def _answered(error: aws.ClientError, permission: str, place: str) -> ProviderError:
    rule, code, message = rule_of(error), code_of(error), message_of(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    arn = re.search(r"policy:? (arn:[\w:/.-]+)", message)
    sentence = rule.sentence.format(
        what=permission or f"the call {error.operation_name}", where=place, code=code or status, policy=f" ({arn[1]})" if arn else ""
    )
    sentence += _reason(rule, status, message)
    detail = f"{error.operation_name}: {code}: {message}"
    return Denied(sentence, permission=permission, detail=detail) if rule.error is Denied else rule.error(sentence, detail=detail)
