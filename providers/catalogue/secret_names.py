"""The names that say secret: keys of objects, environment variables, arguments, headers and query parameters."""

from __future__ import annotations

import functools
import re

WORDS = (
    "secret", "password", "passwd", "passphrase", "passcode", "pwd", "token", "credential", "privatekey", "apikey", "accesskey",
    "sharedkey", "accountkey", "authkey", "signingkey", "masterkey", "encryptkey", "connectionstring", "connstr", "bearer", "htpasswd",
    "requirepass", "masterauth", "dbpass", "userpass", "licensekey", "userdata", "customdata",
)  # fmt: skip
"""A name says secret when it contains one of these, apart from case and separators. The last two are scripts that machines run at start."""

LAST_WORDS = frozenset({"pass", "pw", "psk", "creds", "cred", "pgpass", "pin", "auths"})
"""A name says secret when its last word is one of these."""

HEADER_WORDS = frozenset({"authorization", "auth", "verify", "signature", "sig", "cookie", "session", "key"})
"""Whole words that say secret in the name of a header or of a query parameter."""

_PLAIN_KEYS = frozenset({"public", "pub", "partition", "sort", "primary", "foreign", "routing", "object", "cache", "hash", "range"})
"""Words of variables such as PARTITION_KEY, which hold no secret. Every other variable whose name ends in _KEY does."""

_EXEMPT_WORDS = frozenset({
    "id", "ids", "arn", "arns", "name", "names", "ref", "refs", "policy", "policies", "time", "times", "timestamp", "date", "at",
    "expiration", "expires", "expiry", "used", "created", "changed", "updated", "modified", "rotated", "ttl", "seconds", "minutes",
    "hours", "days",
})  # fmt: skip
_QUANTITIES = frozenset({
    "age", "lifetime", "validity", "duration", "period", "interval", "timeout", "length", "count", "limit", "max", "min", "size",
    "version", "port", "history", "set", "delay",
})  # fmt: skip
_EXEMPT_ENDINGS = ("name", "names", "arn", "arns", "ref", "refs", "policy", "policies", "secretid", "tokenid", "keyid")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*_KEY")


def says_secret(name: str, words: tuple[str, ...]) -> bool:
    """True for a name whose value is a secret; `words` are `WORDS` and what an operator has added, as `letters` has them."""
    folded = letters(name)
    return (any(word in folded for word in words) or _ends_in_secret(name)) and not is_exempt(name)


def header_says_secret(name: str) -> bool:
    """True for the name of a header or query parameter whose value is a secret, beside those of `says_secret`."""
    return not HEADER_WORDS.isdisjoint(_split_words(name)) and not is_exempt(name)


@functools.lru_cache(maxsize=20_000)
def is_exempt(name: str) -> bool:
    """True for the key of an IAM condition, and for a name that ends in a word for an id, a name, a policy or a time."""
    if ":" in name:
        return True
    words = _split_words(name)
    return bool(words) and (words[-1] in _EXEMPT_WORDS or words[-1].endswith(_EXEMPT_ENDINGS))


def is_quantity(name: str) -> bool:
    """True for a name whose number is a time, a size or a version: ``maxPwdAge``, ``tokenLifetime``."""
    words = _split_words(name)
    return bool(words) and words[-1] in _QUANTITIES


def letters(name: str) -> str:
    """The letters and digits of a name, in lower case."""
    return re.sub("[^a-z0-9]", "", name.lower())


def _ends_in_secret(name: str) -> bool:
    words = _split_words(name)
    if not words:
        return False
    return words[-1] in LAST_WORDS or (_VARIABLE.fullmatch(name) is not None and _PLAIN_KEYS.isdisjoint(words))


def _split_words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name.replace("IDs", "Ids").replace("ARNs", "Arns"))]
