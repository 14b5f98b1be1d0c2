"""TLS settings: which certificates are accepted."""

from __future__ import annotations

import ssl


def tls(ca_file: str = "", *, verify: bool = True) -> ssl.SSLContext:
    """How a certificate is checked: with the system's CAs, or with those in `ca_file` alone."""
    context = ssl.create_default_context(cafile=ca_file or None)
    if ca_file:  # from Python 3.13 on strict, which many private authorities are not: that of EKS names no key of its issuer
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not verify:
        import urllib3  # noqa: PLC0415 - the API, which sends without it, would carry it

        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # the operator knows; a line for each request tells nobody
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
