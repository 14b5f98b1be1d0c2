"""Roles that become narrower between two runs, on a real API server: what it refuses to list is not read as deleted, with no guard either."""

from __future__ import annotations

import urllib.error

import pytest
from cluster_access import ROLES, account, not_complete, permit, read
from store_runs import Run, add_job
from waiting import until

from providers.records import Scope
from worker.run.inventory import InventoryError
from worker.run.outcome import Status, Verdict

NAME = "narrowed"
LIST, ALL = ["list"], ["*"]
NAMESPACES = {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]}
WHOLE = [{"apiGroups": ALL, "resources": ALL, "verbs": LIST}, NAMESPACES]
NARROWED = {
    "the core group alone": [{"apiGroups": [""], "resources": ALL, "verbs": LIST}, NAMESPACES],
    "objects by name": [{"apiGroups": ALL, "resources": ALL, "resourceNames": ["pod-1", "shop"], "verbs": ["list", "get"]}, NAMESPACES],
    "no namespaces": [{"apiGroups": ["apps"], "resources": ALL, "verbs": LIST}],
    "nothing": [],
}
ENDS = {"no namespaces": "config", "nothing": "config"}
"""Without the right to read a namespace, the cluster cannot be told from others by its uid: it is another one, and nothing of it is read."""
ACTIVE = "select external_id from entities where is_active order by 1"
LINKS = "select source_id, dependency_type, target_external_id from dependencies order by 1, 2, 3"


def may_list(kube, token: str, group: str, plural: str) -> bool:
    """The server's own verdict on a list in all namespaces."""
    review = {"spec": {"resourceAttributes": {"verb": "list", "group": group, "resource": plural}}}
    return kube.call("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review, token=token)["status"]["allowed"]


@pytest.fixture
def give(kube):
    """A function that gives the service account these rules in place of its former ones; yields with its token."""
    token = account(kube, "shop", NAME)

    def rules(wanted: list[dict], namespace: str = "") -> None:
        for kind in ("rolebindings", "roles"):
            for where in (f"{ROLES}/namespaces/shop/", f"{ROLES}/cluster"):
                try:
                    kube.call("DELETE", f"{where}{kind}/{NAME}")
                except urllib.error.HTTPError as error:
                    assert error.code == 404
        until(lambda: not may_list(kube, token, "", "pods"), "the former role is in force", 60)
        permit(kube, NAME, wanted, namespace)
        if any(rule["verbs"] == LIST for rule in wanted) and not namespace:
            known = "" if any(rule["apiGroups"] in (ALL, [""]) and rule["verbs"] == LIST for rule in wanted) else "apps"
            until(lambda: may_list(kube, token, known, "deployments" if known else "pods"), "the new role is not in force", 60)

    yield rules, token
    rules([])


def test_a_narrower_role_deletes_nothing(kube, give, database, sql):
    rules, token = give
    job, attempted = add_job(sql, provider="kubernetes"), dict[Scope, None]()

    def ran() -> tuple[str, int]:
        """How the scopes that were not complete ended, or the run where it reads nothing; and how many entities were deleted."""
        run = Run(database, job, guard=1.0)
        sink = read({"kubeconfig": kube.kubeconfig(token)}, attempted=tuple(attempted))
        try:
            run.inventory.identity(sink.who)
        except InventoryError as error:
            run.finish(Verdict(Status.ERROR, error.error_kind, str(error)))
            return error.error_kind, run.inventory.totals.deleted
        attempted.update(dict.fromkeys(sink.reports))
        run.reading(sink)
        run.finish()
        return " ".join({report.outcome for report in not_complete(sink)}), run.inventory.totals.deleted

    rules(WHOLE)
    assert ran() == ("", 0)
    before, links = sql.execute(ACTIVE).fetchall(), sql.execute(LINKS).fetchall()
    assert len(before) > 20
    for what, narrower in NARROWED.items():
        rules(narrower)
        assert ran() == (ENDS.get(what, "denied"), 0), what
        assert sql.execute(ACTIVE).fetchall() == before, what
        assert sql.execute(LINKS).fetchall() == links, what
    rules(WHOLE, "shop")
    assert ran()[1] == 0
    assert sql.execute(ACTIVE).fetchall() == before, "the rights of one namespace, in place of those of the cluster"
