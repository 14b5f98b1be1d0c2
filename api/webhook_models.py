"""Webhooks and their deliveries as the API takes and shows them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from api.listing import ListQuery, sortable
from api.model import WRITTEN, ApiModel, Id, Time, bounds, length
from worker.run.events import EVENTS, Event
from worker.store import webhooks
from worker.store.webhooks import State

GRACE_AT_MOST = 7 * 86_400

Name = Annotated[
    str,
    length(1, 100, WRITTEN),
    msgspec.Meta(examples=["on-call"], description="A name of 1 to 100 printable characters, as no other webhook has it."),
]
Url = Annotated[
    str,
    length(1, 2000, r"^https?://"),
    msgspec.Meta(
        examples=["https://example.com/hooks/elder"],
        description="Where events are sent by POST: https, a public address, no user or password (docs/webhooks.md).",
    ),
]
Events = Annotated[
    list[Event],
    msgspec.Meta(
        extra_json_schema={"minItems": 1, "uniqueItems": True},
        examples=[["run.ended", "job.parked"]],
        description="The events that are sent: one or more, each once.",
    ),
]
JobId = Annotated[
    int | None, msgspec.Meta(examples=[42], description="The one job whose events are sent; null: every job's and connector's.")
]


class WebhookBody(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a request that makes a webhook, or says anew what it is."""

    name: Name
    url: Url
    events: Events
    job_id: JobId = None
    enabled: Annotated[bool, msgspec.Meta(description="False: no event is stored for it, and those that wait stay.")] = True

    def __post_init__(self) -> None:
        """Bounds, as a `ValueError`."""
        if not 0 < len(self.name.strip()) <= 100 or not self.name.isprintable():
            raise ValueError("`name` has 1 to 100 printable characters")
        if not self.events or len(set(self.events)) < len(self.events):
            raise ValueError(f"`events` names one or more of {', '.join(EVENTS)}, each once")


class RotateSecretBody(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a request that rotates the secret of a webhook."""

    grace_seconds: Annotated[
        int,
        bounds(0, GRACE_AT_MOST),
        msgspec.Meta(examples=[86_400], description="Seconds for which deliveries are signed with the old secret as well."),
    ] = 0

    def __post_init__(self) -> None:
        """Bounds, as a `ValueError`."""
        if not 0 <= self.grace_seconds <= GRACE_AT_MOST:
            raise ValueError(f"`grace_seconds` is from 0 to {GRACE_AT_MOST} (7 days)")


class WebhookFilters(ListQuery, frozen=True, kw_only=True):
    """Query of the list of webhooks: with `organization_id`, those of its jobs and of jobs below it, and those of every job."""

    sortings = webhooks.SORTINGS

    organization_id: Id | None = None
    sort: Annotated[str, sortable(webhooks.SORTINGS)] = "-id"


class DeliveryFilters(ListQuery, frozen=True, kw_only=True):
    """Query of the deliveries of a webhook."""

    sortings = webhooks.DELIVERY_SORTINGS

    state: State | None = None
    event: Event | Literal["webhook.test"] | None = None
    sort: Annotated[str, sortable(webhooks.DELIVERY_SORTINGS)] = "-id"


class Webhook(ApiModel, frozen=True, kw_only=True):
    """A webhook, without its secret."""

    id: int
    name: Name
    url: Url
    events: Events
    job_id: JobId
    enabled: bool
    disabled_reason: Annotated[str, msgspec.Meta(description="Why it was disabled by itself; empty: it was not.")]
    created_by: str
    created_at: Time
    updated_at: Time
    last_attempt_at: Time | None
    last_delivered_at: Time | None
    last_failed_at: Time | None
    last_error: Annotated[str, msgspec.Meta(description="Why the last attempt failed; empty: it did not.")]
    previous_until: Annotated[
        Time | None, msgspec.Meta(description="Time until which deliveries are signed with the secret before the last rotation as well.")
    ]
    pending: Annotated[int, msgspec.Meta(description="Deliveries that are due or will be tried again.")]
    failed: Annotated[int, msgspec.Meta(description="Deliveries of the last 30 days that were given up.")]


class NewWebhook(Webhook, frozen=True, kw_only=True):
    """A webhook that was just made, or whose secret was rotated; `secret` is shown this once."""

    secret: Annotated[
        str,
        msgspec.Meta(
            examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="],
            description="What deliveries are signed with, as Standard Webhooks has it.",
        ),
    ]


class Delivery(ApiModel, frozen=True, kw_only=True):
    """A delivery of an event to a webhook, and what became of it."""

    id: int
    event_id: Annotated[str, msgspec.Meta(description="The header webhook-id, the same at every attempt.")]
    event: Annotated[str, msgspec.Meta(examples=["run.ended"], description="The event; webhook.test for one that a person asked for.")]
    payload: Annotated[dict[str, Any], msgspec.Meta(description="The body that is sent: `type`, `timestamp` and `data`.")]
    created_at: Time
    attempts: int
    """Number of attempts so far."""
    last_attempt_at: Time | None
    next_attempt_at: Annotated[Time | None, msgspec.Meta(description="Time of the next attempt; null: it is delivered or given up.")]
    delivered_at: Time | None
    failed_at: Annotated[Time | None, msgspec.Meta(description="Time at which it was given up.")]
    status: Annotated[int | None, msgspec.Meta(description="HTTP status of the receiver's last answer; null: there was none.")]
    answer: Annotated[str, msgspec.Meta(description="The first 1,024 bytes of that answer.")]
    error: Annotated[str, msgspec.Meta(description="Why the last attempt failed; empty: it did not.")]
