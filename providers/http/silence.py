"""A connection that brought no answer, in a sentence: each of a refused connection, DNS, TLS and time-outs has words of its own."""

from __future__ import annotations

import errno
import re

import urllib3.exceptions as urllib3

from providers.errors import CredentialsError, ProviderError, TimedOut
from providers.http.proxy import Proxy
from providers.http.response import host


def silence(
    error: urllib3.HTTPError, name: str, url: str, what: str, *, advice: str, trust: str, proxy: Proxy | None = None
) -> ProviderError:
    """The error for a request without an answer. `advice` is what to do when the source cannot be reached, `trust` for its certificate.

    `proxy` is what the request went through.
    """
    text = str(error)
    if proxy and isinstance(error, urllib3.ProxyError):
        return _no_way_through(error, name, url, proxy)
    if isinstance(error, urllib3.SSLError):
        return _tls(text, name, host(url), advice, trust)
    if reason := _unreached(error, text):
        return TimedOut(f"{name} cannot be reached at {host(url)}: {reason}; {advice}", detail=text)
    if isinstance(error, urllib3.ReadTimeoutError):
        return TimedOut(f"no whole answer from {name} to '{what}': it accepts connections, but was silent for too long", detail=text)
    return TimedOut(f"no whole answer from {name} to '{what}': the connection broke ({type(error).__name__})", detail=text)


def _no_way_through(error: urllib3.ProxyError, name: str, url: str, proxy: Proxy) -> ProviderError:
    """Explains the refusal or the silence of a proxy."""
    cause, through = error.original_error, f"the proxy at {proxy.host} ({proxy.setting})"
    text = f"{error} {cause}"
    status = int(found[1]) if (found := re.search(r"Tunnel connection failed: (\d{3})", text)) else 0
    if status in (401, 407):  # some proxies say 401 of a wrong password
        sentence = f"{through} does not accept our credentials ({status}): write user and password into its address"
        return CredentialsError(sentence, detail=text)
    if status:
        return TimedOut(f"{through} does not let us through to {host(url)}, for {name} ({status}): allow it there", detail=text)
    if isinstance(cause, urllib3.SSLError):
        return TimedOut(f"{through} does not complete the TLS handshake: must its address begin with http://?", detail=text)
    reason = _unreached(cause, str(cause)) if isinstance(cause, urllib3.HTTPError) else ""
    return TimedOut(f"{through} cannot be reached, on the way to {name}: {reason or 'the connection broke'}", detail=text)


def _tls(text: str, name: str, where: str, advice: str, trust: str) -> ProviderError:
    plain = text.lower().replace("_", " ")
    if "certificate verify failed" in plain or "doesn't match" in plain:
        return CredentialsError(f"the certificate of {name} at {where} cannot be verified: {_certificate_fault(plain)}{trust}", detail=text)
    return TimedOut(f"{name} at {where} does not complete the TLS handshake: does it speak TLS on this port? {advice}", detail=text)


_CERTIFICATE_FAULTS = (
    ("certificate has expired", "it has expired; "),
    ("not yet valid", "it is not valid yet (is the clock of this machine right?); "),
    ("hostname mismatch", "it is for another host; "),
    ("ip address mismatch", "it is for another address; "),
    ("doesn't match", "it is for another host; "),
)


def _certificate_fault(plain: str) -> str:
    return next((sentence for words, sentence in _CERTIFICATE_FAULTS if words in plain), "")


def _unreached(error: urllib3.HTTPError, text: str) -> str:
    """Why no connection was made; empty when there was one."""
    if isinstance(error, urllib3.NameResolutionError):
        return "its name cannot be resolved (DNS)"
    if isinstance(error, urllib3.NewConnectionError):
        return _REASONS.get(getattr(error.__cause__, "errno", None) or 0, f"no connection could be made ({text.rpartition(': ')[2]})")
    if isinstance(error, urllib3.ConnectTimeoutError):
        return "no connection within the time-out, as behind a firewall that drops packets"
    return ""


_REASONS = {
    errno.ECONNREFUSED: "the connection is refused, so nothing listens there",
    errno.ENETUNREACH: "there is no route to its network",
    errno.EHOSTUNREACH: "there is no route to it",
    errno.ECONNRESET: "the connection was reset while it was made",
}
