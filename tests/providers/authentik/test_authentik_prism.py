"""The whole connector against Prism with Authentik's document: a judge of requests that is not ours, and answers that nobody shaped for us."""

from __future__ import annotations

import contextlib
import urllib.error
import urllib.request

import pytest
from peers import prism, vendor
from recorder import Recorder

from providers import registry
from providers.authentik.catalogue import KINDS, ME, PERMISSIONS, ROOT
from providers.runner import run
from providers.schema import parse
from providers.variables import NoSettings


@pytest.mark.timeout(600)  # Prism is installed by whoever comes first
def test_every_request_is_one_that_authentiks_document_allows(tmp_path):
    document = vendor.authentik().only({kind.path for kind in KINDS} | {ME, PERMISSIONS})
    with prism.mocking(document, tmp_path) as (url, log):
        provider, sink = registry.get("authentik"), Recorder()
        with contextlib.closing(provider.open(parse(provider.config, {"domain": url, "api_token": "any"}), NoSettings())) as source:
            run(source, sink)
        with pytest.raises(urllib.error.HTTPError, match="4"):
            urllib.request.urlopen(
                urllib.request.Request(f"{url}{ROOT}/core/users/?page=x", headers={"Authorization": "Bearer any"}), timeout=30
            )
    said = log.read_text()
    for kind in KINDS:
        assert sink.ids(kind.sub_type), said
