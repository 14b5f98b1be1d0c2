"""The person whom an ID token is about: their name, and the role that their groups give them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from api.login.errors import SignInRefused
from worker.config.login import ANYBODY, ROLES, LoginSettings
from worker.store.keys import Role
from worker.store.sessions import Person

LONGEST = 200
"""Characters of a name or subject that are kept; a subject has 255 at most, and all of them count."""

LONGEST_SUBJECT = 255


def person(claims: Mapping[str, Any], settings: LoginSettings) -> Person:
    """The person whom the claims are about. Raises `SignInRefused` for somebody whose groups give no role."""
    subject = str(claims["sub"])
    if not subject.isprintable() or not 0 < len(subject) <= LONGEST_SUBJECT:
        raise SignInRefused("the identity provider's `sub` is not printable text of at most 255 characters")
    name = next((text for key in ("name", "preferred_username", "email") if (text := _clean(claims.get(key)))), subject)
    return Person(claims["iss"], subject, name, _role(claims, settings, name))


def has_role_claim(claims: Mapping[str, Any], settings: LoginSettings) -> bool:
    """True if the claim that roles come from is there."""
    return _claim(claims, settings.elder_oidc_role_claim) is not None


def _role(claims: Mapping[str, Any], settings: LoginSettings, name: str) -> Role:
    claim, given = settings.elder_oidc_role_claim, settings.oidc_roles()
    values = _values(_claim(claims, claim))
    roles = {given[value] for value in (*values, ANYBODY) if value in given}
    for role in ROLES:
        if role in roles:
            return next(one for one in get_args(Role) if one == role)
    found = f"none of the {len(values)} in the claim '{claim}'" if values else f"there is no claim '{claim}', and so nothing"
    raise SignInRefused(
        f"{name} has no role here: {found} is in ELDER_OIDC_ROLES; ask whoever looks after Elder, or the identity provider, for a group"
    )


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """The claim of that name, else the one that the name's dots lead to; None for none."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _values(claim: Any) -> tuple[str, ...]:
    """The texts of a claim that is a text or a list."""
    return tuple(one for one in (claim if isinstance(claim, list) else [claim]) if isinstance(one, str))


def _clean(value: Any) -> str:
    """The text with what is not printable left out; empty for what is not text."""
    return "".join(filter(str.isprintable, value)).strip()[:LONGEST] if isinstance(value, str) else ""
