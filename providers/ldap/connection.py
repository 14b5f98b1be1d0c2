"""The one bound connection to a directory: encrypted as far as the operator wants it, at the first of its servers that answers."""

from __future__ import annotations

import collections
import contextlib
import functools
import ssl
from collections.abc import Callable
from typing import Any

import ldap3
from ldap3.core import exceptions as errors

from providers.address import is_loopback
from providers.errors import CredentialsError, ProviderError, Throttled, TimedOut
from providers.http.credential import Credential
from providers.ldap import failure
from providers.ldap.config import LdapConfig
from providers.ldap.servers import Server

CONNECT_TIMEOUT = 10
"""Seconds to connect to one server."""

RECEIVE_TIMEOUT = 90
"""Seconds to wait for any answer. It is longer than the time limit of a search, so that the server gives up first, and says so."""

SEARCH_RESULT_ENTRY = 4
"""Number of the answer with one entry (RFC 4511, 4.5.2)."""


class Connections:
    """Makes the connection when it is needed, and anew when it broke: then at the next server."""

    def __init__(self, config: LdapConfig) -> None:
        self._config = config
        self._servers = collections.deque(config.servers)
        self._connection: ldap3.Connection | None = None
        self.credential = Credential("the directory")
        """The verdict over the bind DN: one that was refused is not bound with again, as that would lock the account."""
        self.number = 0
        """Counts the connections: the cookie of a paged search means nothing to another one."""

    @property
    def server(self) -> Server:
        """The server that is connected to, or the next one to try."""
        return self._servers[0]

    @property
    def encryption(self) -> str:
        """How the connection is encrypted: LDAPS, StartTLS or none."""
        connection = self.get()
        return "LDAPS" if self.server.tls else "StartTLS" if connection.tls_started else "none"

    def get(self) -> ldap3.Connection:
        """The connection. Raises `CredentialsError`, or `TimedOut` when no server answers."""
        if self._connection is None:
            self.credential.ensure_accepted()
            self._connection = self._connect()
            self.number += 1
        return self._connection

    def close(self) -> None:
        """Unbinds from the server."""
        if self._connection is not None:
            _hang_up(self._connection)
            self._connection = None

    def failed(self) -> None:
        """Gives the connection up; the next one is to the next server."""
        self.close()
        self._servers.rotate(-1)

    def _connect(self) -> ldap3.Connection:
        silent: list[tuple[Server, TimedOut | Throttled]] = []
        while len(silent) < len(self._servers):
            try:
                return connect(self._config, self.server)
            except (TimedOut, Throttled) as error:
                silent.append((self.server, error))
                self._servers.rotate(-1)
            except CredentialsError as error:
                self.credential.refuse(error)
                raise
        if len(silent) == 1:
            raise silent[0][1]
        raise TimedOut(
            f"no server of the directory answers: {', '.join(str(server) for server, _ in silent)}; check LDAP_SERVER and LDAP_PORT",
            detail="; ".join(f"{server}: {error} {error.detail}" for server, error in silent),
        )


def connect(config: LdapConfig, server: Server) -> ldap3.Connection:
    """A bound connection to one server.

    Where the operator says nothing about encryption, StartTLS is tried; without it, a password goes in the clear to this machine only.
    """
    if server.tls or config.start_tls or config.use_ssl is False:
        return _bound(config, server, start_tls=bool(config.start_tls))
    try:
        return _bound(config, server, start_tls=True)
    except failure.NoEncryption as error:
        if config.bind_password and not is_loopback(server.host):
            raise CredentialsError(
                f"the directory at {server} does not offer StartTLS, and the password does not go in the clear to another host: "
                "set LDAP_USE_SSL=true for LDAPS, or LDAP_USE_SSL=false to send it unencrypted",
                detail=error.detail,
            ) from None
    except failure.NotVerified:
        if not is_loopback(server.host):
            raise
    return _bound(config, server, start_tls=False)


def _bound(config: LdapConfig, server: Server, *, start_tls: bool) -> ldap3.Connection:
    connection = _unbound(config, server)
    try:
        connection.open()
        if start_tls:
            connection.start_tls()
        bound = connection.bind(controls=[(failure.PASSWORD_POLICY, False, None)])
    except errors.LDAPException as error:
        _hang_up(connection)
        raise failure.classified(error, str(server)) from None
    if bound:
        refusal: ProviderError | None = failure.restricted(connection.result, config)
    else:
        refusal = failure.refused(connection.result, config, encrypted=is_encrypted(connection))
    if refusal:
        _hang_up(connection)
        raise refusal
    return connection


def is_encrypted(connection: ldap3.Connection) -> bool:
    """True for LDAPS, and after StartTLS."""
    return bool(connection.server.ssl or connection.tls_started)


def _unbound(config: LdapConfig, server: Server) -> ldap3.Connection:
    validate = ssl.CERT_REQUIRED if config.verify_cert else ssl.CERT_NONE
    version = ssl.PROTOCOL_TLS_CLIENT if config.ca_cert else None  # the first is not strict: see `providers.http.tls`
    tls = ldap3.Tls(validate=validate, version=version, ca_certs_file=config.ca_cert)
    target = ldap3.Server(server.host, server.port, server.tls, get_info=ldap3.NONE, tls=tls, connect_timeout=CONNECT_TIMEOUT)
    connection = ldap3.Connection(
        target,
        config.bind_dn,
        config.bind_password,
        auto_referrals=False,
        auto_range=False,  # ldap3's own takes a refused range for the last one
        check_names=False,
        receive_timeout=RECEIVE_TIMEOUT,
        return_empty_attributes=False,
        read_only=True,
    )
    strategy = connection.strategy  # its methods are bound to the connection already: another one in its place would not be asked
    strategy.decode_response_fast = functools.partial(_decoded, strategy.decode_response_fast)
    return connection


def _decoded(decode: Callable[[dict[str, Any]], dict[str, Any]], message: dict[str, Any]) -> dict[str, Any]:
    """A message that ldap3 has taken apart, as `decode` returns it; of an entry the bytes alone, of which `decode` would make text too."""
    if message["protocolOp"] != SEARCH_RESULT_ENTRY or message["controls"]:
        return decode(message)
    (*_, dn), (*_, attributes) = message["payload"]
    raw = {name[3].decode("ascii", "backslashreplace"): [value[3] for value in values[3]] for *_, (name, values) in attributes}
    return {"type": "searchResEntry", "raw_dn": dn, "raw_attributes": raw}


def _hang_up(connection: ldap3.Connection) -> None:
    """Closes the socket, in whatever state it is; ldap3 leaves it open when a handshake fails."""
    with contextlib.suppress(errors.LDAPException, OSError):
        connection.unbind()
    if connection.socket is not None:
        connection.socket.close()
