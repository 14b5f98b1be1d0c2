"""The one rule that keeps secrets out of what is stored: names stay, values become a mark.

A string is masked

- under a key that says secret (``ClientSecret``, ``db_password``, ``apiKey`` ...), at any depth below that key;
- as the value of a pair whose name says so: ``{"name": "DB_PASSWORD", "value": ...}``, ``{"HeaderName": "X-Origin-Verify", ...}``;
- as the value of a command-line argument whose name says so (``--password=x``; ``"--token", "x"``), and of an assignment inside a text
  (``Password=x;``, ``"password": "x"``, ``password: x`` on a line of its own, ``?sig=x``);
- where it has the shape of a known token: AWS, GitHub, GitLab, Slack, Google and Stripe tokens, a JWT, a PEM private key.

Ids, ARNs, URLs, dates, numbers, file paths and references to variables are no secrets. Neither is what stands under a key that ends in
Id, Arn, Name, Ref, Policy or in a word for a time, or under the key of an IAM condition (``token.example.com:sub``). Numbers and
booleans stay. `ResourceKind.unmasked` lists what else is no secret.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from typing import Any

from providers.catalogue import paths
from providers.schema import REDACTED

WORDS = (
    "secret", "password", "passwd", "passphrase", "pwd", "token", "credential", "privatekey", "apikey", "accesskey", "sharedkey",
    "accountkey", "authkey", "signingkey", "masterkey", "connectionstring", "bearer",
)  # fmt: skip
"""A key says secret when it contains one of these, apart from case and separators."""

HEADER_WORDS = frozenset({"authorization", "auth", "verify", "signature", "sig", "cookie", "session", "key"})
"""Whole words that say secret in the name of a header or of a query parameter."""

_EXEMPT_WORDS = frozenset({
    "id", "ids", "arn", "arns", "name", "names", "ref", "refs", "policy", "policies", "time", "times", "timestamp", "date", "at",
    "expiration", "expires", "expiry", "used", "created", "changed", "updated", "modified", "rotated", "ttl", "seconds", "minutes",
    "hours", "days",
})  # fmt: skip
_EXEMPT_ENDINGS = ("name", "names", "arn", "arns", "ref", "refs", "policy", "policies", "secretid", "tokenid", "keyid")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_HARMLESS = re.compile(
    r"arn:[\w-]*:.*"
    r"|[a-z][a-z0-9+.-]{1,20}://.*"
    r"|-?\d+(?:\.\d+)?"
    r"|\d{4}-\d\d-\d\d(?:[T ][\d:.,]+)?(?:Z|[+-]\d\d:?\d\d)?"
    r"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|[a-z]{1,12}-[0-9a-f]{8,17}"
    r"|/(?:app|certs?|config|data|dev|etc|home|mnt|opt|proc|root|run|secrets?|srv|tmp|usr|var)/[\w./@-]*"
    r"|true|false|null|none"
    r"|\$[({]?\w+[)}]?|\{\{[^{}]*\}\}",
    re.DOTALL | re.IGNORECASE,
)
_KEY = "PRIVATE KEY-----"
_SHAPES = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"
    r"|gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_\w{20,255}|glpat-[\w-]{20,100}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,255}"
    r"|AIza[\w-]{35}|ya29\.[\w-]{20,2000}"
    r"|[sr]k_(?:live|test)_[A-Za-z0-9]{16,255}"
    r"|(?<![\w.-])eyJ[\w-]{8,4000}\.eyJ[\w-]{8,16000}\.[\w-]{0,4000}"
    r")"
    rf"|-----BEGIN [A-Z ]{{0,40}}{_KEY}(?:(?!-----END)[\s\S]){{0,20000}}(?:-----END [A-Z ]{{0,40}}{_KEY})?"
    r"|(?<=hooks\.slack\.com/services/)[\w/]{10,255}"
)
_VALUE = r"""("[^"\n]{0,4000}"|'[^'\n]{0,4000}'|[^\s"',;&]{1,4000})"""
_ASSIGNED = re.compile(rf"(?<![\w.-])(-{{0,2}}[\w.-]{{1,80}})(=){_VALUE}")
_FLAG = re.compile(rf"(?<![\w.-])(--?[A-Za-z][\w.-]{{1,80}})([ \t]{{1,20}})(?!-){_VALUE}")
_JSON = re.compile(r'"([\w.-]{1,80})"(\s{0,10}:\s{0,10})("(?:[^"\\\n]|\\.){0,4000}")')
_LINE = re.compile(r"^[ \t]{0,200}(?:- )?([\w.-]{1,80})(:[ \t]{1,20})([^\n]{1,4000})$", re.MULTILINE)
_USER_INFO = re.compile(r"(?<=://)([^/\s:@]{0,200}:)[^/\s@]{1,400}(?=@)")
_ARGUMENT = re.compile(r"--?[A-Za-z][\w.-]*")
_NAMES = ("name", "Name", "key", "Key", "HeaderName", "headerName", "ParameterName", "ParameterKey", "OptionName")
_VALUES = frozenset({"value", "Value", "values", "Values", "HeaderValue", "headerValue", "ParameterValue"})

Says = Callable[[str], bool]


class Masking:
    """Masks attributes in place. `more` are further words that say secret in a key, as an operator may set them."""

    def __init__(self, more: Iterable[str] = ()) -> None:
        words = (*WORDS, *filter(None, map(_letters, more)))
        self._says: Says = functools.lru_cache(maxsize=20_000)(lambda key: _is_secret(key, words))
        self._header_says: Says = functools.lru_cache(maxsize=20_000)(lambda key: self._says(key) or _is_secret_header(key))

    def says_secret(self, key: str) -> bool:
        """True for a key whose value is a secret."""
        return self._says(key)

    def masked(self, attributes: dict[str, Any], unmasked: Iterable[str] = ()) -> dict[str, Any]:
        """The same attributes, in which each secret is a mark; what is at the paths in `unmasked` stays."""
        spared = [(holder, key, holder[key]) for path in unmasked for holder, key in paths.holders(attributes, path)]
        for holder, key, _ in spared:
            holder[key] = None
        self._mask(attributes, self._says, secret=False)
        for holder, key, value in spared:
            holder[key] = value
        return attributes

    def text(self, text: str) -> str:
        """A text in which each secret is a mark."""
        if "=" in text:
            text = _ASSIGNED.sub(_replacing(self._header_says), text)
        if "-" in text:
            text = _FLAG.sub(_replacing(self._says), text)
        if ":" in text:
            text = _LINE.sub(_replacing(self._says), _JSON.sub(_replacing(self._says), text))
            text = _USER_INFO.sub(rf"\1{REDACTED}", text)
        return _SHAPES.sub(REDACTED, text)

    def _mask(self, node: Any, says: Says, *, secret: bool) -> None:
        if isinstance(node, dict):
            self._mask_object(node, says, secret=secret)
        else:
            self._mask_list(node, says, secret=secret)

    def _mask_object(self, node: dict[str, Any], says: Says, *, secret: bool) -> None:
        name = next((node[key] for key in _NAMES if isinstance(node.get(key), str)), "")
        is_pair = bool(name) and (self._header_says if "HeaderName" in node or "headerName" in node else says)(name)
        for key, value in node.items():
            inside = self._header_says if "header" in key.lower() else says
            below = not _is_exempt(key) if secret else says(key)
            node[key] = self._value(key, value, inside, secret=below or (is_pair and key in _VALUES))

    def _mask_list(self, node: list[Any], says: Says, *, secret: bool) -> None:
        follows = False
        for index, value in enumerate(node):
            is_argument = isinstance(value, str) and bool(_ARGUMENT.fullmatch(value))
            node[index] = self._value("", value, says, secret=secret or (follows and isinstance(value, str) and not is_argument))
            follows = is_argument and self._says(value)

    def _value(self, key: str, value: Any, says: Says, *, secret: bool) -> Any:
        if isinstance(value, dict | list):
            self._mask(value, says, secret=secret)
            return value
        if not isinstance(value, str) or len(value) > 100 or not _is_exempt(key):
            return self._string(value, secret=secret) if isinstance(value, str) else value
        return value

    def _string(self, value: str, *, secret: bool) -> str:
        if secret and value and not _HARMLESS.fullmatch(value):
            return REDACTED
        return self.text(value) if len(value) > 5 and not value.startswith("arn:") else value


def _replacing(says: Says) -> Callable[[re.Match[str]], str]:
    """Makes the function that masks the third group of a match, where the first one says secret."""

    def replaced(match: re.Match[str]) -> str:
        name, _, value = match.groups()
        bare = value.strip("\"'")
        if not bare or _HARMLESS.fullmatch(bare) or not says(name):
            return match[0]
        return match[0].removesuffix(value) + value.replace(bare, REDACTED)

    return replaced


def _is_secret(key: str, words: tuple[str, ...]) -> bool:
    letters = _letters(key)
    return any(word in letters for word in words) and not _is_exempt(key)


def _is_secret_header(name: str) -> bool:
    return not HEADER_WORDS.isdisjoint(_split_words(name)) and not _is_exempt(name)


@functools.lru_cache(maxsize=20_000)
def _is_exempt(key: str) -> bool:
    """True for the key of an IAM condition, and for one that ends in a word for an id, a name, a reference, a policy or a time."""
    if ":" in key:
        return True
    words = _split_words(key)
    return bool(words) and (words[-1] in _EXEMPT_WORDS or words[-1].endswith(_EXEMPT_ENDINGS))


def _split_words(key: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(key.replace("IDs", "Ids").replace("ARNs", "Arns"))]


def _letters(key: str) -> str:
    return re.sub("[^a-z0-9]", "", key.lower())
