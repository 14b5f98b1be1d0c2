"""The config of the Authentik connector; every key is an environment variable: ``domain`` is ``AUTHENTIK_DOMAIN``."""

from __future__ import annotations

from typing import Annotated

from providers.address import base_url
from providers.schema import Secret, SourceConfig
from providers.variables import setting


class AuthentikConfig(SourceConfig, frozen=True):
    """The installation, and the token that reads it."""

    domain: Annotated[str, setting("Host of the installation, as `auth.example.com`; with scheme, port and path where they are unusual.")]
    api_token: Annotated[Secret, setting("API token of an account that may view users, groups, roles and applications.")]
    verify_ssl: Annotated[bool, setting("`false` accepts any certificate, so that anybody in between can read the token: for tests.")] = (
        True
    )

    def __post_init__(self) -> None:
        """A complaint is a `ValueError`."""
        try:
            base_url(self.domain)
        except ValueError as error:
            raise ValueError(f"`domain`: {error}") from None
        if not self.api_token.strip() or not self.api_token.isascii() or not self.api_token.isprintable():
            raise ValueError("`api_token` is empty or holds characters that no token has")
