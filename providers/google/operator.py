"""The operator's settings for all of Google: where its APIs are, which authority to trust there, and the credentials of the machine."""

from __future__ import annotations

from typing import Annotated

import msgspec

from providers.variables import setting


class GoogleOperator(msgspec.Struct, frozen=True):
    """Settings of every provider that signs in by `providers.google.signin`."""

    endpoint_url: Annotated[
        str,
        setting(
            "Base URL of all Google APIs and of the token endpoint: a private endpoint, or a simulator. Without: Google's own.",
            variable="GOOGLE_ENDPOINT_URL",
        ),
    ] = ""
    ca_bundle: Annotated[
        str,
        setting(
            "File with the CA certificates for Google's APIs, where a proxy or `GOOGLE_ENDPOINT_URL` has its own. Without: the system's.",
            variable="GOOGLE_CA_BUNDLE",
            file=True,
        ),
    ] = ""
    application_credentials: Annotated[
        str,
        setting(
            "File with Application Default Credentials, for jobs that bring no key, where `GCP_CREDENTIALS_FILE` is not set.",
            variable="GOOGLE_APPLICATION_CREDENTIALS",
            file=True,
        ),
    ] = ""
