"""Errors of signing in."""

from __future__ import annotations

from api.errors import Forbidden, Unavailable


class SignInRefused(Forbidden):
    """The person who signs in, or the answer that the browser brings, is not let in."""


class ProviderFailed(Unavailable):
    """The identity provider cannot be asked, or its answer makes no sense. The log says more."""
