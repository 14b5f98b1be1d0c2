"""Failures of google-auth to get a token, as our errors: a refusal, a silence, or an answer of something that is not Google."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import msgspec
from google.auth import exceptions

from providers.errors import BadAnswer, CredentialsError, Denied, ProviderError, TimedOut

RAISED = (exceptions.GoogleAuthError, AttributeError, LookupError, OSError, TypeError, ValueError)
"""Exceptions of google-auth when it asks for a token: its own errors, and those of files and of answers that it does not expect."""

_SILENT = (exceptions.TransportError, exceptions.TimeoutError, exceptions.ResponseError)
_OF_ANSWERS = (exceptions.RefreshError, exceptions.OAuthError)
"""Errors about an answer: without a code of Google's in it, it is somebody else's."""
_PASSING = frozenset({429, *range(500, 600)})
"""Statuses in an answer that say nothing of the credentials."""

_SILENCE = (
    (r"tunnel connection failed: (401|407)", "the proxy wants a user and a password in its address"),
    (r"tunnel connection failed|proxyerror|cannot connect to proxy|unable to connect to proxy", "the proxy does not let it through"),
    (r"nameresolution|failed to resolve|name or service not known", "its name cannot be resolved (DNS)"),
    (r"connection refused", "the connection is refused"),
    (r"connect timeout|connecttimeout", "no connection within the time-out"),
    (r"read timed out|readtimeout", "it takes the connection and stays silent"),
)
"""Words of urllib3 for a request without an answer, and what they mean."""

_NO_KEY = "there is no key; give one, or run where Google's metadata server answers"
_SIGNIN = (
    ("certificate.verify.failed", "the certificate of its token endpoint cannot be verified; set GOOGLE_CA_BUNDLE"),
    ("iat and exp|reasonable timeframe", "the time in the request is wrong; set this machine's clock (NTP)"),
    ("account not found", "the account was deleted or disabled; make a key of another one"),
    ("invalid jwt signature", "the key was deleted, or is another account's; make a new one"),
    ("invalid email or user", "there is no such person in the domain; name an active administrator"),
    ("rapt|reauth", "the organization asks people to sign in again from time to time; use a service account"),
    ("access_denied|account restricted|context.aware", "an access policy of the organization does not let it in from here"),
    ("compute ?metadata|compute engine metadata", _NO_KEY),
    (
        r"file '.*' was not found|subject_token|subject token|trust chain|leaf certificate|workload certificate",
        "its own token is not to be had; see whether the file or the URL in `credential_source` has one",
    ),
    (r"unable to (retrieve|determine) (the )?aws", "AWS gives the worker no credentials for the federation; attach a role to the machine"),
    ("invalid_grant", "the key or the refresh token was revoked or has expired; make a new one"),
)
"""Google's and google-auth's words, and what to do."""

_IMPERSONATED = re.compile("impersonated credentials", re.IGNORECASE)


class _Answer(msgspec.Struct, frozen=True):
    """The refusal in an exception: OAuth's code, or the status of an API, and its words. Empty where there is none."""

    code: str = ""
    text: str = ""
    status: int = 0

    @classmethod
    def of(cls, error: Exception) -> _Answer:
        """The first answer among the exception's arguments, where google-auth puts it as an object or as text."""
        return next((cls._read(one) for one in map(_document, error.args[1:]) if one), cls())

    @classmethod
    def _read(cls, document: dict[str, Any]) -> _Answer:
        error = document.get("error", "")
        if isinstance(error, dict):  # an API's, as that of IAM Service Account Credentials
            status = error.get("code")
            return cls(str(error.get("status", "")), str(error.get("message", "")), status if isinstance(status, int) else 0)
        return cls(str(error), str(document.get("error_description", "")))


def _document(part: Any) -> dict[str, Any]:
    try:
        found = json.loads(part) if isinstance(part, str | bytes) else part
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def of_signin(error: Exception, who: str, scopes: Sequence[str] = (), *, renewed: bool = False) -> ProviderError:
    """The error that google-auth's failure to get a token is, one of `RAISED`. `who` is the account, as people know it.

    `renewed` says that it had a token before: a metadata server that does not answer then is silent, and not missing.
    """
    answer = _Answer.of(error)
    detail = f"{answer.code}: {answer.text}" if answer.code else str(error)
    if answer.code and not _is_passing(error, answer):
        if found := _of_federation(error, answer):
            return CredentialsError(f"Google does not sign in {who}: {found}", detail=detail)
        if answer.code == "unauthorized_client":
            wanted = " ".join(scopes)
            sentence = f"Google Workspace does not let {who} have {wanted}: add the scope to its client id (domain-wide delegation)"
            return Denied(sentence, permission=wanted, detail=detail)
    for pattern, cure in () if _is_page(error) else _SIGNIN:
        if not (renewed and cure is _NO_KEY) and re.search(pattern, detail, re.IGNORECASE):
            return CredentialsError(f"Google does not sign in {who}: {cure}", detail=detail)
    if _is_passing(error, answer):
        why = next((f" ({reason})" for words, reason in _SILENCE if re.search(words, detail, re.IGNORECASE)), "")
        return TimedOut(
            f"no token for {who}: Google's token endpoint (or metadata server) does not answer as it should{why}", detail=detail
        )
    if answer.code:
        return CredentialsError(f"Google does not sign in {who} ({answer.code}): check the key and the account", detail=detail)
    return _unanswered(error, who, detail)


def _is_page(error: Exception) -> bool:
    """True for an answer in HTML: its words are those of a proxy, and not Google's."""
    return any(str(part).lstrip("b'\" \n").startswith("<") for part in error.args if isinstance(part, str | bytes))


def _is_passing(error: Exception, answer: _Answer) -> bool:
    """True for a failure that says nothing of the credentials, and that may pass by itself."""
    causes = (error, error.__cause__, *error.args[:1])
    return answer.status in _PASSING or getattr(error, "retryable", False) or any(isinstance(one, _SILENT) for one in causes)


def _of_federation(error: Exception, answer: _Answer) -> str:
    """The reason of a refused Workload Identity Federation; empty for any other sign-in."""
    words = f"(Google: {answer.code}: {answer.text[:300]})"
    if isinstance(error, exceptions.OAuthError):
        return (
            f"its token is not one that the workload identity pool takes; check the issuer, the audience and the conditions there {words}"
        )
    if _IMPERSONATED.search(str(error.args[0])):
        return f"it may not act as the service account; grant it roles/iam.workloadIdentityUser there {words}"
    return ""


def _unanswered(error: Exception, who: str, detail: str) -> ProviderError:
    """The error for a failure without an answer of Google's: of a file, of google-auth itself, or of something in between."""
    if isinstance(error, OSError) and error.filename:
        return CredentialsError(f"Google does not sign in {who}: {error.filename} cannot be read ({error.strerror})", detail=detail)
    if isinstance(error, exceptions.GoogleAuthError) and type(error) not in _OF_ANSWERS:
        words = str(error.args[0]).strip().partition("\n")[0][:300] if error.args else type(error).__name__
        return CredentialsError(f"Google does not sign in {who} ({words}): check the key and the account", detail=detail)
    return BadAnswer(f"no token for {who}: what answers is not Google's token endpoint; is a proxy in between?", detail=detail)
