"""Secrets at rest: a secret value in a job's config is stored as ``{"$fernet": "<token>"}``.

The API seals what the provider's schema marks as secret, the writer opens it just before the job's START frame. The first key of
``ELDER_SECRET_KEYS`` seals, every key opens: to rotate, put the new key in front and drop the old one when all is re-sealed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

MARK = "$fernet"


class SecretBoxError(Exception):
    """A secret cannot be sealed or opened."""


class SecretBox:
    """Seals and opens JSON values with the operator's keys."""

    def __init__(self, keys: Iterable[str]) -> None:
        """Takes Fernet keys. Raises `SecretBoxError` for a text that is not one."""
        self._fernet = _multi_fernet(tuple(keys))

    def seal(self, value: Any) -> dict[str, str]:
        """The sealed form of a JSON value; a value that is sealed already stays as it is."""
        if is_sealed(value):
            return dict(value)
        return {MARK: self._keys("sealed").encrypt(msgspec.json.encode(value)).decode()}

    def open(self, value: Any) -> Any:
        """A copy of `value` in which every sealed value is opened, at any depth."""
        if is_sealed(value):
            return self._open(value[MARK])
        if isinstance(value, Mapping):
            return {key: self.open(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.open(item) for item in value]
        return value

    def _open(self, token: str) -> Any:
        from cryptography.fernet import InvalidToken  # noqa: PLC0415 - loaded only when there is a key

        try:
            return msgspec.json.decode(self._keys("opened").decrypt(token.encode()))
        except InvalidToken:
            message = "no key in ELDER_SECRET_KEYS opens this job's secrets: give the worker the API's keys, or enter the secrets again"
            raise SecretBoxError(message) from None

    def _keys(self, verb: str) -> MultiFernet:
        if self._fernet is None:
            raise SecretBoxError(f"a secret cannot be {verb}: ELDER_SECRET_KEYS is not set (the API and the workers need the same keys)")
        return self._fernet


def _multi_fernet(keys: tuple[str, ...]) -> MultiFernet | None:
    if not keys:
        return None
    from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415 - 2 MB, and of no use without a key

    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError:
        message = (
            "ELDER_SECRET_KEYS holds something that is not a Fernet key (32 bytes in url-safe base64); "
            "make one with: python3 -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
        )
        raise SecretBoxError(message) from None


def is_sealed(value: Any) -> bool:
    """True for a sealed secret."""
    return isinstance(value, Mapping) and set(value) == {MARK} and isinstance(value[MARK], str)
