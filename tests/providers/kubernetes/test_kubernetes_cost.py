"""How many calls a cluster takes, as docs/providers.md says it, beside one list for each type in each namespace."""

from __future__ import annotations

from costs import documented
from recorder import Recorder

from providers import registry
from providers.runner import run
from providers.schema import parse


def calls(proxy) -> tuple[int, int]:
    """The calls of one run, and the lists among them."""
    provider = registry.get("kubernetes")
    source = provider.open(parse(provider.config, {"kubeconfig": proxy.kubeconfig()}), parse(provider.operator, {}))
    proxy.requests.clear()
    try:
        run(source, Recorder())
    finally:
        source.close()
    return len(proxy.requests), sum("limit=" in request.path for request in proxy.requests)


def naive(kube, discovery: int) -> int:
    """One list for each type in each namespace, and one for those of the cluster."""
    versions = {group["preferredVersion"]["groupVersion"] for group in kube.call("GET", "/apis")["groups"]}
    types = [one for path in ("/api/v1", *(f"/apis/{version}" for version in versions)) for one in kube.call("GET", path)["resources"]]
    listed = [one for one in types if "list" in one["verbs"]]
    namespaces = len(kube.call("GET", "/api/v1/namespaces")["items"])
    return discovery + sum(namespaces if one["namespaced"] else 1 for one in listed)


def test_a_small_cluster_and_a_thousand_objects_more(kube, kube_proxy):
    """Most calls are one for each kind that is served; a page of 500 objects more is one."""
    small, lists = calls(kube_proxy)
    for number in range(1000):
        kube.create("/api/v1/namespaces/shop/configmaps", {"metadata": {"name": f"more{number}"}, "data": {"k": "v"}})
    large, _ = calls(kube_proxy)

    assert (small, naive(kube, small - lists)) == documented("Kubernetes", "a small cluster of five namespaces, as 1.20 serves it")
    assert (large - small, 1000) == documented("Kubernetes", "each 1,000 objects more")
