"""An API with some rows of everything that it lists, and the lists themselves, as the endpoints have them."""

from __future__ import annotations

import contextlib
import re

from peers.elder import FIRST, ElderClient, bearer, settings
from store_runs import Run, add_job, resources

from api.app import create_app
from api.endpoints import ENDPOINTS
from api.listing import ListQuery
from providers.errors import Outcome
from providers.records import Identity, Scope
from worker.run.outcome import Status, Verdict
from worker.store import sessions
from worker.store.sessions import Person

LISTS = {endpoint.path: endpoint for endpoint in ENDPOINTS if issubclass(endpoint.query, ListQuery)}
ROWS = 7
"""Rows of each list at least."""
OIDC = {
    "ELDER_OIDC_ISSUER": "http://127.0.0.1:9", "ELDER_OIDC_CLIENT_ID": "elder", "ELDER_OIDC_CLIENT_SECRET": "secret",
    "ELDER_OIDC_URL": "https://elder.example.com", "ELDER_OIDC_ROLES": "elder-admins=admin",
}  # fmt: skip


class Keyed(ElderClient):
    """A client that sends the admin's key."""

    def __init__(self, app) -> None:
        super().__init__(app)
        self.document = self.http.get("/api/v1/openapi.json", headers=bearer(FIRST)).json

    def call(self, method, path, body=None, **more):
        return super().call(method, path, body, **more, headers=bearer(FIRST))

    def export(self, path: str, form: str = "", **headers: str):
        """The response to a list that is asked for in another form than JSON."""
        address = f"/api/v1/{path}" + (f"?format={form}" if form else "")
        return self.http.get(address, headers={**bearer(FIRST), **headers})


@contextlib.contextmanager
def populated(database, sql):
    """The API; names repeat, and times are missing here and there."""
    app = create_app(settings(database, ELDER_API_KEY=FIRST, ELDER_WEBHOOK_NETWORKS="127.0.0.0/8", **OIDC))
    api = Keyed(app)
    populate(api, database, sql)
    yield api
    app.extensions["elder"].pool.close()


def populate(api, database, sql) -> None:
    sync = {"owner": "connector:ldap", "run": "0"}
    for n in range(ROWS):
        api.post("organizations", {"name": f"organization {n % 3}", "parent_id": n - 2 if n > 2 else None})
        job = add_job(sql, None, name=f"job {n % 3}", provider=("aws", "gcp")[n % 2])
        for n_of_run in range(1 + n // 4):
            run = Run(database, job, guard=1.0)
            run.inventory.identity(Identity("me", str(n)))
            for region in range(ROWS):
                scope = Scope(("aws", "gcp")[n % 2], str(n), f"r{region % 3}", f"kind_{region}")
                outcome = Outcome.DENIED if region == 1 else Outcome.COMPLETE
                run.scope([] if region == 1 else resources(3 - n_of_run, kind=f"kind_{n}_{region}"), scope, outcome=outcome)
            run.finish(Verdict(Status.PARTIAL))
            sql.execute("update discovery_jobs set status = 'pending', next_run_at = null where id = %s", [job])
        api.post("keys", {"name": f"key {n}", "role": ("read", "sync")[n % 2]})
        api.post("webhooks", {"name": f"webhook {n}", "url": "https://127.0.0.1:9/hook", "events": ["run.ended"]})
        api.post("webhooks/1/test", status=202)
        sessions.add(sql, f"state {n}", Person(OIDC["ELDER_OIDC_ISSUER"], f"subject {n % 2}", f"Ann {n % 2}", "read"))
        sync = {"owner": "connector:ldap", "run": str(n)}
        api.post("sync/runs", {**sync, "status": "running"}, status=200)
        for part in range(ROWS if n == 0 else 1):
            api.post(
                "sync/scopes", {**sync, "scope": ["ldap", "dc=x", "", f"type_{part}"], "outcome": "denied", "resources": 0}, status=200
            )
        api.post("sync/runs", {**sync, "status": "completed"}, status=200)
        sql.execute("insert into elder_worker.releases (run_id, owner, released_by, entities) values (1, 'job:1', 'me', %s)", [n % 3])
        sql.execute(
            "insert into dependencies (source_id, target_external_id, dependency_type) select min(id), %s, 'uses' from entities", [f"x{n}"]
        )


def address(path: str) -> str:
    """The address of a list of the first thing, below ``/api/v1/``."""
    return re.sub(r"{(\w+)}", lambda found: "ldap" if found[1] == "name" else "1", path).lstrip("/")
