"""The catalogue of Kubernetes against the API server's own description."""

from __future__ import annotations

import catalogue_suite
import msgspec
import pytest
from catalogue_suite import CatalogueSuite, FieldType
from kube_description import KubeDescription

from providers import registry
from providers.catalogue.kinds import LinkRule
from providers.kubernetes import catalogue

TYPO = "tpyos"


class TestCatalogue(CatalogueSuite):
    """Every word of every kind, and each of them misspelt."""

    kinds = catalogue.KINDS
    context = frozenset({"cluster"})
    link_fields = frozenset({FieldType.MAP})  # a selector
    listing_words = ("kind", "plural", "group")
    resource_types = registry.get("kubernetes").resource_types()

    @pytest.fixture(autouse=True)
    def described(self, kube):
        type(self).description = KubeDescription(kube)

    def test_a_misspelt_type_of_a_target_is_named(self):
        looked_up = 0
        for kind in self.kinds:
            for index, rule in enumerate(kind.links):
                if rule.to.startswith("@"):
                    wrong = msgspec.structs.replace(rule, to=f"@{TYPO}" + rule.to[rule.to.index("/") :])
                    links = (*kind.links[:index], wrong, *kind.links[index + 1 :])
                    faults = self.faults(msgspec.structs.replace(kind, links=links))
                    assert any(TYPO in fault for fault in faults), (kind.sub_type, rule)
                    looked_up += 1
                elif rule.to.startswith("&"):
                    name, colon, meant = rule.to.partition(":")
                    wrong = msgspec.structs.replace(rule, to=f"{name}:{TYPO}{meant}" if colon else f"{name}{TYPO}")
                    links = (*kind.links[:index], wrong, *kind.links[index + 1 :])
                    faults = self.faults(msgspec.structs.replace(kind, links=links))
                    assert any(TYPO in fault for fault in faults), (kind.sub_type, rule)
        assert looked_up > 100

    def test_a_type_that_is_newer_than_the_server_is_checked_against_kubernetes_own_client(self):
        kind = catalogue._known(
            "ValidatingAdmissionPolicyBinding",
            "validatingadmissionpolicybindings",
            "configuration",
            "admissionregistration.k8s.io",
            links=(LinkRule("binds", "spec.policyName", "{value}"),),
            omit=("spec.validationActions",),
        )
        assert self.faults(kind) == []
        for what, misspelt in catalogue_suite.misspellings(kind, self.listing_words):
            assert any(catalogue_suite.TYPO in fault for fault in self.faults(misspelt)), what


@pytest.mark.parametrize(
    ("kind", "group", "name"),
    [
        ("PersistentVolumeClaim", "", "k8s_pvc"),
        ("CSIDriver", "storage.k8s.io", "k8s_csi_driver"),
        ("APIService", "apiregistration.k8s.io", "k8s_api_service"),
        ("HTTPRoute", "gateway.networking.k8s.io", "k8s_http_route__gateway_networking_k8s_io"),
        ("Cluster", "cluster.x-k8s.io", "k8s_cluster__cluster_x_k8s_io"),
        ("Pod", "", "k8s_pod"),
        ("Pod", "acme.example", "k8s_pod__acme_example"),
    ],
)
def test_names(kind, group, name):
    assert catalogue.kind_of(kind, "x", group).sub_type == name


def test_a_kind_of_another_group_is_not_taken_for_one_of_kubernetes():
    ours, theirs = catalogue.kind_of("Secret", "secrets", ""), catalogue.kind_of("Secret", "secrets", "acme.example")
    assert (ours.entity_type, theirs.entity_type) == ("secret", "kubernetes")
