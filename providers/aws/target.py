"""The account and region of a read, and the calls that can be made there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from botocore import xform_name
from botocore.exceptions import ClientError, EndpointConnectionError

from providers.aws import catalogue
from providers.aws.account import Account
from providers.aws.answers import Answers
from providers.aws.client import Sessions
from providers.aws.declaration import Listing
from providers.aws.failure import is_any_of, translate
from providers.aws.paging import pages
from providers.aws.shape import Item
from providers.catalogue import paths
from providers.errors import CredentialsError, TimedOut, Unsupported
from providers.records import Organization

AWS = Organization("aws", "AWS")

_OWN_HOSTS = ("s3express-control",)
"""Hosts of directory buckets of S3: https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-express-Regions-and-Zones.html"""


class Target(msgspec.Struct, frozen=True):
    """An account, and a region of it. `region` is empty for what belongs to the whole account, which is then read from `endpoint`."""

    account: Account
    region: str
    endpoint: str
    on_behalf: bool = False
    """True where resources are read too that other accounts own and this one administers."""
    answers: Answers = msgspec.field(default_factory=Answers)

    @property
    def context(self) -> dict[str, str]:
        """The names that the catalogue's texts may use besides an item's own fields."""
        return {"partition": self.account.partition, "account": self.account.id, "region": self.endpoint}

    @property
    def organizations(self) -> tuple[Organization, ...]:
        """``AWS`` > ``AWS us-east-1``."""
        return (AWS, Organization(f"aws:{self.region}", f"AWS {self.region}", AWS.external_id)) if self.region else (AWS,)

    def __str__(self) -> str:
        return f"{self.region} of account {self.account.id}" if self.region else f"account {self.account.id}"


class Calls:
    """Calls in one target, to `service` where a call names no other."""

    def __init__(self, sessions: Sessions, target: Target, service: str, page_size: int | None) -> None:
        self._sessions, self._target, self._service, self._page_size = sessions, target, service, page_size

    def pages(self, operation: str, parameters: Item, service: str = "") -> Iterator[Any]:
        """All pages of a call, one by one; those that several kinds need, once they are all there.

        Raises one of `RAISED`, or `ProviderError` where nothing more is asked.
        """
        service = service or self._service
        if (service, operation) in catalogue.shared():
            yield from self._target.answers.of(service, operation, parameters, lambda: self._asked(service, operation, parameters))
        else:
            yield from self._asked(service, operation, parameters)

    def _asked(self, service: str, operation: str, parameters: Item) -> Iterator[Any]:
        self._ensure_welcome()
        client = self._target.account.client(service, self._target.endpoint)
        method = getattr(client, xform_name(operation))

        def ask(**arguments: Any) -> Any:
            self._ensure_welcome()
            answer = method(**arguments)
            answer.pop("ResponseMetadata", None)  # botocore's own, in every answer
            return answer

        paging = self._sessions.paging(service, client, operation)
        return pages(ask, parameters, paging, self._page_size, f"{service}:{operation}")

    def _ensure_welcome(self) -> None:
        """Raises `ProviderError` where the identity has been refused or the region is silent."""
        self._target.account.ensure_accepted()
        self._sessions.health.ensure_alive(self._target.endpoint)

    def members(self, operation: str, path: str) -> frozenset[str]:
        """The names that the model has for what is at a path of an operation's answer: members of a structure, or keys of a map."""
        client = self._target.account.client(self._service, self._target.endpoint)
        shape = client.meta.service_model.operation_model(operation).output_shape
        for key, is_list in paths.steps(path):
            shape = shape.members[key].member if is_list else shape.members[key]
        found = shape.members if shape.type_name == "structure" else getattr(getattr(shape, "key", None), "enum", ())
        return frozenset(found) - {"All"}  # SQS counts the word for all attributes among their names

    def tags(self) -> dict[str, Any]:
        """The tags of everything whose list has none, by ARN. Raises one of `RAISED`."""
        call = catalogue.tagging()
        found = self._target.answers.of(call.service, call.operation, call.parameters, lambda: [self._tags(call)])
        tags: dict[str, Any] = found[0]
        return tags

    def _tags(self, call: Listing) -> dict[str, Any]:
        answers = self._asked(call.service, call.operation, call.parameters)
        return {found["ResourceARN"]: found.get("Tags", []) for answer in answers for found in paths.values(answer, call.items)}

    def parents(self, listing: Listing) -> Iterator[Item]:
        """Yields the items of a listing, without those of other accounts, which are in their scopes. Raises one of `RAISED`."""
        for parent in self.parents(listing.under) if listing.under else ({},):
            if listing.tree:
                yield parent
            yield from self._below(listing, parent)

    def _below(self, listing: Listing, parent: Item) -> Iterator[Item]:
        for answer in self._answers(listing, parent):
            for value in paths.values(answer, listing.items):
                if not self._is_read_here(listing, value):
                    continue
                item = as_item(value, listing.scalar)
                found = {**parent, **({listing.into: item} if listing.into else item)}
                yield found
                if listing.tree:
                    yield from self._below(listing, found)

    def _answers(self, listing: Listing, parent: Item) -> Iterator[Any]:
        try:
            yield from self.pages(listing.operation, self.filled(listing.parameters, parent), listing.service)
        except ClientError as error:
            if not is_any_of(error, listing.absent):
                raise

    def _is_read_here(self, listing: Listing, value: Any) -> bool:
        owner = paths.first(value, listing.own) if listing.own else None
        return owner in (None, self._target.account.id) or self._target.on_behalf

    def filled(self, parameters: Item, item: Item) -> Item:
        """The parameters with their holes filled."""
        context = self._target.context
        return {key: paths.fill(value, item, context) if isinstance(value, str) else value for key, value in parameters.items()}

    def translated(self, error: Exception, permission: str) -> Exception:
        """Our error for one of `RAISED`."""
        service, region = _own_host(error) or self._service, self._target.region
        ours = translate(error, permission, str(self._target)) or error
        if isinstance(ours, TimedOut) and region and not self._sessions.offers(service, region):
            return Unsupported(f"AWS does not offer {service} in {region}", detail=str(error))
        return self._target.account.judged(ours, error, region) if isinstance(ours, CredentialsError) else ours


def _own_host(error: Exception) -> str:
    """The name of a host of its own that some calls of a service have, where that host cannot be reached; only some regions have it."""
    host = str(getattr(error, "kwargs", {}).get("endpoint_url", "")) if isinstance(error, EndpointConnectionError) else ""
    return next((name for name in _OWN_HOSTS if f"//{name}." in host), "")


def as_item(value: Any, scalar: str) -> Item:
    """An object that may be added to."""
    return {scalar: value} if scalar else dict(value)
