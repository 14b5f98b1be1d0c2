"""Ids, owners, regions and links as Google Cloud spells them."""

from __future__ import annotations

import pytest

from providers.gcp import catalogue
from providers.gcp.shape import GcpShape, full_name, region_of

V1 = "https://www.googleapis.com/compute/v1/projects"


def shaped(sub_type: str, item: dict, project: str = "service-project"):
    kind, shape = catalogue.kind(sub_type), GcpShape({"415": "service-project"})
    context = {"project": project, "owner": shape.owner(item, project), "parent": "//x.googleapis.com/projects/p/things/parent"}
    return shape.resource(kind, item, context)


def links(resource) -> dict[str, str]:
    return {link.type: link.target for link in resource.links}


def test_the_subnet_of_a_shared_vpc_and_the_image_of_another_project_are_their_owners():
    nic = {"network": f"{V1}/host-project/global/networks/n", "subnetwork": f"{V1}/host-project/regions/r/subnetworks/s"}
    vm = shaped("gce_instance", {"selfLink": f"{V1}/service-project/zones/z/instances/vm", "networkInterfaces": [nic]})
    disk = shaped("gce_disk", {"selfLink": f"{V1}/service-project/zones/z/disks/d", "sourceImage": f"{V1}/debian-cloud/global/images/i"})

    assert links(vm)["in_vpc"] == "//compute.googleapis.com/projects/host-project/global/networks/n"
    assert links(vm)["in_subnet"] == "//compute.googleapis.com/projects/host-project/regions/r/subnetworks/s"
    assert links(disk)["made_of"] == "//compute.googleapis.com/projects/debian-cloud/global/images/i"
    assert vm.parent == "//cloudresourcemanager.googleapis.com/projects/service-project"


def test_an_item_of_another_project_has_that_projects_id_and_parent():
    found = shaped("gcp_network", {"selfLink": f"{V1}/host-project/global/networks/n", "name": "n"})

    assert found.external_id == "//compute.googleapis.com/projects/host-project/global/networks/n"
    assert found.parent == "//cloudresourcemanager.googleapis.com/projects/host-project"


def test_a_dataset_is_its_own_projects():
    found = shaped("gcp_bigquery_dataset", {"datasetReference": {"projectId": "data-project", "datasetId": "d"}, "location": "EU"})

    assert (found.external_id, found.region) == ("//bigquery.googleapis.com/projects/data-project/datasets/d", "eu")


@pytest.mark.parametrize("network", [f"{V1}/host/global/networks/n", "projects/host/global/networks/n"])
def test_a_network_is_one_however_it_is_named(network):
    wanted = "//compute.googleapis.com/projects/host/global/networks/n"
    sql = shaped("gcp_sql_instance", {"name": "db", "settings": {"ipConfiguration": {"privateNetwork": network}}})
    files = shaped("gcp_filestore_instance", {"name": "projects/p/locations/z/instances/f", "networks": [{"network": network}]})

    assert (links(sql)["in_vpc"], links(files)["in_vpc"]) == (wanted, wanted)
    short = shaped("gcp_filestore_instance", {"name": "projects/p/locations/z/instances/f", "networks": [{"network": "default"}]})
    assert links(short)["in_vpc"] == "//compute.googleapis.com/projects/service-project/global/networks/default"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("//secretmanager.googleapis.com/projects/415/secrets/s", "//secretmanager.googleapis.com/projects/service-project/secrets/s"),
        ("//secretmanager.googleapis.com/projects/999/secrets/s", "//secretmanager.googleapis.com/projects/999/secrets/s"),
        ("//cloudkms.googleapis.com/projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/3",
         "//cloudkms.googleapis.com/projects/p/locations/l/keyRings/r/cryptoKeys/k"),
        ("//aiplatform.googleapis.com/projects/p/locations/l/models/7@2", "//aiplatform.googleapis.com/projects/p/locations/l/models/7"),
        ("//storage.googleapis.com/my-bucket", "//storage.googleapis.com/projects/_/buckets/my-bucket"),
        ("//secretmanager.googleapis.com/projects/p/secrets/projects/q/secrets/s", "//secretmanager.googleapis.com/projects/q/secrets/s"),
        ("https://container.googleapis.com/v1/projects/p/zones/z/clusters/c", "//container.googleapis.com/projects/p/zones/z/clusters/c"),
    ],
)  # fmt: skip
def test_one_spelling_for_each_id(text, name):
    assert GcpShape({"415": "service-project"}).spelling(text) == name
    assert full_name(full_name(text)) == full_name(text)


@pytest.mark.parametrize(
    ("place", "region"),
    [
        ("us-central1-a", "us-central1"), (f"{V1}/p/zones/europe-west1-b", "europe-west1"), ("US-CENTRAL1", "us-central1"), ("EU", "eu"),
        ("global", ""), ("", ""), ("northamerica-northeast1", "northamerica-northeast1"), ("nam4", "nam4"),
    ],
)  # fmt: skip
def test_regions(place, region):
    assert region_of(place) == region


def test_placeholders_are_no_links():
    pool = shaped("gke_node_pool", {"name": "p", "config": {"serviceAccount": "default"}})
    subscription = shaped("gcp_pubsub_subscription", {"name": "projects/p/subscriptions/s", "topic": "_deleted-topic_"})

    assert not pool.links
    assert not subscription.links
