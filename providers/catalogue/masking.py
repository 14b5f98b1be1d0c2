"""The one rule that keeps secrets out of what is stored: names stay, values become a mark.

A string is masked

- under a key that says secret (``ClientSecret``, ``db_password``, ``apiKey`` ...), at any depth below that key;
- as the value of a pair whose name says so: ``{"name": "DB_PASSWORD", "value": ...}``, ``{"HeaderName": "X-Origin-Verify", ...}``;
- as the value of a command-line argument whose name says so (``--password=x``; ``"--token", "x"``; ``-u name:x``), and of an assignment
  inside a text (``Password=x;``, ``"password": "x"``, ``password: x`` on a line of its own, ``?sig=x``, ``<password>x</password>``);
- where it has the shape of a known token (of AWS, GitHub, Slack, Google, Azure, OpenAI and some thirty others), a JWT, a private key, or
  the hash of a password;
- where it is base64 of a text with any of these.

AWS's ids, ARNs, URLs, dates, numbers below 100,000, file paths and references to variables are not secrets. Neither is what stands under a
key that ends in Id, Arn, Name, Ref, Policy or in a word for a time, or under the key of an IAM condition
(``token.example.com:sub``). Numbers and booleans stay. `ResourceKind.unmasked` lists what else is not a secret.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Any

from providers.catalogue import paths, secret_texts
from providers.catalogue.secret_names import WORDS, header_says_secret, is_exempt, is_quantity, letters, says_secret
from providers.catalogue.secret_texts import Says
from providers.schema import REDACTED

_ARGUMENT = re.compile(r"--?[A-Za-z][\w.-]*")
_NUMBER = re.compile(r"-?\d+")
_LOGINS = frozenset({"-u", "--user", "--proxy-user"})
"""Arguments that are followed by ``name:password``."""
_NAMES = ("name", "Name", "key", "Key", "HeaderName", "headerName", "ParameterName", "ParameterKey", "OptionName")
_ANY_NAME = frozenset(_NAMES)
_NO_TEXT = frozenset({int, float, bool, type(None)})
"""Types whose values hold no secret."""
_VALUES = frozenset({"value", "Value", "values", "Values", "HeaderValue", "headerValue", "ParameterValue"})


class Masked(dict[str, Any]):
    """Attributes or tags whose secrets are marks already."""


class Masking:
    """Masks attributes in place. `more` are further words that say secret in a key, as an operator may set them."""

    def __init__(self, more: Iterable[str] = ()) -> None:
        words = (*WORDS, *filter(None, map(letters, more)))
        self._says: Says = functools.lru_cache(maxsize=20_000)(lambda key: says_secret(key, words))
        self._header_says: Says = functools.lru_cache(maxsize=20_000)(lambda key: self._says(key) or header_says_secret(key))

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
        return secret_texts.masked(text, self._says, self._header_says)

    def _mask(self, node: Any, says: Says, *, secret: bool) -> None:
        if isinstance(node, dict):
            self._mask_object(node, says, secret=secret)
        else:
            self._mask_list(node, says, secret=secret)

    def _mask_object(self, node: dict[str, Any], says: Says, *, secret: bool) -> None:
        name = "" if _ANY_NAME.isdisjoint(node) else next((node[key] for key in _NAMES if isinstance(node.get(key), str)), "")
        is_pair = bool(name) and (self._header_says if "HeaderName" in node or "headerName" in node else says)(name)
        for key, value in node.items():
            if type(value) in _NO_TEXT:
                continue
            inside = self._header_says if "header" in key.lower() else says
            below = not is_exempt(key) if secret else says(key)
            node[key] = self._value(key, value, inside, secret=below or (is_pair and key in _VALUES))

    def _mask_list(self, node: list[Any], says: Says, *, secret: bool) -> None:
        follows, previous = False, ""
        for index, value in enumerate(node):
            is_argument = isinstance(value, str) and bool(_ARGUMENT.fullmatch(value))
            node[index] = self._value("", value, says, secret=secret or (follows and isinstance(value, str) and not is_argument))
            if previous in _LOGINS and isinstance(value, str):
                node[index] = secret_texts.login(node[index])
            elif isinstance(value, str) and (flag := value.partition("=")[0]) in _LOGINS and flag != value:
                node[index] = secret_texts.attached(flag, node[index])
            follows, previous = is_argument and self._says(value), value if isinstance(value, str) else ""

    def _value(self, key: str, value: Any, says: Says, *, secret: bool) -> Any:
        if isinstance(value, dict | list):
            self._mask(value, says, secret=secret)
            return value
        if not isinstance(value, str) or len(value) > 100 or not is_exempt(key):
            return self._string(key, value, secret=secret) if isinstance(value, str) else value
        return value

    def _string(self, key: str, value: str, *, secret: bool) -> str:
        if secret and value and not secret_texts.HARMLESS.fullmatch(value) and not (_NUMBER.fullmatch(value) and is_quantity(key)):
            return REDACTED
        if len(value) <= 5 or value.startswith("arn:"):
            return value
        if secret_texts.hides_a_secret(value, self._says, self._header_says):
            return REDACTED
        return self.text(value)
