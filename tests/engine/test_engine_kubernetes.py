"""A real cluster read by whole workers: what a second run writes, and what becomes of a type that is served no more."""

from __future__ import annotations

import urllib.error

import pytest
from store_runs import Run, add_job
from waiting import until

from providers.records import Resource, Scope

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SUB_TYPE = "k8s_gadget__passing_example"


@pytest.fixture
def gadgets(kube):
    """A custom resource with three objects; a function that takes the type away."""

    def served(call) -> bool:
        try:
            call()
        except urllib.error.HTTPError as error:
            return error.code == 409
        return True

    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": "gadgets", "singular": "gadget", "kind": "Gadget", "listKind": "GadgetList"}
    spec = {"group": "passing.example", "scope": "Namespaced", "names": names, "versions": [version]}
    kube.create(CRDS, {"metadata": {"name": "gadgets.passing.example"}, "spec": spec})
    path = "/apis/passing.example/v1/namespaces/shop/gadgets"
    for number in range(3):
        body = {"apiVersion": "passing.example/v1", "kind": "Gadget", "metadata": {"name": f"g{number}"}}
        until(lambda body=body: served(lambda: kube.call("POST", path, body)), "the type is served")

    def remove() -> None:
        kube.call("DELETE", f"{CRDS}/gadgets.passing.example")
        until(lambda: "passing.example" not in [group["name"] for group in kube.call("GET", "/apis")["groups"]], "the type is gone")

    return remove


def test_case_k8s_5_a_type_that_is_served_no_more_is_told_and_leaves_the_plan(workbench, kube, gadgets):
    job = workbench.job(provider="kubernetes", server=kube.server, token="admin-token", ca_certificate=kube.ca, page_size=50)
    workbench.worker()
    first = workbench.ended(job)
    assert first["status"] == "completed", first["error"]
    assert workbench.one("select count(*) from entities where sub_type = %s and is_active", SUB_TYPE) == 3

    workbench.queue(job)
    second = workbench.ended(job, 2)
    assert (second["entities_created"], second["entities_updated"], second["entities_deleted"]) == (0, 0, 0)

    gadgets()
    workbench.queue(job)
    third = workbench.ended(job, 3)
    line = workbench.rows("select * from run_scopes where run_id = %s and resource_type = %s", third["id"], SUB_TYPE)[0]
    assert (line["outcome"], line["resources"], line["deleted"]) == ("complete", 0, 3)
    assert "the cluster does not serve this type any more" in line["message"]
    assert workbench.one("select count(*) from entities where sub_type = %s and is_active", SUB_TYPE) == 0
    assert workbench.one("select state from elder_worker.scopes where resource_type = %s", SUB_TYPE) == "retired"

    workbench.queue(job)
    fourth = workbench.ended(job, 4)
    assert not workbench.rows("select * from run_scopes where run_id = %s and resource_type = %s", fourth["id"], SUB_TYPE)


def test_a_node_is_linked_to_its_machine_when_a_job_of_its_cloud_has_found_it(workbench, kube, database, sql):
    """The link waits by external id, and leads somewhere once another job of the same organization has the machine."""
    machine = "//compute.googleapis.com/projects/proj/zones/z/instances/gke-1"
    kube.create("/api/v1/nodes", {"metadata": {"name": "gce-node"}, "spec": {"providerID": "gce://proj/z/gke-1"}})
    job = workbench.job(provider="kubernetes", server=kube.server, token="admin-token", ca_certificate=kube.ca)
    worker = workbench.worker()
    assert workbench.ended(job)["status"] == "completed"
    worker.stop()
    link = "select d.target_id from dependencies d join entities e on e.id = d.source_id where e.name = 'gce-node' and d.dependency_type = 'runs_on'"
    assert sql.execute(link).fetchall() == [(None,)]

    run = Run(database, add_job(sql, workbench.organization, provider="gcp", next_run_at="now"))
    run.scope([Resource(machine, "compute", "gce_instance", "gke-1")], Scope("gcp", "proj", "z", "gce_instance"))
    run.finish()
    assert sql.execute(link).fetchall() == sql.execute("select id from entities where external_id = %s", [machine]).fetchall()
