"""The whole connector against Prism with Okta's document: a judge of requests that is not ours, and answers that nobody shaped for us."""

from __future__ import annotations

import contextlib
import urllib.error
import urllib.request

import pytest
from peers import prism, vendor
from recorder import Recorder

from providers import registry
from providers.errors import Outcome
from providers.okta.catalogue import KINDS, LISTINGS
from providers.runner import run
from providers.schema import parse
from providers.variables import NoSettings


@pytest.mark.timeout(600)  # Prism is installed by whoever comes first
def test_every_request_is_one_that_oktas_document_allows(tmp_path):
    document = vendor.okta().only({listing.path.replace("/users/me", "/users/{userId}") for listing in (*LISTINGS, *KINDS)})
    with prism.mocking(document, tmp_path) as (url, log):
        provider, sink = registry.get("okta"), Recorder()
        with contextlib.closing(provider.open(parse(provider.config, {"domain": url, "api_token": "any"}), NoSettings())) as source:
            run(source, sink)
        with pytest.raises(urllib.error.HTTPError, match="422"):
            urllib.request.urlopen(
                urllib.request.Request(f"{url}/api/v1/users?limit=many", headers={"Authorization": "SSWS any"}), timeout=30
            )
    said = log.read_text()
    assert sink.ids("okta_user")
    assert sink.ids("okta_group")
    assert sink.report("okta_application").outcome is Outcome.COMPLETE, said
    assert sink.report("okta_admin_role").outcome is Outcome.ERROR, "newer than the document: a 404 of Prism's own"
