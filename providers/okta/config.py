"""The config of the Okta connector, from the worker's environment."""

from __future__ import annotations

import msgspec

from providers.address import base_url
from providers.schema import Secret


class OktaConfig(msgspec.Struct, frozen=True):
    """Which organization, and the token to read it with."""

    domain: str
    api_token: Secret

    def __post_init__(self) -> None:
        """A complaint is a `ValueError`."""
        try:
            host = base_url(self.domain).partition("://")[2]
        except ValueError as error:
            raise ValueError(f"`domain` (OKTA_DOMAIN): {error}") from None
        if host.partition(".")[0].endswith("-admin") and "okta" in host:
            raise ValueError(f"`domain` (OKTA_DOMAIN): '{host}' is the admin console; the organization is {host.replace('-admin', '', 1)}")
        if "/" in host:
            raise ValueError("`domain` (OKTA_DOMAIN) must be a host without a path, such as example.okta.com")
        if not self.api_token.strip() or not self.api_token.isascii() or not self.api_token.isprintable():
            raise ValueError("`api_token` (OKTA_API_TOKEN) is empty or holds characters that no token has")
