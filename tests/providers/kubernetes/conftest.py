"""An API server for each module of these tests: what one leaves in its cluster is not counted by another."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from peers.kube import Kube, fill, running


@pytest.fixture(scope="module")
def kube(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kube]:
    """As `peers.kube.kube`, for one module."""
    with running(tmp_path_factory.mktemp("kube")) as kube:
        fill(kube)
        yield kube
