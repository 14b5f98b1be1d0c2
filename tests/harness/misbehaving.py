"""Providers under the names of real ones, whose `check` does what no provider should. `sitecustomize` puts them into each process."""

from __future__ import annotations

import os

from providers import registry
from providers.hostile import Hostile, misdeeds
from providers.hostile.config import HostileConfig, HostileOperator
from providers.hostile.source import HostileSource
from providers.variables import NoSettings


class Misbehaving(Hostile):
    """`misdeed` is a function of `providers.hostile.misdeeds`."""

    misdeed = ""
    operator, connector = NoSettings, None

    def open(self, config, operator):
        return Misbehaviour(self.misdeed)


class Misbehaviour(HostileSource):
    def __init__(self, misdeed: str) -> None:
        super().__init__(HostileConfig(), HostileOperator())
        self._misdeed = misdeed

    def check(self):
        getattr(misdeeds, self._misdeed)(HostileConfig())
        return super().check()


class Aws(Misbehaving):
    name, title, misdeed = "aws", "AWS", "grandchild"


class Gcp(Misbehaving):
    name, title, misdeed = "gcp", "GCP", "kill_itself"


class Azure(Misbehaving):
    name, title, misdeed = "azure", "Azure", "exit_0"


class Kubernetes(Misbehaving):
    name, title, misdeed = "kubernetes", "Kubernetes", "shout"


def install() -> None:
    if os.environ.get("PYTHONMISBEHAVE"):
        registry.BUILT_IN.update({kind.name: f"misbehaving:{kind.__name__}" for kind in (Aws, Gcp, Azure, Kubernetes)})
