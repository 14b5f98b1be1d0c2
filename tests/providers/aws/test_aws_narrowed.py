"""A policy that becomes narrower between two runs: what AWS refuses to show is not read as deleted, even where no guard holds anything back."""

from __future__ import annotations

import pytest
from peers.aws_authority import Authority
from store_runs import Run, add_job
from test_aws_policy import OF_THE_RUN, POLICY, REGIONS, not_complete, read

from providers.aws import client, simulation
from providers.errors import Outcome

ALL = sorted(POLICY - OF_THE_RUN)
NARROWED = {
    "every other action": frozenset(ALL[::2]),
    "the others": frozenset(ALL[1::2]),
    "lists alone": frozenset(action for action in ALL if ":List" in action or action.startswith("ec2:")),
    "details alone": frozenset(action for action in ALL if ":List" not in action),
    "nothing": frozenset[str](),
}
STORED = """
select e.external_id, e.is_active, e.attributes, e.tags,
       array(select d.dependency_type || ' ' || d.target_external_id from dependencies d where d.source_id = e.id order by 1)
from entities e order by 1
"""
UNREADABLE = "Unreadable"


@pytest.fixture(autouse=True)
def one_try(monkeypatch):
    """One try, which may take as long as the peer and the machine need."""
    monkeypatch.setattr(client, "ATTEMPTS", 1)
    monkeypatch.setattr(client, "READ_TIMEOUT", 600)
    monkeypatch.setattr(client, "PROBE_TIMEOUT", 600)


def test_a_narrower_policy_deletes_nothing_and_the_whole_one_finds_nothing_new(moto, aws_proxy, database, sql):
    simulation.seed(moto.url, REGIONS, 4)
    job = add_job(sql, provider="aws")

    def ran(allowed: frozenset[str]):
        """(what was found, how many entities were created, updated and deleted) of a run with these actions."""
        with aws_proxy.broken(Authority(allowed | OF_THE_RUN)):
            found = read(aws_proxy.url)
        run = Run(database, job, guard=1.0)
        run.reading(found)
        run.finish()
        totals = run.inventory.totals
        return found, (totals.created, totals.updated, totals.deleted)

    def stored() -> list:
        return [(name, active, without(attributes), tags, links) for name, active, attributes, tags, links in sql.execute(STORED)]

    ran(POLICY)
    before = stored()
    assert len(before) > 50
    for what, allowed in NARROWED.items():
        found, (created, _, deleted) = ran(allowed)
        assert {report.outcome for report in not_complete(found)} == {Outcome.DENIED}, what
        assert (created, deleted) == (0, 0), what
        assert stored() == before, what
    _, totals = ran(POLICY)
    assert totals[0] == totals[2] == 0
    assert stored() == before


def without(attributes: dict) -> dict:
    """Attributes without the list of those that could not be read."""
    return {name: value for name, value in attributes.items() if name != UNREADABLE}
