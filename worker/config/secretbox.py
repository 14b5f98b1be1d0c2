"""Secrets at rest: a secret value in a job's config is stored as ``{"$fernet": "<token>"}``.

The API seals what the provider's schema marks as secret, the writer opens it just before the job's START frame. The first key of
``ELDER_SECRET_KEYS`` seals, every key opens: to rotate, put the new key in
front, run `elder-worker secrets rotate`, and drop the old one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

MARK = "$fernet"
_NO_KEY = "no key in ELDER_SECRET_KEYS opens this job's secrets: give the worker the API's keys, or enter the secrets again"


class SecretBoxError(Exception):
    """A secret cannot be sealed or opened."""


class SecretBox:
    """Seals and opens JSON values with the operator's keys."""

    def __init__(self, keys: Iterable[str]) -> None:
        """Takes Fernet keys. Raises `SecretBoxError` for a text that is not one."""
        every = tuple(keys)
        self._fernet, self._newest = _multi_fernet(every), _multi_fernet(every[:1])

    def seal(self, value: Any) -> dict[str, str]:
        """The value sealed with the first key; what another key has sealed is sealed anew."""
        if is_sealed(value):
            return {MARK: value[MARK] if self._is_newest(value[MARK]) else self._renewed(value[MARK])}
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

    def renewed(self, value: Any) -> Any:
        """A copy of `value` in which every sealed value is sealed with the first key, at any depth. Raises `SecretBoxError`."""
        if is_sealed(value):
            return self.seal(value)
        if isinstance(value, Mapping):
            return {key: self.renewed(item) for key, item in value.items()}
        return [self.renewed(item) for item in value] if isinstance(value, list) else value

    def older(self, value: Any) -> int:
        """How many sealed values in `value` another key than the first has sealed. Raises `SecretBoxError` for one that no key opens."""
        if is_sealed(value):
            self._open(value[MARK])
            return int(not self._is_newest(value[MARK]))
        items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
        return sum(map(self.older, items))

    def _is_newest(self, token: str) -> bool:
        from cryptography.fernet import InvalidToken  # noqa: PLC0415 - loaded only when there is a key

        self._keys("opened")
        assert self._newest is not None
        try:
            self._newest.decrypt(token.encode())
        except InvalidToken:
            return False
        return True

    def _renewed(self, token: str) -> str:
        from cryptography.fernet import InvalidToken  # noqa: PLC0415 - loaded only when there is a key

        try:
            return self._keys("sealed").rotate(token.encode()).decode()
        except InvalidToken:
            raise SecretBoxError(_NO_KEY) from None

    def _open(self, token: str) -> Any:
        from cryptography.fernet import InvalidToken  # noqa: PLC0415 - loaded only when there is a key

        try:
            return msgspec.json.decode(self._keys("opened").decrypt(token.encode()))
        except InvalidToken:
            raise SecretBoxError(_NO_KEY) from None

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
