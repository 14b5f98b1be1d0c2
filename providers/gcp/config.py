"""The config of a job on Google Cloud. Endpoints and the worker's own credentials are the operator's, never a job's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from providers.errors import ConfigError
from providers.google import key as google_key
from providers.google.operator import GoogleOperator
from providers.schema import SourceConfig
from providers.variables import setting

_GLOB = re.compile(r"[a-z0-9.:*?!\[\]-]+")
_PROJECT = re.compile(r"([a-z][a-z0-9.-]*:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")
"""The id of a project, perhaps with the domain of the old ``example.com:project``."""


class GcpOperator(GoogleOperator, frozen=True):
    """The operator's settings: as whom, and where Cloud Storage is."""

    credentials_file: Annotated[
        str, setting("File with the key of a service account, for jobs that bring no key of their own.", file=True)
    ] = ""
    storage_emulator_host: Annotated[
        str, setting("Another endpoint for Cloud Storage, such as a simulator's.", variable="STORAGE_EMULATOR_HOST")
    ] = ""


class GcpConnector(msgspec.Struct, frozen=True):
    """The variables of the GCP connector."""

    project_ids: Annotated[
        tuple[str, ...],
        setting("Project to read, or several with commas. Without: every active project that is visible.", variable="GCP_PROJECT_ID"),
    ] = ()
    exclude_projects: Annotated[
        tuple[str, ...], setting("Globs of projects to leave out, with commas (`test-*`), where no project is named.")
    ] = ()
    credentials_path: (
        Annotated[str, setting("File with the key of a service account. Without: `GCP_CREDENTIALS_FILE`, else the machine's.", file=True)]
        | None
    ) = None


class GcpConfig(SourceConfig, frozen=True):
    """The projects to read, and the credentials to read them with.

    Without a key of its own, a job uses the worker's identity: `GCP_CREDENTIALS_FILE`, else Application Default Credentials
    (`GOOGLE_APPLICATION_CREDENTIALS`, or the metadata server of the machine or of GKE's workload identity).
    """

    project_ids: Annotated[
        tuple[str, ...],
        msgspec.Meta(
            description=(
                "Projects to read. Empty: every project that the credentials see, but for those of Apps Script (`sys-` and "
                "digits) and of `exclude_projects`."
            )
        ),
    ] = ()
    organization_id: Annotated[
        str,
        msgspec.Meta(
            description=("Number of an organization: every visible project in it and in its folders is read, and the folders themselves.")
        ),
    ] = ""
    folder_ids: Annotated[
        tuple[str, ...],
        msgspec.Meta(description="Numbers of folders: every visible project in them and in the folders under them is read."),
    ] = ()
    feed: Annotated[
        Literal["auto", "assets", "lists"],
        msgspec.Meta(
            description=(
                "From where the types are read that Cloud Asset Inventory has too. `lists`: each type from its own API. `assets`: all of "
                "them from Cloud Asset Inventory, with fewer calls, and as they were minutes ago. `auto`: `assets` with "
                "`organization_id` or `folder_ids`, else `lists`. What is stored is the same."
            )
        ),
    ] = "lists"
    exclude_projects: Annotated[
        tuple[str, ...],
        msgspec.Meta(
            description=("Globs of ids of projects to leave out (`test-*`). A project that `project_ids` names is read all the same.")
        ),
    ] = ()
    credentials_json: Annotated[
        google_key.Key | None,
        msgspec.Meta(description="A service account's key, as the JSON object that Google gives out."),
    ] = None
    credentials_path: Annotated[
        str | None,
        msgspec.Meta(description="A file with a service account's key, under DISCOVERY_ALLOWED_PATHS."),
    ] = None
    page_size: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=500)] | None,
        msgspec.Meta(description="Items asked for in one call, within what each call allows. Unset: as many as Google gives."),
    ] = None
    parallel_projects: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=32)],
        msgspec.Meta(description="Projects read at once."),
    ] = 2
    batch_size: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=5000)],
        msgspec.Meta(description="Resources handed on at once."),
    ] = 100

    @property
    def reads_assets(self) -> bool:
        """True for a job that reads from Cloud Asset Inventory what that has. The config alone decides, and never what an API answers."""
        return self.feed == "assets" or (self.feed == "auto" and bool(self.organization_id or self.folder_ids))

    def __post_init__(self) -> None:
        """Raises `ValueError` with everything that does not fit together."""
        complaints = list(self._complaints())
        if complaints:
            raise ValueError("; ".join(complaints))

    def _complaints(self) -> Iterator[str]:
        for project in self.project_ids:
            if not _PROJECT.fullmatch(project):
                yield f"`project_ids`: '{project}' is not the id of a project (my-project-123, not its name or number)"
        yield from self._above()
        for glob in self.exclude_projects:
            if not _GLOB.fullmatch(glob):
                yield f"`exclude_projects`: '{glob}' is not a glob of project ids (test-*)"
        if self.credentials_json is not None and self.credentials_path:
            yield "`credentials_json` and `credentials_path` exclude each other"
        if self.credentials_json is not None:
            try:
                google_key.check_job(self.credentials_json, "credentials_json")
            except ConfigError as error:
                yield from error.complaints

    def _above(self) -> Iterator[str]:
        """Yields complaints about the organization and the folders."""
        for key, number in (("organization_id", self.organization_id), *(("folder_ids", one) for one in self.folder_ids)):
            if number and not number.isdecimal():
                yield f"`{key}`: '{number[:100]}' is not a number (123456789012, neither a name nor `folders/...`)"
        if self.project_ids and (self.organization_id or self.folder_ids):
            yield "`project_ids` and `organization_id` or `folder_ids` exclude each other: name the projects, or what they are in"
