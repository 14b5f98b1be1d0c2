"""What the operator says of sources: which are on, how often connectors sync, who to be there. Providers read it as they were given it."""

from __future__ import annotations

from functools import cache
from typing import Annotated

import msgspec
from msgspec import Meta

Secret = Annotated[str, Meta(extra={"secret": True})]
Interval = Annotated[float, Meta(ge=10, description="Seconds between two syncs.")]

_TRI = "true: its connector syncs and its jobs run; unset: only jobs; false: neither."


class SourceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Of the sources."""

    aws_enabled: Annotated[bool, Meta(description=_TRI)] | None = None
    aws_sync_interval: Interval = 3600
    aws_access_key_id: Annotated[str, Meta(description="Access key; without one the worker's own role.", extra={"secret": True})] = ""
    aws_secret_access_key: Annotated[str, Meta(description="Its secret.", extra={"secret": True})] = ""
    aws_session_token: Annotated[str, Meta(description="With temporary keys.", extra={"secret": True})] = ""
    aws_default_region: Annotated[str, Meta(description="Home region of API calls.")] = ""
    aws_regions: Annotated[str, Meta(description="Regions to read, separated by commas; empty: all that are enabled.")] = ""
    aws_credentials_file: Annotated[str, Meta(description="JSON or INI file with keys.")] = ""
    aws_role_arn: Annotated[str, Meta(description="Role to assume, with a web identity token.")] = ""
    aws_web_identity_token_file: Annotated[str, Meta(description="Set by Kubernetes for IRSA.")] = ""
    aws_endpoint_url: Annotated[str, Meta(description="Another endpoint for all services: private, or a simulator.")] = ""

    google_endpoint_url: Annotated[
        str, Meta(description="Another base URL for all Google APIs and /token: a private endpoint, or a simulator.")
    ] = ""
    google_ca_bundle: Annotated[str, Meta(description="CA file for Google's APIs, where a proxy or GOOGLE_ENDPOINT_URL has its own.")] = ""

    gcp_enabled: Annotated[bool, Meta(description=_TRI)] | None = None
    gcp_sync_interval: Interval = 3600
    gcp_project_id: Annotated[str, Meta(description="Project of the connector.")] = ""
    gcp_credentials_path: Annotated[str, Meta(description="Service account file of the connector.")] = ""
    gcp_credentials_file: Annotated[str, Meta(description="Service account file of jobs that bring none.")] = ""
    storage_emulator_host: Annotated[str, Meta(description="Another endpoint for Cloud Storage.")] = ""

    azure_enabled: Annotated[bool, Meta(description="false: jobs of this provider are refused.")] | None = None
    azure_credentials_file: Annotated[str, Meta(description="Service principal file of jobs that bring none.")] = ""
    azure_cloud: Annotated[str, Meta(description="AzureCloud, AzureUSGovernment or AzureChinaCloud.")] = ""

    kubernetes_enabled: Annotated[bool, Meta(description="false: jobs of this provider are refused.")] | None = None
    kubeconfig: Annotated[str, Meta(description="kubeconfig file of jobs that bring none.")] = ""

    google_workspace_enabled: Annotated[bool, Meta(description="Whether the connector syncs.")] = False
    google_workspace_sync_interval: Interval = 3600
    google_workspace_credentials_path: Annotated[str, Meta(description="Service account file with domain-wide delegation.")] = ""
    google_workspace_admin_email: Annotated[str, Meta(description="Administrator to act as.")] = ""
    google_workspace_customer_id: Annotated[str, Meta(description="Customer; my_customer is the account's own.")] = "my_customer"

    ldap_enabled: Annotated[bool, Meta(description="Whether the connector syncs.")] = False
    ldap_sync_interval: Interval = 3600
    ldap_server: Annotated[str, Meta(description="Host name.")] = ""
    ldap_port: Annotated[int, Meta(ge=1, le=65535, description="Port; 389, or 636 with LDAP_USE_SSL.")] | None = None
    ldap_use_ssl: Annotated[bool, Meta(description="LDAPS.")] = False
    ldap_start_tls: Annotated[bool, Meta(description="StartTLS on the plain port.")] = False
    ldap_verify_cert: Annotated[bool, Meta(description="false: any certificate is taken; for tests only.")] = True
    ldap_ca_cert: Annotated[str, Meta(description="File with the CA certificate, instead of the system's.")] = ""
    ldap_bind_dn: Annotated[str, Meta(description="Who to bind as; empty: anonymous.")] = ""
    ldap_bind_password: Annotated[str, Meta(description="Its password.", extra={"secret": True})] = ""
    ldap_base_dn: Annotated[str, Meta(description="Where to search.")] = ""
    ldap_user_filter: Annotated[str, Meta(description="Which entries are users.")] = "(objectClass=person)"
    ldap_group_filter: Annotated[str, Meta(description="Which entries are groups.")] = (
        "(|(objectClass=group)(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))"
    )

    okta_enabled: Annotated[bool, Meta(description="Whether the connector syncs.")] = False
    okta_sync_interval: Interval = 3600
    okta_domain: Annotated[str, Meta(description="Host of the organization, such as example.okta.com.")] = ""
    okta_api_token: Annotated[str, Meta(description="API token.", extra={"secret": True})] = ""

    authentik_enabled: Annotated[bool, Meta(description="Whether the connector syncs.")] = False
    authentik_sync_interval: Interval = 3600
    authentik_domain: Annotated[str, Meta(description="Host, such as auth.example.com; with https:// and a port if need be.")] = ""
    authentik_api_token: Annotated[str, Meta(description="API token.", extra={"secret": True})] = ""
    authentik_verify_ssl: Annotated[bool, Meta(description="false: any certificate is taken; for tests only.")] = True


CONNECTORS = ("aws", "gcp", "google_workspace", "ldap", "okta", "authentik")
"""Those that can sync on a schedule."""


@cache
def operator_names() -> tuple[str, ...]:
    """Every environment variable that a source may be given."""
    from providers import registry  # noqa: PLC0415 - only who loads settings pays for it

    own = (field.name.upper() for field in msgspec.structs.fields(SourceSettings))
    theirs = (name for provider in registry.loadable() for name in provider.operator_variables)
    return tuple(dict.fromkeys((*own, *theirs)))
