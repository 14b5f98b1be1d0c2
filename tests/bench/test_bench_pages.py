"""The bench of pages: it knows an id for every address, so that a new page or list is measured by itself."""

from __future__ import annotations

from cryptography.fernet import Fernet

from api.app import create_app
from bench import pages
from worker.config.settings import load


def test_every_page_and_list_has_an_address(database):
    app = create_app(load({"DATABASE_URL": database, "ELDER_SECRET_KEYS": Fernet.generate_key().decode()}))
    try:
        found = list(pages.addresses(database, app.url_map.iter_rules()))
    finally:
        app.extensions["elder"].pool.close()

    assert {"/", "/changes", "/api/v1/runs/durations", "/connectors/ldap/syncs/1", "/api/v1/connectors/ldap/syncs/1/scopes"} <= {*found}
    assert not [address for address in found if "<" in address]
