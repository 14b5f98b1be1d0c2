"""Providers under the names of real ones, whose `check` does what no provider should. `sitecustomize` puts them into each process."""

from __future__ import annotations

import os

from providers import registry
from providers.hostile import Hostile, faults
from providers.hostile.config import HostileConfig, HostileOperator
from providers.hostile.source import HostileSource
from providers.variables import NoSettings


class Misbehaving(Hostile):
    """`fault` is a function of `providers.hostile.faults`."""

    fault = ""
    operator, connector = NoSettings, None

    def open(self, config, operator):
        return Misbehaviour(self.fault)


class Misbehaviour(HostileSource):
    def __init__(self, fault: str) -> None:
        super().__init__(HostileConfig(), HostileOperator())
        self._fault = fault

    def check(self):
        getattr(faults, self._fault)(HostileConfig())
        return super().check()


class Aws(Misbehaving):
    name, title, fault = "aws", "AWS", "grandchild"


class Gcp(Misbehaving):
    name, title, fault = "gcp", "GCP", "kill_itself"


class Azure(Misbehaving):
    name, title, fault = "azure", "Azure", "exit_0"


class Kubernetes(Misbehaving):
    name, title, fault = "kubernetes", "Kubernetes", "shout"


def install() -> None:
    if os.environ.get("PYTHONMISBEHAVE"):
        registry.BUILT_IN.update({kind.name: f"misbehaving:{kind.__name__}" for kind in (Aws, Gcp, Azure, Kubernetes)})
