"""Two readings of one varied cluster that share no code find the same resources, types, labels and links."""

from __future__ import annotations

import contextlib
import os

import independent_kubernetes
import varied_kubernetes
from imported import imports
from independent_kubernetes import Cluster, Found, differences

from providers import registry
from providers.collected import Collected
from providers.errors import Outcome
from providers.runner import run
from providers.schema import parse
from providers.testing import operator_of

SEED = int(os.environ.get("VARIED_SEED", "5"))


def test_a_reader_that_shares_no_code_finds_the_same(kube):
    varied_kubernetes.fill(kube, SEED)
    theirs = Cluster(lambda path: kube.call("GET", path)).read()
    provider, collected = registry.get("kubernetes"), Collected()
    config = parse(provider.config, {"kubeconfig": kube.kubeconfig(), "page_size": 20})
    with contextlib.closing(provider.open(config, operator_of(provider, {}))) as source:
        run(source, collected)
    ours = {one.external_id: Found(one.sub_type, one.tags, {(link.type, link.target) for link in one.links}) for _, one in collected.all()}

    assert {report.outcome for report in collected.reports.values()} == {Outcome.COMPLETE}
    apart = differences(ours, theirs)
    assert not apart, "\n".join(apart)
    assert len(ours) > 350
    assert len({one.type for one in ours.values()}) > 25


def test_the_other_reader_shares_no_code():
    assert imports(independent_kubernetes) == {"__future__", "collections", "collections.abc", "re", "typing"}
