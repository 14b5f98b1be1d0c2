"""Addresses and keys of the service: its database, its API, its health endpoints."""

from __future__ import annotations

from typing import Annotated

import msgspec

from providers.schema import Secret
from providers.variables import setting


class Addresses(msgspec.Struct, frozen=True, kw_only=True):
    """The settings that say where the service and what it talks to are."""

    database_url: Annotated[
        Secret, setting("PostgreSQL of the worker and the API, as a URL. Without it no discovery jobs run; connectors do.")
    ] = ""
    database_read_url: Annotated[
        Secret, setting("A replica that is asked whether jobs are due. The primary confirms each claim, so a late replica does no harm.")
    ] = ""
    database_listen_url: Annotated[
        Secret, setting("PostgreSQL without a pooler between, for notifications. Without: behind PgBouncer jobs start within 5 s.")
    ] = ""
    elder_api_url: Annotated[str, setting("The Elder API that connectors deliver to.")] = "http://api:5000"
    elder_api_key: Annotated[
        Secret,
        setting("Key that the worker sends, and the first admin key of the Elder API, which needs it unless it is on loopback."),
    ] = ""
    elder_sync_key: Annotated[
        Secret,
        setting(
            "Key that the Elder API takes beside `ELDER_API_KEY`, with the role `sync`: for workers, as their `ELDER_API_KEY`. With it "
            "they deliver what connectors found, and do nothing else."
        ),
    ] = ""
    elder_api_host: Annotated[str, setting("Address that the Elder API listens on.")] = "127.0.0.1"
    elder_api_port: Annotated[int, setting("Port of the Elder API.", ge=1, le=65535)] = 5000
    elder_api_tls_cert: Annotated[
        str,
        setting(
            "File with the certificate of the Elder API and its chain, in PEM: the API then speaks https only. With `ELDER_API_TLS_KEY`. "
            "Renewed files are used for new connections within 10 s."
        ),
    ] = ""
    elder_api_tls_key: Annotated[str, setting("File with the key of that certificate, in PEM, without a passphrase.")] = ""
    elder_api_trusted_proxies: Annotated[
        tuple[str, ...],
        setting(
            "Addresses or networks, with commas, of the reverse proxies in front of the Elder API. Their `X-Forwarded-For` is believed, so "
            "that the audit log and the limit on wrong keys see the caller's address. Nobody else's is."
        ),
    ] = ()
    elder_api_open_network: Annotated[
        str,
        setting(
            "Network, such as 172.31.255.0/29, from which the Elder API asks for no key where it is called as localhost: a container "
            "network that has the API alone, with a port published on the host's loopback, as in docker-compose.yml. Without: none."
        ),
    ] = ""
    elder_api_ca_bundle: Annotated[
        str, setting("File with the CA certificates that sign the one of `ELDER_API_URL`, in PEM. Without: the system's.")
    ] = ""
    elder_webhook_networks: Annotated[
        tuple[str, ...],
        setting(
            "Private addresses or networks, with commas, that webhooks may be delivered to, over http as well. Without: public "
            "addresses over https only. Metadata services are never reached."
        ),
    ] = ()
    elder_webhook_ca_bundle: Annotated[
        str, setting("File with the CA certificates that sign those of webhooks' receivers, in PEM. Without: the system's.")
    ] = ""
    elder_secret_keys: Annotated[
        tuple[str, ...],
        setting(
            "Fernet keys for secrets at rest, with commas: the first encrypts, all decrypt. Made by `elder-worker keygen`.", secret=True
        ),
    ] = ()
    health_check_host: Annotated[str, setting("Address of /healthz, /readyz, /status and /metrics.")] = "0.0.0.0"  # noqa: S104 - as documented
    health_check_port: Annotated[int, setting("Port of the health endpoints.", ge=1, le=65535)] = 8000
    health_check_names: Annotated[
        tuple[str, ...],
        setting(
            "Host names, with commas, under which a browser may open the status page and /status, beside localhost and IP addresses. "
            "/healthz, /readyz and /metrics answer under every name."
        ),
    ] = ()
