"""Settings of the sign-in to the pages by an OpenID Connect identity provider."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit

from providers.schema import Secret
from providers.variables import setting
from worker.config.retention import RetentionSettings

ROLES = ("admin", "operate", "read")
"""Roles that a person may have, the most powerful first; `sync` is for programs."""

ANYBODY = "*"
"""Stands in ELDER_OIDC_ROLES for every person whom the identity provider lets in."""

NEEDED = ("elder_oidc_client_id", "elder_oidc_url", "elder_oidc_roles", "elder_secret_keys")


class LoginSettings(RetentionSettings, frozen=True, kw_only=True):
    """The settings that say who signs people in to the pages, what they may do, and for how long."""

    elder_oidc_issuer: Annotated[
        str,
        setting(
            "Issuer URL of the OpenID Connect identity provider that signs people in to the pages, exactly as its discovery document says "
            "it. Needs the extra `oidc`. Without: pages take a key."
        ),
    ] = ""
    elder_oidc_client_id: Annotated[str, setting("Client ID of the Elder API at the identity provider.")] = ""
    elder_oidc_client_secret: Annotated[
        Secret, setting("Client secret at the identity provider. Without: a public client, which PKCE alone protects.")
    ] = ""
    elder_oidc_url: Annotated[
        str,
        setting(
            "The Elder API as browsers reach it, such as `https://elder.example.com`. The redirect URI to register at the provider "
            "is this with `/login/callback`."
        ),
    ] = ""
    elder_oidc_scopes: Annotated[tuple[str, ...], setting("Scopes to ask for, with commas; `openid` is one of them.")] = (
        "openid",
        "profile",
        "email",
    )
    elder_oidc_role_claim: Annotated[
        str, setting("Claim with a person's groups or roles: a text or a list. Dots lead into objects: `realm_access.roles`.")
    ] = "groups"
    elder_oidc_roles: Annotated[
        tuple[str, ...],
        setting(
            "Which value of the claim gives which role, with commas: `elder-admins=admin,operations=operate,*=read`. `*` is everybody. "
            "The most powerful counts; whoever has none is refused."
        ),
    ] = ()
    elder_oidc_ca_bundle: Annotated[
        str, setting("File with the CA certificates that sign the identity provider's, in PEM. Without: the system's.")
    ] = ""
    elder_session_idle_timeout: Annotated[
        float,
        setting(
            "Seconds without a page opened or a button pressed after which a person has to sign in again.",
            ge=300,
            le=604_800,
            low="people sign in again in the middle of their work",
            high="a browser that is left open can be used by whoever comes by",
        ),
    ] = 3600
    elder_session_lifetime: Annotated[
        float,
        setting(
            "Seconds from signing in to having to sign in again, whatever is done meanwhile. A role or account that is taken away at the "
            "identity provider ends here at the latest.",
            ge=300,
            le=2_592_000,
            low="people sign in again in the middle of their work",
            high="people who have left keep their role for so long",
        ),
    ] = 36_000

    def oidc_roles(self) -> dict[str, str]:
        """Value of the claim -> role."""
        pairs = (entry.rpartition("=") for entry in self.elder_oidc_roles)
        return {value.strip(): role.strip() for value, _, role in pairs}


def contradictions(values: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each setting of the sign-in that is missing, malformed, or of no use."""
    if "elder_oidc_issuer" not in values:
        yield from (
            f"{field.upper()} is set but ELDER_OIDC_ISSUER is not: nobody signs people in"
            for field in values
            if field.startswith("elder_oidc_")
        )
        return
    for field in NEEDED:
        if not values.get(field):
            yield f"ELDER_OIDC_ISSUER is set but {field.upper()} is not: {_WHY[field]}"
    for field in ("elder_oidc_issuer", "elder_oidc_url"):
        if field in values and not is_safe(values[field]):
            yield f"{field.upper()} is '{values[field]}': it is an https URL without user, query and fragment (http on this machine only)"
    if urlsplit(values.get("elder_oidc_url", "")).path.strip("/"):
        yield "ELDER_OIDC_URL has a path: the pages are served at the root of a host"
    for entry in values.get("elder_oidc_roles", ()):
        value, _, role = entry.rpartition("=")
        if not value.strip() or role.strip() not in ROLES:
            yield f"ELDER_OIDC_ROLES: '{entry}' is not VALUE=ROLE, with a role out of {', '.join(ROLES)}"
    if "openid" not in values.get("elder_oidc_scopes", ("openid",)):
        yield "ELDER_OIDC_SCOPES lacks openid: without it the identity provider does not say who signs in"


_WHY = {
    "elder_oidc_client_id": "the identity provider knows the API by it",
    "elder_oidc_url": "the identity provider sends people back there",
    "elder_oidc_roles": "nobody would have a role",
    "elder_secret_keys": "what a browser keeps while a person signs in is sealed with them",
}


def is_safe(url: str) -> bool:
    """True for an https URL of a host, without user, query and fragment; http is for this machine only."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or "@" in parts.netloc or parts.query or parts.fragment or not url.isprintable() or " " in url:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_this_machine(host))


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
