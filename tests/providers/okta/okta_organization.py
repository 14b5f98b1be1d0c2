"""What the tests of the Okta provider share: how many plain items and which roles its organization has, a config, and a run."""

from __future__ import annotations

import contextlib

from peers.okta import TOKEN
from recorder import Recorder

from providers import registry
from providers.runner import run
from providers.schema import parse
from providers.variables import NoSettings

PLAIN_ITEMS = 4
"""More than a page of every list that shows a type in full."""
SUPER, HELP = "SUPER_ADMIN", "HELP_DESK_ADMIN"


def config(okta, **changes):
    return {"domain": okta.url, "api_token": TOKEN, **changes}


def read(okta, given=None):
    """One run; `given` is a config instead of the one with the token."""
    sink = Recorder()
    with opened(given or config(okta)) as source:
        sink.tally = run(source, sink)
    return sink


def opened(given):
    """A source that is closed at the end of the block."""
    provider = registry.get("okta")
    return contextlib.closing(provider.open(parse(provider.config, given), NoSettings()))


def links(resource, kind):
    return [link.target for link in resource.links if link.type == kind]
