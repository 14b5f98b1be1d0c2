"""What a job may say about Google Cloud. Endpoints and the worker's own credentials are the operator's, never a job's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

import msgspec

from providers.errors import ConfigError
from providers.google import key as google_key

CREDENTIALS_VARIABLES = ("GCP_CREDENTIALS_FILE", "GOOGLE_APPLICATION_CREDENTIALS")
"""Where the operator names a credential file."""

OPERATOR_VARIABLES = (
    *CREDENTIALS_VARIABLES,
    "GOOGLE_ENDPOINT_URL",
    "GOOGLE_CA_BUNDLE",
    "STORAGE_EMULATOR_HOST",
)

_PROJECT = re.compile(r"([a-z][a-z0-9.-]*:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")
"""With the domain of the old ``example.com:project``."""


class GcpConfig(msgspec.Struct, frozen=True):
    """Which projects, as whom.

    Without a key of its own, a job uses the worker's identity: `GCP_CREDENTIALS_FILE`, else Application Default Credentials
    (`GOOGLE_APPLICATION_CREDENTIALS`, or the metadata server of the machine or of GKE's workload identity).
    """

    project_ids: tuple[str, ...] = ()
    """Empty: every active project that the credentials see."""
    credentials_json: google_key.Key | None = None
    """A service account's key, as the JSON object that Google gives out."""
    credentials_path: str | None = None
    """A file with one, under DISCOVERY_ALLOWED_PATHS."""
    page_size: Annotated[int, msgspec.Meta(ge=1, le=500)] | None = None
    """Items asked for in one call, within what each call allows. Unset: as many as Google gives."""
    parallel_projects: Annotated[int, msgspec.Meta(ge=1, le=32)] = 2
    """Projects read at once."""
    batch_size: Annotated[int, msgspec.Meta(ge=1, le=5000)] = 100
    """Resources handed on at once."""

    def __post_init__(self) -> None:
        """Raises `ValueError` with everything that does not fit together."""
        complaints = list(self._complaints())
        if complaints:
            raise ValueError("; ".join(complaints))

    def _complaints(self) -> Iterator[str]:
        for project in self.project_ids:
            if not _PROJECT.fullmatch(project):
                yield f"`project_ids`: '{project}' is not the id of a project (my-project-123, not its name or number)"
        if self.credentials_json is not None and self.credentials_path:
            yield "`credentials_json` and `credentials_path` exclude each other"
        if self.credentials_json is not None:
            try:
                google_key.check_job(self.credentials_json, "credentials_json")
            except ConfigError as error:
                yield from error.complaints
