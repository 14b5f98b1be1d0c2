"""One run of the LDAP provider, for tests."""

from __future__ import annotations

import contextlib

from recorder import Recorder

from providers import registry
from providers.errors import Outcome
from providers.runner import run
from providers.schema import parse

PEOPLE = {"user_filter": "(objectClass=inetOrgPerson)"}
COMPLETE = dict.fromkeys(("ldap_ou", "ldap_group", "ldap_user"), Outcome.COMPLETE)


def opened(config):
    """The source, closed at the end of the block."""
    provider = registry.get("ldap")
    return contextlib.closing(provider.open(parse(provider.config, config), None))


def read(config) -> Recorder:
    """What a whole run gives."""
    sink = Recorder()
    with opened(config) as source:
        run(source, sink)
    return sink


def groups_of(sink: Recorder, name: str) -> set[str]:
    """The names of the groups that the resource of that name is a member of."""
    names = {resource.external_id: resource.name for _, resource in sink.all()}
    return {names[link.target] for link in sink.one(name).links if link.type == "member_of"}


def outcomes(sink: Recorder) -> dict[str, Outcome]:
    """The outcome of each type's scope."""
    return {scope.resource_type: report.outcome for scope, report in sink.reports.items()}
