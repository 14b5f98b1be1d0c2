"""Events of webhooks: what other systems can be told of a run."""

from __future__ import annotations

from typing import Literal, get_args

Event = Literal["run.ended", "run.held_back", "job.parked", "entities.new", "entities.changed", "entities.deleted"]
"""The events that webhooks can be told of, as the triggers name them."""

EVENTS: tuple[str, ...] = get_args(Event)

TEST = "webhook.test"
"""The event that a person asks for, to see whether deliveries arrive."""
