"""The config of a job for AWS. Endpoints, files and profiles are the operator's, never a job's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

import msgspec

from providers.aws import catalogue
from providers.aws.declaration import AwsKind
from providers.schema import Secret, SourceConfig, given_for
from providers.variables import setting

_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+")
_ACCOUNT = re.compile(r"\d{12}")
EVERY = "*"
"""Stands for all optional types."""
_OPTIONAL_TYPES = frozenset(kind.sub_type for kind in catalogue.KINDS if kind.optional)
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d+")


class AwsOperator(msgspec.Struct, frozen=True):
    """The operator's settings: where AWS is, and the worker's own identity, named as the AWS SDKs name them."""

    credentials_file: Annotated[
        str,
        setting("File with keys, in JSON or in the AWS CLI's format, for jobs and connectors that bring none.", file=True),
    ] = ""
    default_region: Annotated[str, setting("Region in which the worker asks who it is, and which regions there are.")] = ""
    region: Annotated[str, setting("The same; AWS sets it in containers. `AWS_DEFAULT_REGION` wins.")] = ""
    endpoint_url: Annotated[str, setting("Another endpoint for all services: a private one, or a simulator's.")] = ""
    ca_bundle: Annotated[
        str,
        setting(
            "File with the CA certificates for AWS, where a proxy or the endpoint has its own. Without: those of the AWS SDK.", file=True
        ),
    ] = ""
    role_arn: Annotated[str, setting("Role of the worker: assumed with the web identity token, or with `AWS_CREDENTIALS_FILE`.")] = ""
    role_session_name: Annotated[str, setting("Name of the role's sessions in CloudTrail. Without: `elder-worker`.")] = ""
    web_identity_token_file: Annotated[str, setting("Token for `AWS_ROLE_ARN`; EKS sets it (IRSA).", file=True)] = ""
    container_credentials_relative_uri: Annotated[str, setting("Set by ECS for the task's role.")] = ""
    container_credentials_full_uri: Annotated[str, setting("Set by EKS pod identity and by ECS for the role.")] = ""
    container_authorization_token: Annotated[Secret, setting("Set by ECS for the role.")] = ""
    container_authorization_token_file: Annotated[str, setting("Set by EKS pod identity for the role.", file=True)] = ""
    ec2_metadata_disabled: Annotated[bool, setting("`true`: the machine's own role is not used where there are no other credentials.")] = (
        False
    )


class AwsConnector(msgspec.Struct, frozen=True):
    """The variables of the AWS connector."""

    access_key_id: Annotated[Secret, setting("Access key. Without: `AWS_CREDENTIALS_FILE`, else the worker's role.")] | None = None
    secret_access_key: Annotated[Secret, setting("The access key's secret.")] | None = None
    session_token: Annotated[Secret, setting("Session token, with temporary keys only.")] | None = None
    regions: Annotated[tuple[str, ...], setting("Regions to read, with commas. Without: all that are enabled for the account.")] = ()
    exclude_regions: Annotated[
        tuple[str, ...], setting("Regions to leave out, with commas: those that a policy denies, or nobody uses.")
    ] = ()


class AwsConfig(SourceConfig, frozen=True):
    """An AWS account, or the accounts of an organization.

    Without keys, the worker's own identity is used: `AWS_CREDENTIALS_FILE`, a web identity, the container's or the machine's role.
    """

    access_key_id: Annotated[
        Annotated[Secret, given_for()] | None,
        msgspec.Meta(description="Id of an access key; with `secret_access_key`. Without keys, the worker's own identity is used."),
    ] = None
    secret_access_key: Annotated[
        Annotated[Secret, given_for()] | None,
        msgspec.Meta(description="Secret of the access key."),
    ] = None
    session_token: Annotated[
        Annotated[Secret, given_for()] | None,
        msgspec.Meta(description="Session token of temporary credentials; with the two keys. It ends with them, usually within hours."),
    ] = None
    regions: Annotated[
        tuple[str, ...],
        msgspec.Meta(description="Regions to read. Empty: every region that is enabled for the account."),
    ] = ()
    exclude_regions: Annotated[
        tuple[str, ...],
        msgspec.Meta(
            description=(
                "Regions to leave out, because a policy of the organization denies them or nobody uses them. What they held stays as it is."
            )
        ),
    ] = ()
    role_arn: Annotated[
        str | None,
        msgspec.Meta(description="A role to assume with the credentials above."),
    ] = None
    role_chain: Annotated[
        tuple[str, ...],
        msgspec.Meta(description="Roles to assume one after the other on the way to `role_arn`."),
    ] = ()
    external_id: Annotated[
        Annotated[Secret, given_for("role_arn", "role_chain", "assume_role_name")] | None,
        msgspec.Meta(description="The secret that the owner of the roles asks for."),
    ] = None
    assume_role_name: Annotated[
        str | None,
        msgspec.Meta(description="Read every account of the organization (or of `accounts`) through the role of this name in it."),
    ] = None
    accounts: Annotated[
        tuple[str, ...],
        msgspec.Meta(description="The only accounts to read, with `assume_role_name`."),
    ] = ()
    parallel_accounts: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=32)],
        msgspec.Meta(description="Accounts read at once. More: faster, and more memory (about 30 MB each)."),
    ] = 2
    delegated_administrator: Annotated[
        bool,
        msgspec.Meta(
            description=(
                "The account administers the organization and Identity Center for the management account: they are read here as well."
            )
        ),
    ] = False
    optional_types: Annotated[
        tuple[str, ...],
        msgspec.Meta(
            description=(
                "Resource types to read besides the usual ones, such as `ecr_image` or `guardduty_detector`: they cost more calls or "
                "memory. `*` reads all of them; docs/types.md has their names."
            )
        ),
    ] = ()
    page_size: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=1000)] | None,
        msgspec.Meta(description="Items asked for in one call, within what each call allows. Unset: as many as AWS gives."),
    ] = None
    batch_size: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=5000)],
        msgspec.Meta(description="Resources handed on at once."),
    ] = 100

    def __post_init__(self) -> None:
        """Raises `ValueError` with everything that does not fit together."""
        complaints = list(self._complaints())
        if complaints:
            raise ValueError("; ".join(complaints))

    def reads(self, kind: AwsKind) -> bool:
        """True for a kind that this job reads."""
        return not kind.optional or bool({kind.sub_type, EVERY} & {*self.optional_types})

    def reads_region(self, region: str) -> bool:
        """True for a region that this job reads, where the account has it."""
        return region not in self.exclude_regions and (not self.regions or region in self.regions)

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles to assume, in turn."""
        return (*self.role_chain, *((self.role_arn,) if self.role_arn else ()))

    def _complaints(self) -> Iterator[str]:
        if bool(self.access_key_id) != bool(self.secret_access_key):
            yield "`access_key_id` and `secret_access_key` go together: give both, or neither to use the worker's own identity"
        if self.session_token and not self.access_key_id:
            yield "`session_token` needs `access_key_id` and `secret_access_key`"
        for role in self.roles:
            if not _ROLE.fullmatch(role):
                yield f"`{role}` is not the ARN of an IAM role (arn:aws:iam::123456789012:role/name)"
        yield from self._misspelt()
        if self.accounts and not self.assume_role_name:
            yield "`accounts` needs `assume_role_name`, the role to assume in each of them"

    def _misspelt(self) -> Iterator[str]:
        for name, regions in (("regions", self.regions), ("exclude_regions", self.exclude_regions)):
            for region in regions:
                if not _REGION.fullmatch(region):
                    yield f"`{name}`: `{region}` is not the name of a region (us-east-1)"
        if self.regions and not {*self.regions} - {*self.exclude_regions}:
            yield "`exclude_regions` leaves out every region that `regions` names: nothing would be read"
        for account in self.accounts:
            if not _ACCOUNT.fullmatch(account):
                yield f"`accounts`: `{account}` is not an account id (12 digits)"
        for name in sorted({*self.optional_types} - _OPTIONAL_TYPES - {EVERY}):
            yield f"`optional_types`: `{name}` is not one of {', '.join(sorted(_OPTIONAL_TYPES))}, nor `{EVERY}` for all of them"
