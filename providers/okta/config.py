"""The config of the Okta connector; every key is an environment variable of the worker: ``domain`` is ``OKTA_DOMAIN``."""

from __future__ import annotations

from typing import Annotated

from providers.address import base_url
from providers.schema import Secret, SourceConfig, given_for
from providers.variables import setting


class OktaConfig(SourceConfig, frozen=True):
    """The organization, and what reads it: an OAuth 2.0 service app, or an API token."""

    domain: Annotated[str, setting("Host of the organization, as `example.okta.com`; not that of its admin console.")]
    client_id: Annotated[str, setting("Client id of the service app (*API Services*) that reads the organization.")] = ""
    private_key: Annotated[
        Annotated[Secret, given_for("domain", "client_id")],
        setting("Private key of the service app as PEM or JWK: RSA, or elliptic of the curve P-256, P-384 or P-521."),
    ] = ""
    key_id: Annotated[
        str, setting("Id (`kid`) of that key in Okta, which an app with several keys needs. Without: the one in the JWK, else none.")
    ] = ""
    api_token: Annotated[
        Annotated[Secret, given_for("domain")],
        setting(
            "Instead of a service app: API token of an administrator with read rights; Okta ends one that is not used for 30 days. "
            "It carries all rights of the administrator."
        ),
    ] = ""

    def __post_init__(self) -> None:
        """A complaint is a `ValueError`."""
        self._check_domain()
        given = [name for name in ("client_id", "private_key", "key_id") if getattr(self, name)]
        if given and self.api_token:
            raise ValueError(f"`api_token` and {_named(given)} are given: sign in either by the token or by the service app")
        if given:
            self._check_service_app(given)
        elif not self.api_token:
            raise ValueError("no credentials: give `client_id` and `private_key` of a service app, or `api_token`")
        elif not self.api_token.strip() or not self.api_token.isascii() or not self.api_token.isprintable():
            raise ValueError("`api_token` is empty or holds characters that no token has")

    def _check_domain(self) -> None:
        try:
            host = base_url(self.domain).partition("://")[2]
        except ValueError as error:
            raise ValueError(f"`domain`: {error}") from None
        if host.partition(".")[0].endswith("-admin") and "okta" in host:
            raise ValueError(f"`domain`: '{host}' is the admin console; the organization is {host.replace('-admin', '', 1)}")
        if "/" in host:
            raise ValueError("`domain` must be a host without a path, such as example.okta.com")

    def _check_service_app(self, given: list[str]) -> None:
        if not self.client_id or not self.private_key:
            raise ValueError(f"`client_id` and `private_key` go together; only {_named(given)} given")
        if any(map(str.isspace, self.client_id + self.key_id)):
            raise ValueError("`client_id` and `key_id` must not contain blanks")
        from providers.okta.signing import read_key  # noqa: PLC0415 - a process that only describes providers needs no cryptography

        read_key(self.private_key, self.key_id)


def _named(keys: list[str]) -> str:
    return " and ".join(f"`{key}`" for key in keys)
