"""Signing in to Google: one way for every provider that reads one of its APIs. Loads google-auth, so it is imported by a job alone.

::

    signin = google_signin.sign_in(operator, SCOPES, key=key, subject="admin@example.com")
    with signin.http("admin.googleapis.com", "Google Workspace") as http:
        http.get("/admin/directory/v1/users?customer=my_customer", what="list users", permission=SCOPES[0])

`key` is what `providers.google.key` has let through; without one, Application Default Credentials are used: the file that
``GOOGLE_APPLICATION_CREDENTIALS`` names, else the metadata server of the machine or the GKE pod. What needs google-auth's own objects
(Google's client libraries) takes `Signin.credentials`, `Signin.transport` and `Signin.base_url`.

``GOOGLE_ENDPOINT_URL``, the operator's alone, stands in for all of Google: the APIs by their hosts and paths, and ``/token``. The
`token_uri` in a key is never followed: the token endpoint is Google's own, or the operator's.
"""

from __future__ import annotations

import calendar
import copy
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from google.auth import exceptions
from google.auth.transport.urllib3 import Request
from google.oauth2.credentials import Credentials as UserCredentials
from google.oauth2.service_account import Credentials as ServiceAccount

from providers.errors import ConfigError, CredentialsError
from providers.google import failure as google_failure
from providers.google import key as google_key
from providers.google import signin_faults
from providers.google.operator import GoogleOperator
from providers.http import bearer, retry
from providers.http.client import TIMEOUT, Explain, Http
from providers.http.credential import Credential
from providers.http.pools import Routes
from providers.http.tls import tls

TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address

ADC_VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"

EARLY = 225.0
"""Seconds before its end from which on a token is renewed; google-auth's own number, which a metadata server counts on."""

NEVER = float("inf")
"""The end of a token of which no end is told."""


class Signin:
    """A sign-in to Google. Safe to use from several threads (see `Bearer`)."""

    def __init__(self, credentials: Any, operator: GoogleOperator, *, name: str, project: str = "", who: str = "") -> None:
        """`name` is who to show in a connectivity test; `who` is the same at length, for the sentence of a refused sign-in."""
        self.credentials, self.name, self.project = credentials, name, project
        self._endpoint, self._ca_file = operator.endpoint_url.rstrip("/"), operator.ca_bundle
        self._tls = tls(self._ca_file)  # one for all APIs: the system's CAs take nearly 1 MB and 20 ms each time they are loaded
        self.transport = Request(Routes(retries=False, timeout=TIMEOUT, ssl_context=self._tls))
        """The transport for google-auth: our time-outs, our CA, the environment's proxy, no redirect followed."""
        self._who, self._bearer = who or name, bearer.Bearer(self._signed_in)
        billed = getattr(credentials, "quota_project_id", None)  # a person's calls belong to no project of their own
        self.credential = Credential("Google")
        """The verdict over the key; the provider says by which request it is confirmed."""
        self._billed = {"x-goog-user-project": billed} if billed else {}

    def scoped(self, scopes: Sequence[str]) -> Signin:
        """The same account with a token of its own, for other OAuth scopes."""
        other = copy.copy(self)
        other.credentials, other._bearer = self.credentials.with_scopes(list(scopes)), bearer.Bearer(other._signed_in)  # noqa: SLF001
        return other

    def base_url(self, service: str) -> str:
        """Returns the URL of an API: ``https://compute.googleapis.com``, or the operator's endpoint."""
        return self._endpoint or f"https://{service}"

    def http(self, service: str, name: str, *, explain: Explain | None = None, connections: int = 16, url: str = "") -> Http:
        """A client of one API: signed in, patient with its rate limits, with Google's refusals understood (or `explain`ed better).

        `url` is where it is, when not at its usual place. The operator's endpoint learns from ``X-Forwarded-Host`` which API is meant.
        """
        advice = "check GOOGLE_ENDPOINT_URL" if self._endpoint else f"is {service} reachable from here?"
        meant = {"X-Forwarded-Host": service} if self._endpoint else {}
        return Http(
            url or self.base_url(service),
            name,
            headers=lambda: self.headers() | meant,
            renew=self._bearer.renew,
            credential=self.credential,
            explain=explain or google_failure.explain(name),
            advice=advice,
            context=self._tls,
            connections=connections,
        )

    def headers(self) -> dict[str, str]:
        """The Authorization header, with a token that is good. Raises `CredentialsError`, `NoCredentialsYet`, `Denied`."""
        try:
            return {**self._bearer.headers(), **self._billed}
        except CredentialsError as error:
            self.credential.refuse(error)
            raise

    def _signed_in(self) -> bearer.Token:
        token: bearer.Token = retry.retrying(again=bearer.is_unanswered, source="Google's sign-in")(self._refreshed)
        return token

    def _refreshed(self) -> bearer.Token:
        self.credential.ensure_accepted()  # for another OAuth scope it may have been refused meanwhile
        try:
            self.credentials.refresh(self.transport)
        except signin_faults.RAISED as error:
            raise signin_faults.of_signin(error, self._who, self.credentials.scopes or (), renewed=bool(self.credentials.token)) from None
        ends = self.credentials.expiry
        return bearer.Token(self.credentials.token, calendar.timegm(ends.utctimetuple()) if ends else NEVER, early=EARLY)


def sign_in(
    operator: GoogleOperator,
    scopes: Sequence[str],
    *,
    key: Mapping[str, Any] | None = None,
    at: str = "credentials",
    subject: str = "",
) -> Signin:
    """The credentials of a key (see above), for these OAuth scopes; nothing is sent yet. `at` is where the key stands, for complaints.

    `subject` is the person to act as, which a service account may with domain-wide delegation. Raises `ConfigError`.
    """
    if key is None and (path := operator.application_credentials):
        key, at = google_key.read_operator(path, ADC_VARIABLE), ADC_VARIABLE
    if subject and (key is None or key["type"] != google_key.SERVICE_ACCOUNT):
        raise ConfigError(f"`{at}`: acting as {subject} takes a service account's key")
    if key is None:
        return _machine(operator, scopes)
    try:
        return _KINDS[str(key["type"])](operator, scopes, key, subject)
    except (ValueError, exceptions.GoogleAuthError) as error:  # its words could quote the key
        field = "private_key" if key["type"] == google_key.SERVICE_ACCOUNT else "credential_source"
        raise ConfigError(f"`{at}.{field}` cannot be used ({type(error).__name__}): download the key anew") from None


def _token_url(operator: GoogleOperator, usual: str = TOKEN_URL) -> str:
    endpoint = operator.endpoint_url.rstrip("/")
    return endpoint + urlsplit(usual).path if endpoint else usual


def _service_account(operator: GoogleOperator, scopes: Sequence[str], key: Mapping[str, Any], subject: str) -> Signin:
    email, project = key["client_email"], str(key.get("project_id", ""))
    taken = {name: key[name] for name in ("client_email", "private_key", "private_key_id") if name in key}
    found = ServiceAccount.from_service_account_info(
        {"type": google_key.SERVICE_ACCOUNT, "token_uri": _token_url(operator), **taken}, scopes=list(scopes), subject=subject or None
    )
    who = f"the service account {email}" + (f" acting as {subject}" if subject else "")
    return Signin(found, operator, name=subject or email, project=project, who=who)


def _user(operator: GoogleOperator, _scopes: Sequence[str], key: Mapping[str, Any], _subject: str) -> Signin:
    found = UserCredentials(  # its refresh token has the scopes that the person gave it
        None,
        refresh_token=key["refresh_token"],
        client_id=key["client_id"],
        client_secret=key["client_secret"],
        token_uri=_token_url(operator),
        quota_project_id=key.get("quota_project_id"),
    )
    name = str(key.get("account") or "a person's gcloud sign-in")
    return Signin(found, operator, name=name, project=str(key.get("quota_project_id", "")))


def _federated(operator: GoogleOperator, scopes: Sequence[str], key: Mapping[str, Any], _subject: str) -> Signin:
    from google.auth import aws, identity_pool  # noqa: PLC0415 - few need them

    kind = aws.Credentials if "environment_id" in key["credential_source"] else identity_pool.Credentials
    info = {**key, "token_url": _token_url(operator, key["token_url"])}
    if impersonated := key.get("service_account_impersonation_url"):
        info["service_account_impersonation_url"] = _token_url(operator, impersonated)
    name = str(getattr(found := kind.from_info(info, scopes=list(scopes)), "service_account_email", "") or "a federated identity")
    return Signin(found, operator, name=name)


_KINDS = {google_key.SERVICE_ACCOUNT: _service_account, "authorized_user": _user, "external_account": _federated}


def _machine(operator: GoogleOperator, scopes: Sequence[str]) -> Signin:
    from google.auth import compute_engine  # noqa: PLC0415 - only for those without a key

    found = compute_engine.Credentials(scopes=list(scopes))
    return Signin(found, operator, name="the machine's service account")
