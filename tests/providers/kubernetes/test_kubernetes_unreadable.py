"""Objects and lists that cannot be read: what is derived of them, and what is looked up in them, is not known to be gone."""

from __future__ import annotations

import pytest
from cluster_access import read
from peers.http_proxy import Reply
from peers.kube_proxy import at

from providers.errors import Denied
from providers.kubernetes.api_type import ApiType
from providers.kubernetes.names import Names, UnreadableIndex


@pytest.mark.parametrize(
    ("path", "broken", "derived"),
    [
        ("/api/v1/pods", '{"metadata": {"name": "x"}, "spec": {}}', ("k8s_image",)),
        ("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", "5", ("k8s_user", "k8s_group")),
    ],
)
def test_an_object_that_cannot_be_read_is_rejected_for_what_is_derived_of_it_too(kube_proxy, path, broken, derived):
    """Else the images, users and groups that it alone names would be deleted."""
    answer = Reply(200, f'{{"kind": "List", "metadata": {{}}, "items": [{broken}]}}'.encode(), {"Content-Type": "application/json"})
    with kube_proxy.broken(at(path, answer)):
        sink = read({"kubeconfig": kube_proxy.kubeconfig()})
    assert {sink.report(one).rejected for one in derived} == {1}


class Refusing:
    """Lists that may not be read."""

    def metadata(self, kind: ApiType, namespace: str = "") -> None:
        raise Denied(f"cannot {kind.permission}", permission=kind.permission)

    objects = metadata


@pytest.mark.parametrize(
    "look_up",
    [
        lambda names: names.find("pods/shop/x"),
        lambda names: names.selected("pods", "shop", {"app": "x"}),
        lambda names: names.selecting("pods", "spec.selector", "shop", {"app": "x"}),
    ],
    ids=["by name", "by selector", "by labels"],
)
def test_nothing_is_not_there_because_its_list_may_not_be_read(look_up):
    names = Names(Refusing(), "c", [ApiType("/api/v1", "", "pods", "Pod", True, True)], {})
    with pytest.raises(UnreadableIndex, match="cannot list pods"):
        look_up(names)
