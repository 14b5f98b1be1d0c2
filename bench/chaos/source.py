"""A source whose content is a pure function of (job, version), so that what is stored can be compared with what there was to find.

It is a provider as a third party would bring it along: `install` writes the entry point of a package.
"""

from __future__ import annotations

import pathlib
import time
from collections.abc import Iterator

import msgspec

from providers.provider import Provider, Read, Source
from providers.records import Identity, Link, Resource, Scope
from providers.variables import NoSettings

REGIONS = ("a", "b", "c", "d")
JOBS_IN_ORGANIZATION = 10
PAUSE_EVERY = 50
"""Resources."""


class ChaosConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Of one job. `resources` is the number in each region, `pause` are seconds after every 50 of them."""

    job: int
    version: int = 0
    resources: int = 250
    pause: float = 0.0


class Chaos(Provider):
    """See `resources`."""

    name, title, config = "chaos", "Chaos", ChaosConfig

    def open(self, config: ChaosConfig, operator: NoSettings) -> Source:  # noqa: ARG002 - it has none
        return ChaosSource(config)


class ChaosSource(Source):
    """Four regions, read at once."""

    def __init__(self, config: ChaosConfig) -> None:
        self._config = config

    def check(self) -> Identity:
        return Identity(name="chaos", account=f"chaos-{self._config.job}")

    def plan(self) -> Iterator[Read]:
        for region in REGIONS:
            yield Read((Scope("chaos", f"chaos-{self._config.job}", region, "chaos_thing"),), lambda region=region: self._read(region))  # type: ignore[misc]

    def _read(self, region: str) -> Iterator[Resource]:
        for number, resource in enumerate(resources(self._config, region)):
            if number % PAUSE_EVERY == 0:
                time.sleep(self._config.pause)
            yield resource


def resources(config: ChaosConfig, region: str) -> Iterator[Resource]:
    """All that there is: 2 % are away in each version, others than in the one before, and a fifth has changed."""
    before = None
    for number in range(config.resources):
        if number and (number * 7 + config.version * 13 + config.job) % 50 == 0:
            continue
        external_id = f"{config.job}/{region}/{number}"
        links = [Link("part_of", f"{neighbour(config.job)}/a/0")]
        if before is not None:
            links.append(Link("beside", before))
        attributes = {"number": number, "generation": (config.version + number % 5) // 5}
        yield Resource(external_id, "compute", "chaos_thing", f"thing {number}", attributes, {"job": str(config.job)}, tuple(links))
        before = external_id


def neighbour(job: int) -> int:
    """The next job of the same organization: its results may be stored earlier or later."""
    first = job - job % JOBS_IN_ORGANIZATION
    return first + (job + 1) % JOBS_IN_ORGANIZATION


def install(site: pathlib.Path) -> None:
    """Makes `site`, which goes into PYTHONPATH, the home of a package that names this provider."""
    package = site / "elder_chaos-1.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: elder-chaos\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[elder_worker.providers]\nchaos = bench.chaos.source:Chaos\n")
