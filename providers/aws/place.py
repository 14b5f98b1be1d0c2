"""Where a read happens, and the calls that can be made there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from botocore import xform_name
from botocore.exceptions import ClientError

from providers.aws import catalogue
from providers.aws.answers import Answers
from providers.aws.client import Account, Sessions
from providers.aws.declaration import Listing
from providers.aws.failure import code_of, translate
from providers.aws.paging import pages
from providers.aws.shape import Item
from providers.catalogue import paths
from providers.errors import TimedOut, Unsupported
from providers.records import Organization

AWS = Organization("aws", "AWS")


class Place(msgspec.Struct, frozen=True):
    """Where a read happens. `region` is empty for what belongs to the whole account, which is then read from `endpoint`."""

    account: Account
    region: str
    endpoint: str
    on_behalf: bool = False
    """Whether what others own, and this account administers, is read here too."""
    answers: Answers = msgspec.field(default_factory=Answers)

    @property
    def context(self) -> dict[str, str]:
        """What the catalogue's texts may name besides an item's own fields."""
        return {"partition": self.account.partition, "account": self.account.id, "region": self.endpoint}

    @property
    def organizations(self) -> tuple[Organization, ...]:
        """``AWS`` > ``AWS us-east-1``."""
        return (AWS, Organization(f"aws:{self.region}", f"AWS {self.region}", AWS.external_id)) if self.region else (AWS,)

    def __str__(self) -> str:
        return f"{self.region} of account {self.account.id}" if self.region else f"account {self.account.id}"


class Calls:
    """Calls in one place. `service` is whose they are when nothing else is said."""

    def __init__(self, sessions: Sessions, place: Place, service: str, page_size: int | None) -> None:
        self._sessions, self._place, self._service, self._page_size = sessions, place, service, page_size

    def pages(self, operation: str, parameters: Item, service: str = "") -> Iterator[Any]:
        """All pages of a call, one by one; those that several kinds need, once they are all there. Raises one of `RAISED`."""
        service = service or self._service
        if (service, operation) in catalogue.shared():
            yield from self._place.answers.of(service, operation, parameters, lambda: self._asked(service, operation, parameters))
        else:
            yield from self._asked(service, operation, parameters)

    def _asked(self, service: str, operation: str, parameters: Item) -> Iterator[Any]:
        client = self._place.account.client(service, self._place.endpoint)
        paging = self._sessions.paging(service, client, operation)
        return pages(getattr(client, xform_name(operation)), parameters, paging, self._page_size)

    def tags(self) -> dict[str, Any]:
        """The tags of everything whose list has none, by ARN. Raises one of `RAISED`."""
        call = catalogue.tagging()
        found = self._place.answers.of(call.service, call.operation, call.parameters, lambda: [self._tags(call)])
        tags: dict[str, Any] = found[0]
        return tags

    def _tags(self, call: Listing) -> dict[str, Any]:
        answers = self._asked(call.service, call.operation, call.parameters)
        return {found["ResourceARN"]: found.get("Tags", []) for answer in answers for found in paths.values(answer, call.items)}

    def things(self, listing: Listing) -> Iterator[Item]:
        """What a listing lists, but for what other accounts own, which is in their scopes. Raises one of `RAISED`."""
        for above in self.things(listing.under) if listing.under else ({},):
            if listing.tree:
                yield above
            yield from self._below(listing, above)

    def _below(self, listing: Listing, above: Item) -> Iterator[Item]:
        for answer in self._answers(listing, above):
            for value in paths.values(answer, listing.items):
                if not self._is_read_here(listing, value):
                    continue
                found = as_item(value, listing.scalar)
                thing = {**above, **({listing.into: found} if listing.into else found)}
                yield thing
                if listing.tree:
                    yield from self._below(listing, thing)

    def _answers(self, listing: Listing, above: Item) -> Iterator[Any]:
        try:
            yield from self.pages(listing.operation, self.filled(listing.parameters, above), listing.service)
        except ClientError as error:
            if code_of(error) not in listing.absent:
                raise

    def _is_read_here(self, listing: Listing, value: Any) -> bool:
        owner = paths.first(value, listing.own) if listing.own else None
        return owner in (None, self._place.account.id) or self._place.on_behalf

    def filled(self, parameters: Item, item: Item) -> Item:
        """The parameters with their holes filled."""
        context = self._place.context
        return {key: paths.fill(value, item, context) if isinstance(value, str) else value for key, value in parameters.items()}

    def translated(self, error: Exception, permission: str) -> Exception:
        """Our error for one of `RAISED`."""
        service, region = self._service, self._place.region
        ours = translate(error, permission, str(self._place)) or error
        if isinstance(ours, TimedOut) and region and not self._sessions.offers(service, region):
            return Unsupported(f"AWS does not offer {service} in {region}", detail=str(error))
        return ours


def as_item(value: Any, scalar: str) -> Item:
    """An object that may be added to."""
    return {scalar: value} if scalar else dict(value)
