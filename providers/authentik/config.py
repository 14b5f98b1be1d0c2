"""The config of the Authentik connector, from the worker's environment."""

from __future__ import annotations

import msgspec

from providers.address import base_url
from providers.schema import Secret


class AuthentikConfig(msgspec.Struct, frozen=True):
    """Which installation, and the token to read it with."""

    domain: str
    """Host, with scheme, port and path where they are not the usual ones."""
    api_token: Secret
    verify_ssl: bool = True
    """False: any certificate is taken, and whoever is in between can read the token."""

    def __post_init__(self) -> None:
        """A complaint is a `ValueError`."""
        try:
            base_url(self.domain)
        except ValueError as error:
            raise ValueError(f"`domain` (AUTHENTIK_DOMAIN): {error}") from None
        if not self.api_token.strip() or not self.api_token.isascii() or not self.api_token.isprintable():
            raise ValueError("`api_token` (AUTHENTIK_API_TOKEN) is empty or holds characters that no token has")
