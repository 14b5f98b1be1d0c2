"""The config of the Okta connector; every key is an environment variable of the worker: ``domain`` is ``OKTA_DOMAIN``."""

from __future__ import annotations

from typing import Annotated

from providers.address import base_url
from providers.schema import Secret, SourceConfig
from providers.variables import setting


class OktaConfig(SourceConfig, frozen=True):
    """The organization, and the token that reads it."""

    domain: Annotated[str, setting("Host of the organization, as `example.okta.com`; not that of its admin console.")]
    api_token: Annotated[Secret, setting("API token of an administrator with read rights; Okta ends one that is not used for 30 days.")]

    def __post_init__(self) -> None:
        """A complaint is a `ValueError`."""
        try:
            host = base_url(self.domain).partition("://")[2]
        except ValueError as error:
            raise ValueError(f"`domain`: {error}") from None
        if host.partition(".")[0].endswith("-admin") and "okta" in host:
            raise ValueError(f"`domain`: '{host}' is the admin console; the organization is {host.replace('-admin', '', 1)}")
        if "/" in host:
            raise ValueError("`domain` must be a host without a path, such as example.okta.com")
        if not self.api_token.strip() or not self.api_token.isascii() or not self.api_token.isprintable():
            raise ValueError("`api_token` is empty or holds characters that no token has")
