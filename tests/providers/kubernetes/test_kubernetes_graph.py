"""The graph of a cluster on a real API server: every link, what is derived, what stays secret, and that nothing moves by itself."""

from __future__ import annotations

import contextlib
import urllib.error

import pytest
from graph_documents import ABROAD, CANARY, DIGEST, LINKS, NS, definitions, documents
from peers.kube import running
from recorder import Recorder
from waiting import until

from providers import registry
from providers.collected import canonical
from providers.errors import ConfigError, Outcome
from providers.kubernetes import derived
from providers.kubernetes.selectors import matches
from providers.runner import run
from providers.schema import parse
from providers.testing import operator_of

RULES = [
    {"kind": "Widget.acme.example", "type": "uses_secret", "path": "spec.stores[].secretRef"},
    {"kind": "Widget.acme.example", "type": "runs_on", "path": "spec.on", "to": "@nodes/{value}"},
    {"kind": "Widget.acme.example", "type": "made_from", "path": "spec.outside", "to": "{value}"},
]


def post(kube, path: str, body: dict) -> None:
    """Creates an object as soon as its type is served."""

    def created() -> bool:
        try:
            kube.call("POST", path, body)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return False
            assert error.code == 409, (path, body["metadata"]["name"], error.read())
        return True

    until(created, f"{path} is served")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """An API server of its own with the whole shop."""
    with running(tmp_path_factory.mktemp("graph")) as kube:
        for definition in definitions():
            kube.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)
        for path, body in documents():
            post(kube, path, body)
        status = {
            "containerStatuses": [{"name": "c", "imageID": f"docker-pullable://{DIGEST}", "image": "x", "ready": True, "restartCount": 7}]
        }
        path = f"/api/v1/namespaces/{NS}/pods/web-1/status"
        status["containerStatuses"][0]["containerID"] = "containerd://1"
        kube.call("PATCH", path, {"status": status}, kind="application/merge-patch+json")
        yield kube


def read(kube, **config) -> Recorder:
    provider, sink = registry.get("kubernetes"), Recorder()
    parsed = parse(provider.config, {"kubeconfig": kube.kubeconfig(), "aws_account": "111122223333", "link_rules": RULES, **config})
    with contextlib.closing(provider.open(parsed, operator_of(provider, {}))) as source:
        sink.tally = run(source, sink)
    return sink


@pytest.fixture(scope="module")
def whole(cluster) -> Recorder:
    return read(cluster)


def test_every_link_of_the_table_is_there(whole):
    known = {resource.external_id: (resource.sub_type, resource.name) for _, resource in whole.all()}
    links = [(resource.sub_type, resource.name, link) for _, resource in whole.all() for link in resource.links]
    inside = {(sub_type, name, link.type, *known[link.target]) for sub_type, name, link in links if link.target in known}
    outside = {(sub_type, name, link.type, link.target) for sub_type, name, link in links if link.target not in known}
    assert inside >= LINKS, sorted(LINKS - inside)
    assert outside == ABROAD, (sorted(ABROAD - outside), sorted(outside - ABROAD))
    assert not [report for report in whole.reports.values() if report.outcome is not Outcome.COMPLETE]


def test_every_rule_of_the_tables_is_one_of_the_links():
    """A rule for a well-known custom resource without an object in this test would be a rule that nobody has seen work."""
    from graph_documents import GROUPS

    from providers.kubernetes import catalogue
    from providers.kubernetes.custom import CUSTOM

    seen = {(sub_type, link) for sub_type, _, link, *_ in LINKS | ABROAD}
    tried = {f"{kind}.{group}" for kind, group in GROUPS}
    missing = {
        (name, rule.type)
        for name, rules in CUSTOM.items()
        if name in tried
        for rule in rules
        if (catalogue.sub_type(name.partition(".")[0], name.partition(".")[2]), rule.type) not in seen
    }
    assert not missing


def test_nothing_secret_is_stored(whole):
    assert not [resource.name for _, resource in whole.all() if CANARY.encode() in canonical(resource)]
    assert len({resource.sub_type for _, resource in whole.all()}) >= 40


def test_a_second_reading_is_the_same_to_the_byte(cluster, whole):
    again = read(cluster)
    first, second = ({canonical(resource) for _, resource in sink.all()} for sink in (whole, again))
    assert first == second


def test_a_user_is_not_taken_for_the_service_account_of_that_name(whole):
    user = next(one for _, one in whole.all() if one.sub_type == "k8s_user" and one.name == "web")
    binding = next(one for _, one in whole.all() if one.sub_type == "k8s_role_binding" and one.name == f"{NS}/readers")
    assert sorted(link.type for link in binding.links) == ["granted_to", "granted_to", "granted_to", "has_role"]
    assert user.external_id in {link.target for link in binding.links}


def test_a_pod_is_served_by_the_services_whose_selectors_fit_it_and_by_no_other(whole):
    types = {name: {link.type for link in whole.one(f"{NS}/{name}").links} for name in ("web-1", "db-1")}
    assert "served_by" in types["web-1"]
    assert types["db-1"] & {"served_by", "protected_by", "governed_by"} == {"governed_by"}


def test_a_release_of_helm_is_its_latest_revision_with_its_chart(whole):
    [release] = [one for _, one in whole.all() if one.sub_type == "k8s_helm_release"]
    assert release.attributes == {"name": "shop", "revision": 2, "status": "deployed", "chart": "web-shop", "chartVersion": "1.4.2"}


def test_the_cluster_knows_who_signs_its_tokens(whole):
    [cluster] = [one for _, one in whole.all() if one.sub_type == "k8s_cluster"]
    assert cluster.attributes["issuer"] == "https://localhost"
    roots = {one.sub_type for _, one in whole.all() if one.parent == cluster.external_id}
    assert {"k8s_node", "k8s_namespace", "k8s_persistent_volume", "k8s_custom_resource_definition", "k8s_image", "k8s_user"} <= roots


def test_of_one_namespace_the_same_links_are_read_as_far_as_it_goes(cluster):
    sink = read(cluster, namespaces=[NS])
    types = [link.type for link in sink.one(f"{NS}/web-1").links]
    assert sorted(types) == ["governed_by", "protected_by", "runs_as", "runs_image", "runs_image", "runs_on", "served_by"]
    assert {scope.coverage for scope in sink.reports if scope.resource_type in derived.TYPES} == {f"namespaces={NS}"}


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ({"kind": "Widget.acme.example", "type": "Uses Secret", "path": "x"}, "is not a name of a link"),
        ({"kind": "Widget.acme.example", "type": "uses", "path": "x", "to": "@secrets"}, "is not a target"),
        ({"kind": "", "type": "uses", "path": "x"}, "needs `kind` and `path`"),
        ({"kind": "W", "type": "uses", "path": "x", "two": "y"}, r"`link_rules\[0\].two` is not known"),
    ],
)
def test_a_wrong_link_rule_is_a_sentence(rule, sentence):
    with pytest.raises(ConfigError, match=sentence):
        parse(registry.get("kubernetes").config, {"link_rules": [rule]})


@pytest.mark.parametrize(
    ("selector", "fits"),
    [
        ({"app": "web"}, True), ({"app": "db"}, False), ({}, True), (None, False),
        ({"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "tier", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}, False),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["db"]}]}, True),
        ({"matchExpressions": [{"key": "no", "operator": "In", "values": ["x"]}]}, False),
        ({"matchExpressions": [{"key": "app", "operator": "Newer", "values": ["web"]}]}, False),
    ],
)  # fmt: skip
def test_selectors(selector, fits):
    assert matches(selector, {"app": "web", "tier": "front"}) is fits


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("nginx", {"repository": "nginx"}),
        ("nginx:1.25", {"repository": "nginx", "tag": "1.25"}),
        ("r.example:5000/a/b", {"repository": "r.example:5000/a/b"}),
        ("r.example:5000/a/b:1@sha256:ab", {"repository": "r.example:5000/a/b", "tag": "1", "digest": "sha256:ab"}),
        ("sha256:ab", {"digest": "sha256:ab"}),
    ],
)
def test_the_parts_of_an_image(image, parts):
    assert derived.parts(image) == parts
