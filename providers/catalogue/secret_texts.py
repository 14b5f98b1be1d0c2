"""The secrets inside texts: assignments, arguments, headers, addresses with a password, and tokens of a known shape.

Every pattern is bounded, so that a text takes time in proportion to its length.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable

from providers.schema import REDACTED
from providers.token_shapes import TOKENS, USER_INFO

HARMLESS = re.compile(
    r"arn:[\w-]*:.*"
    r"|[a-z][a-z0-9+.-]{1,20}://.*"
    r"|-?\d{1,5}|-?\d{1,10}\.\d+"
    r"|\d{4}-\d\d-\d\d(?:[T ][\d:.,]+)?(?:Z|[+-]\d\d:?\d\d)?"
    r"|[a-z]{1,12}-[0-9a-f]{8,17}"
    r"|/(?:app|certs?|config|data|dev|etc|home|mnt|opt|proc|root|run|secrets?|srv|tmp|usr|var)/[\w./@-]*"
    r"|true|false|null|none"
    r"|\$\{\w+\}|\$\(\w+\)|(?-i:\$[A-Z_][A-Z0-9_]*)|\{\{[^{}]*\}\}",
    re.DOTALL | re.IGNORECASE,
)
"""Values that are not secrets, whatever their name says: ARNs, addresses, small numbers, times, ids of AWS, file paths, references."""

_KEY = "PRIVATE KEY(?: BLOCK)?-----"
_SHAPES = re.compile(
    TOKENS + r"|(?<![\w.-])eyJ[\w-]{8,4000}\.eyJ[\w-]{8,16000}\.[\w-]{0,4000}"
    rf"|-----BEGIN [A-Z ]{{0,40}}{_KEY}(?:(?!-----END)[\s\S]){{0,20000}}(?:-----END [A-Z ]{{0,40}}{_KEY})?"
)
_SHORTEST = 12
"""Characters of the shortest text that `_SHAPES` matches."""
_VALUE = r"""("[^"\n]{0,4000}"|'[^'\n]{0,4000}'|[^\s"',;&]{1,4000})"""
_ASSIGNED = re.compile(rf"(?<![\w.-])(-{{0,2}}[\w.-]{{1,80}})(=){_VALUE}")
_SETTING = re.compile(rf"(?<![\w.-])([\w.-]{{1,80}})([ \t]{{1,8}}=>?[ \t]{{1,8}}|=>){_VALUE}")
_FLAG = re.compile(rf"(?<![\w.-])(--?[A-Za-z][\w.-]{{1,80}})([ \t]{{1,20}})(?!-){_VALUE}")
_QUOTED_KEY = re.compile(r"""["']([\w.-]{1,80})["'](\s{0,10}:\s{0,10})("(?:[^"\\\n]|\\.){0,4000}"|'[^'\n]{0,4000}')""")
_ESCAPED_KEY = re.compile(r"""\\{1,7}"([\w.-]{1,80})(\\{1,7}"\s{0,10}:\s{0,10}\\{1,7}")([^"\\\n]{1,4000})(?=\\)""")
"""A pair in JSON that is a string of JSON, whose quotes stand behind backslashes."""
_LINE = re.compile(r"^[ \t]{0,200}(?:- )?([\w.-]{1,80})(:[ \t]{1,20})([^\n]{1,4000})$", re.MULTILINE)
_QUOTED_HEADER = re.compile(r"""(?<=["'])([\w-]{1,80})(:[ \t]{1,8})([^"'\n]{1,4000})(?=["'])""")
_ELEMENT = re.compile(r"<([\w.:-]{1,80})(>)([^<>\n]{1,4000})(?=</)")
_SCHEME = re.compile(r"(\b(?:bearer|basic|apikey|sharedaccesssignature) {1,4})(?=[^\d\s]{0,100}\d)([\w.~+/=&%-]{16,4000})", re.IGNORECASE)
_AUTHORIZATION = re.compile(
    r"""(\bauthorization["']?\s{0,8}[:=]\s{0,8}["']?(?:[a-z]{1,20}[ \t]{1,4})?)([^\s"',;]{3,4000})""", re.IGNORECASE
)
_REGISTRY = re.compile(r"""("_?auth"\s{0,8}:\s{0,8}")([^"\n]{8,4000})""")
_USER_INFO = re.compile(USER_INFO)
_LOGIN = re.compile(r"(\blogin[ \t]{1,8}\S{1,200}\s{1,8}password[ \t]{1,8})(\S{1,400})")
_SQL_CLIENT = re.compile(r"(\b(?:mysql|mysqldump|mysqladmin|mariadb)\b[^\n|;&]{0,400}?[ \t]-p)([^\s\"'-][^\s\"']{0,200})")
_HTTP_CLIENT = re.compile(
    r"(\b(?:curl|wget|http)\b[^\n|;]{0,1000}?[ \t](?:-[a-zA-Z]{0,6}u|--user)[ \t=]{0,4}[\"']?[^\s:\"']{1,200}:)([^\s\"']{1,400})"
)
_BASE64 = re.compile(r"[A-Za-z0-9+/]{24,}={0,2}")

Says = Callable[[str], bool]


def masked(text: str, says: Says, header_says: Says) -> str:
    """A text in which each secret is a mark. `says` knows names of keys, `header_says` those of headers and query parameters too."""
    if "=" in text:
        text = _SETTING.sub(_replacing(says), _ASSIGNED.sub(_replacing(header_says), text))
    if " " in text:
        text = _commands(text, says)
    if ":" in text:
        text = _named(text, says, header_says)
    if "</" in text:
        text = _ELEMENT.sub(_replacing(says), text)
    return _SHAPES.sub(REDACTED, text) if len(text) >= _SHORTEST else text


def hides_a_secret(text: str, says: Says, header_says: Says) -> bool:
    """True for base64 of a text that has a secret: the script of a machine, a document within a document."""
    if len(text) % 4 or not _BASE64.fullmatch(text):
        return False
    try:
        inside = base64.b64decode(text, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return False
    return masked(inside, says, header_says) != inside


def login(text: str) -> str:
    """The value of an argument ``--user``, its password a mark: ``name:***``. Numbers are the ids of a user and a group."""
    name, colon, password = text.partition(":")
    return text if not password or HARMLESS.fullmatch(password) else f"{name}{colon}{REDACTED}"


def attached(flag: str, argument: str) -> str:
    """An argument that holds the flag's value, ``--user=name:password``, the password a mark."""
    return f"{flag}={login(argument[len(flag) + 1 :])}"


def _commands(text: str, says: Says) -> str:
    """Arguments of commands, and the credentials in them."""
    if "-" in text:
        text = _FLAG.sub(_replacing(says), text)
        text = _SQL_CLIENT.sub(rf"\1{REDACTED}", text)
        text = _HTTP_CLIENT.sub(rf"\1{REDACTED}", text)
    return _LOGIN.sub(rf"\1{REDACTED}", _SCHEME.sub(rf"\1{REDACTED}", text))


def _named(text: str, says: Says, header_says: Says) -> str:
    """Values behind a name and a colon, and passwords in addresses."""
    if "uthori" in text or "UTHORI" in text:
        text = _AUTHORIZATION.sub(lambda found: found[0] if HARMLESS.fullmatch(found[2]) else found[1] + REDACTED, text)
    if '"' in text or "'" in text:
        text = _REGISTRY.sub(rf"\1{REDACTED}", text)
        text = _QUOTED_KEY.sub(_replacing(says), text)
        text = _ESCAPED_KEY.sub(_replacing(says), text)
        text = _QUOTED_HEADER.sub(_replacing(header_says), text)
    text = _LINE.sub(_replacing(header_says if "\n" not in text else says), text)
    return _USER_INFO.sub(rf"\1{REDACTED}@", text)


def _replacing(says: Says) -> Callable[[re.Match[str]], str]:
    """Makes the function that masks the third group of a match, where the first one says secret."""

    def replaced(match: re.Match[str]) -> str:
        name, _, value = match.groups()
        bare = value.strip("\"'")
        if not bare or HARMLESS.fullmatch(bare) or not says(name):
            return match[0]
        return match[0].removesuffix(value) + value.replace(bare, REDACTED)

    return replaced
