"""The address of a service, from its domain as an operator writes it: ``example.okta.com``, ``https://auth.example.com:9443/``."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def base_url(domain: str) -> str:
    """The URL that paths are appended to, without a slash at its end. Raises `ValueError`, which says what is wrong.

    Without a scheme it is https. Plain http goes to this machine only: a token would be readable on the way.
    """
    text = domain.strip().rstrip("/")
    parts = urlsplit(text if "://" in text else f"https://{text}")
    try:
        port = parts.port
    except ValueError:
        raise ValueError(f"'{parts.netloc.rpartition('@')[2]}' has a port that is no number from 0 to 65535") from None
    if parts.username is not None or parts.query or parts.fragment or not parts.hostname or set(parts.hostname) & set(" ,;<>\"'\\"):
        raise ValueError("it must be a host, with a scheme and a port if need be, such as example.com or https://example.com:9443")
    if parts.scheme not in ("https", "http"):
        raise ValueError(f"'{parts.scheme}' is no scheme that can be used: it must be https")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError(f"plain http would show the token to everybody on the way to {parts.hostname}: use https")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = {"https": 443, "http": 80}[parts.scheme]
    return f"{parts.scheme}://{host}{f':{port}' if port not in (None, usual) else ''}{parts.path.rstrip('/')}"


def is_loopback(host: str) -> bool:
    """True for names and addresses of this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def display_host(url: str) -> str:
    """A base URL as people write it: host, and port and path where they are not the usual ones."""
    return url.partition("://")[2]
