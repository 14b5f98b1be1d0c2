"""What users of comparable tools ran into, on a real API server."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import pytest
import yaml
from cluster_access import ROLES, account, apply, as_token, bind, not_complete, opened, permit, printed, read, served
from peers.connect_proxy import CLOSED
from peers.http_proxy import Reply
from peers.kube_proxy import as_who_has, at
from waiting import until

from providers import registry
from providers.collected import canonical
from providers.errors import ConfigError, CredentialsError, Outcome, TimedOut
from providers.kubernetes import status
from providers.records import Scope
from providers.testing import operator_of

MANIFEST = pathlib.Path(__file__).resolve().parents[3] / "deploy" / "kubernetes" / "base" / "worker.yaml"


def test_case_k8s_1_the_shipped_service_account_suffices(kube, tmp_path):
    for document in yaml.safe_load_all(MANIFEST.read_text()):
        if document["kind"] in ("ClusterRole", "ClusterRoleBinding"):
            kube.create(f"{ROLES}/{document['kind'].lower()}s", document)
    (tmp_path / "token").write_text(account(kube, "elder", "elder-worker"))
    (tmp_path / "ca.crt").write_text(kube.ca)
    host, _, port = kube.server.removeprefix("https://").partition(":")
    found = read({"kubeconfig_path": str(tmp_path)}, {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port})
    assert not_complete(found) == []
    assert len(found.ids("k8s_pod")) == 130
    assert found.who.account == kube.call("GET", "/api/v1/namespaces/kube-system")["metadata"]["uid"]
    assert found.who.place.startswith(f"{kube.server} (ca-"), "the server and the CA that are in the config"


@pytest.fixture
def proxied(kube, kube_proxy):
    kube_proxy.call = lambda path: kube.call("GET", path, raw=True)
    return kube_proxy


def test_case_k8s_2_a_cluster_of_another_group_is_no_second_plan_of_ours(proxied):
    item = {"metadata": {"name": "c", "uid": "11111111-0000-0000-0000-000000000000"}}
    with proxied.broken(served(proxied, "cluster.x-k8s.io", "clusters", "Cluster", [item], storageVersionHash="x")):
        sink = read({"kubeconfig": proxied.kubeconfig(), "exclude_types": ["pods"]})
    assert not_complete(sink) == []
    assert len(sink.ids("k8s_cluster")) == len(sink.ids("k8s_cluster__cluster_x_k8s_io")) == 1
    types = {scope.resource_type for scope in sink.reports}
    assert types.isdisjoint({"k8s_pod", "k8s_event", "k8s_lease", "k8s_endpoints", "k8s_endpoint_slice"})


def test_case_k8s_2_groups_that_differ_in_a_dash_are_one_scope(proxied):
    first = served(proxied, "a-b.example", "things", "Thing", [{"metadata": {"name": "t", "uid": "1"}}], storageVersionHash="x")
    with proxied.broken(first):
        proxied.call = lambda path, call=proxied.call: first(type("R", (), {"path": path})).body.decode() if path == "/apis" else call(path)
        second = served(proxied, "a.b.example", "things", "Thing", [{"metadata": {"name": "t", "uid": "2"}}], storageVersionHash="x")
        proxied.rule = lambda request: second(request) or first(request)
        sink = read({"kubeconfig": proxied.kubeconfig()})
    assert len(sink.ids("k8s_thing__a_b_example")) == 2


@pytest.mark.parametrize(("name", "gone"), [("widgets.acme.example", True), ("widgets", True), ("widgets.not.here", False)])
def test_case_k8s_2_a_type_is_excluded_by_plural_and_group(kube, name, gone):
    sink = read({"kubeconfig": kube.kubeconfig(), "exclude_types": [name]})
    assert ("k8s_widget__acme_example" in {scope.resource_type for scope in sink.reports}) is not gone


@pytest.mark.parametrize(("name", "sentence"), [("podz", "did you mean 'pods'"), ("zzzzzz", "has no type 'zzzzzz'")])
def test_case_k8s_2_a_misspelt_type_is_told(kube, name, sentence):
    with pytest.raises(ConfigError, match=sentence):
        read({"kubeconfig": kube.kubeconfig(), "exclude_types": [name]})


def test_case_k8s_3_of_a_secret_type_and_key_names_are_kept_and_no_value(kube):
    note = {"kapp.k14s.io/original": '{"stringData":{"p":"canary-3"}}', "plain": "canary-3"}
    body = {
        "metadata": {"name": "s3", "annotations": note},
        "type": "example.com/kind",
        "stringData": {"user": "canary-3", "pass": "canary-3"},
    }
    kube.create("/api/v1/namespaces/shop/secrets", {**body, "immutable": True})
    kube.create("/api/v1/namespaces/shop/configmaps", {"metadata": {"name": "m3", "annotations": note}, "data": {"k": "canary-3"}})
    kube.create("/api/v1/namespaces/shop/services", {"metadata": {"name": "s3", "annotations": note}, "spec": {"ports": [{"port": 80}]}})
    sink = read({"kubeconfig": kube.kubeconfig()})
    secret = next(r for _, r in sink.all() if r.sub_type == "k8s_secret" and r.name == "shop/s3")
    config = sink.one("shop/m3")
    assert (secret.attributes["type"], secret.attributes["keys"], secret.attributes["immutable"]) == (
        "example.com/kind",
        ["pass", "user"],
        True,
    )
    assert (config.attributes["keys"], "immutable" in config.attributes) == (["k"], False)
    assert sorted(secret.attributes["metadata"]["annotations"]) == ["kapp.k14s.io/original", "plain"]
    everything = b"".join(canonical(found) for _, found in (*sink.all(),) if found.sub_type in ("k8s_secret", "k8s_config_map"))
    assert b"canary-3" not in everything
    service = next(r for _, r in sink.all() if r.sub_type == "k8s_service" and r.name == "shop/s3")
    assert "canary-3" not in service.attributes["metadata"]["annotations"]["kapp.k14s.io/original"]


@pytest.mark.parametrize("group", ["project.openshift.io", "mirror.example.com"])
def test_case_k8s_4_a_view_of_another_object_is_told_apart_by_its_id(kube, proxied, group):
    namespaces = kube.call("GET", "/api/v1/namespaces")["items"]
    with proxied.broken(served(proxied, group, "projects", "Project", namespaces)):
        one, two = (read({"kubeconfig": proxied.kubeconfig()}) for _ in range(2))
    projects = f"k8s_project__{group.replace('.', '_')}"
    assert len(one.ids(projects)) == len(one.ids("k8s_namespace")) == len(namespaces)
    assert set(one.ids(projects)).isdisjoint(one.ids("k8s_namespace"))
    assert set(one.ids(projects)) == set(two.ids(projects))
    assert not any("mirror" in found or "openshift" in found for found in one.ids("k8s_namespace"))


def test_case_k8s_5_a_type_that_is_not_served_any_more_is_complete_and_empty(kube):
    uid = read({"kubeconfig": kube.kubeconfig(), "namespaces": ["default"]}).who.account
    gone = Scope("kubernetes", uid, "", "k8s_gone__acme_example")
    other = Scope("kubernetes", "another-cluster", "", "k8s_gone__acme_example")
    sink = read({"kubeconfig": kube.kubeconfig()}, attempted=(gone, other))
    report = sink.reports[gone]
    assert (report.outcome, report.resources, report.gone) == (Outcome.COMPLETE, 0, True)
    assert "does not serve this type any more" in report.message
    assert other not in sink.reports


def test_case_k8s_5_nothing_is_gone_while_a_group_does_not_answer(kube_proxy, kube, monkeypatch):
    monkeypatch.setattr("providers.http.retry.wait", lambda _: None)
    uid = kube.call("GET", "/api/v1/namespaces/kube-system")["metadata"]["uid"]
    gone = Scope("kubernetes", uid, "", "k8s_widget__acme_example")
    with kube_proxy.broken(at("/apis/acme.example/v1", Reply(503, b"unavailable"))):
        sink = read({"kubeconfig": kube_proxy.kubeconfig()}, attempted=(gone,))
    assert gone not in sink.reports
    assert sink.report("*").outcome is Outcome.TIMEOUT


def test_case_k8s_6_links_are_partial_where_an_index_is_denied(kube_proxy):
    with kube_proxy.broken(at("/api/v1/nodes", as_who_has("nobody-token"))):
        sink = read({"kubeconfig": kube_proxy.kubeconfig()})
    pod = sink.one("shop/pod-3")
    assert pod.links_partial
    assert {link.type for link in pod.links} == {"runs_as", "runs_image"}
    assert sink.report("k8s_node").outcome is Outcome.DENIED
    assert not read({"kubeconfig": kube_proxy.kubeconfig()}).one("shop/pod-3").links_partial


@pytest.fixture
def limited(kube):
    """A token with the rights of one namespace."""
    token = account(kube, "shop", "limited")
    rules = [
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["list"]},
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]},
    ]
    permit(kube, "limited", rules, "shop")
    return token


def test_case_k8s_7_the_rights_of_one_namespace_suffice_for_it(kube, limited):
    sink = as_token(kube, limited, namespaces=["shop", "default"])
    outcomes = {scope.coverage: report.outcome for scope, report in sink.reports.items() if scope.resource_type == "k8s_pod"}
    assert outcomes == {"namespaces=shop": Outcome.COMPLETE, "namespaces=default": Outcome.DENIED}
    shop = kube.call("GET", "/api/v1/namespaces/shop")["metadata"]["uid"]
    pod = sink.one("shop/pod-1")
    assert sink.who.account == shop
    assert (pod.parent, {link.type for link in pod.links}) == (f"{shop}/{shop}", {"runs_as", "runs_image"})


def test_case_k8s_7_an_identity_does_not_change_by_itself(kube, limited):
    first = as_token(kube, limited, namespaces=["shop"])
    again = read({"kubeconfig": kube.kubeconfig(), "namespaces": ["shop"]}, attempted=tuple(first.reports))
    assert again.who.account == first.who.account
    assert set(first.ids("k8s_pod")) == set(again.ids("k8s_pod"))
    new = read({"kubeconfig": kube.kubeconfig(), "namespaces": ["shop"]})
    assert new.who.account != first.who.account


def test_case_k8s_7_an_unknown_namespace_is_an_error_with_a_sentence(kube):
    sink = read({"kubeconfig": kube.kubeconfig(), "namespaces": ["shop", "shpo"]})
    report = sink.reports[Scope("kubernetes", sink.who.account, "", "*", "namespaces=shpo")]
    assert (report.outcome, "no namespace 'shpo'" in report.message) == (Outcome.ERROR, True)
    assert {scope.coverage for scope in sink.reports if scope.resource_type == "k8s_pod"} == {"namespaces=shop"}


LARGE = """
import contextlib, json, sys
from providers import registry
from providers.runner import run
from providers.schema import parse
from providers.testing import operator_of
class Sink:
    found = 0
    def identity(self, _): pass
    planned = begin = organizations = identity
    def resources(self, scope, resources): Sink.found += len(resources) if "large" in scope.resource_type else 0
    def end(self, report): assert report.outcome == "complete", report
provider = registry.get("kubernetes")
with contextlib.closing(provider.open(parse(provider.config, json.load(sys.stdin)), operator_of(provider, {}))) as source:
    run(source, Sink())
print(Sink.found, next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def test_case_k8s_8_large_objects_are_read_in_bounded_memory(proxied):
    """150 objects of 0.97 MB, served page by page as the server does; measured: the whole process stays below 200 MB."""
    text = "x" * 970_000

    def pages(request):
        path, _, query = request.path.partition("?")
        if path != "/apis/acme.large/v1/larges":
            return rule(request)
        asked = dict(pair.split("=") for pair in query.split("&"))
        begin = int(asked.get("continue", 0))
        end = min(150, begin + int(asked["limit"]))
        items = [{"metadata": {"name": f"l{number}", "uid": f"l{number}"}, "spec": {"text": text}} for number in range(begin, end)]
        body = {"kind": "LargeList", "metadata": {"continue": str(end) if end < 150 else ""}, "items": items}
        return Reply(200, json.dumps(body).encode(), {"Content-Type": "application/json"})

    rule = served(proxied, "acme.large", "larges", "Large", [], storageVersionHash="x")
    with proxied.broken(pages):
        config = json.dumps({"kubeconfig": proxied.kubeconfig()}).encode()
        done = subprocess.run([sys.executable, "-c", LARGE], input=config, capture_output=True, timeout=300, check=False)
    found, kilobytes = done.stdout.split() or (b"", done.stderr.decode()[-2000:])
    assert found == b"150", kilobytes
    assert int(kilobytes) < 200_000


def on_disk(kube, folder: pathlib.Path, token: str, **cluster) -> str:
    """A kubeconfig file with its CA and its token in files beside it."""
    document = kube.kubeconfig()
    (folder / "ca.pem").write_text(kube.ca)
    (folder / "token").write_text(token)
    document["clusters"][0]["cluster"] = {"server": kube.server, "certificate-authority": "ca.pem", **cluster}
    document["users"][0]["user"] = {"tokenFile": "token"}
    path = folder / "kubeconfig.yaml"
    path.write_text(yaml.safe_dump(document))
    return str(path)


def test_case_k8s_9_files_beside_a_kubeconfig_are_read_and_permitted(kube, tmp_path):
    path = on_disk(kube, tmp_path, "admin-token")
    with opened({"kubeconfig_path": path}) as source:
        assert source.check().account
    provider = registry.get("kubernetes")
    assert set(provider.named_files(path)) == {str(tmp_path / "ca.pem"), str(tmp_path / "token")}
    assert set(provider.further_files(operator_of(provider, {"KUBECONFIG": path}))) == set(provider.named_files(path))


def test_case_k8s_9_a_file_elsewhere_is_refused_in_a_jobs_kubeconfig(kube, tmp_path):
    (tmp_path / "inside").mkdir()
    path = on_disk(kube, tmp_path / "inside", "admin-token")
    (tmp_path / "token").write_text("admin-token")
    pathlib.Path(path).write_text(pathlib.Path(path).read_text().replace("tokenFile: token", "tokenFile: ../token"))
    with pytest.raises(ConfigError, match=r"`users\[0\].user.tokenFile` is refused"), opened({"kubeconfig_path": path}):
        pass


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("cluster", "proxy-url", "http://127.0.0.1:9"),
        ("user", "as", "admin"),
        ("user", "as-groups", ["system:masters"]),
        ("user", "as-uid", "1"),
        ("user", "as-user-extra", {"a": ["b"]}),
    ],
)
def test_case_k8s_10_a_proxy_and_impersonation_are_refused_in_a_jobs_config(kube, part, key, value):
    config = kube.kubeconfig()
    config[f"{part}s"][0][part][key] = value
    with pytest.raises(ConfigError, match=rf"`{part}s\[0\].{part}.{key}` is refused"), opened({"kubeconfig": config}):
        pass


def test_case_k8s_10_the_operators_proxy_is_used(kube, tmp_path, monkeypatch):
    """Nothing listens at the proxy: what does not reach it, does not reach the cluster either."""
    monkeypatch.setattr("providers.http.retry.wait", lambda _: None)
    path = on_disk(kube, tmp_path, "admin-token", **{"proxy-url": "http://127.0.0.1:9"})
    told = r"^the proxy at 127\.0\.0\.1:9 \(the kubeconfig's `clusters\[0\]\.cluster\.proxy-url`\) cannot be reached"
    with pytest.raises(TimedOut, match=told), opened({}, {"KUBECONFIG": path}) as source:
        source.check()


def in_closed_network(kube, folder: pathlib.Path, **cluster) -> str:
    """A kubeconfig file of the cluster under a name that the proxy alone can resolve."""
    port = kube.server.rpartition(":")[2]
    path = on_disk(kube, folder, "admin-token", **{"tls-server-name": "kubernetes.default.svc", **cluster})
    pathlib.Path(path).write_text(pathlib.Path(path).read_text().replace(kube.server, f"https://kube.{CLOSED}:{port}"))
    return path


def test_case_k8s_10_a_cluster_behind_the_operators_proxy_is_read(kube, tmp_path, connect_proxy):
    path = in_closed_network(kube, tmp_path, **{"proxy-url": connect_proxy.url})
    sink = read({}, {"KUBECONFIG": path})
    assert (not_complete(sink), len(sink.ids("k8s_pod"))) == ([], 130)
    assert set(connect_proxy.connected) == {f"kube.{CLOSED}"}


def test_case_k8s_10_a_proxy_that_refuses_our_password_is_told_with_the_key(kube, tmp_path, connect_proxy):
    path = in_closed_network(kube, tmp_path, **{"proxy-url": connect_proxy.url_for("wrong")})
    told = r"\(the kubeconfig's `clusters\[0\]\.cluster\.proxy-url`\) does not accept our credentials \(40[17]\)"
    with pytest.raises(CredentialsError, match=told), opened({}, {"KUBECONFIG": path}) as source:
        source.check()


def test_case_k8s_10_the_proxy_of_the_environment_is_used_but_for_no_proxy(kube, tmp_path, connect_proxy, monkeypatch):
    monkeypatch.setattr("providers.http.retry.wait", lambda _: None)
    path = in_closed_network(kube, tmp_path)
    monkeypatch.setenv("HTTPS_PROXY", connect_proxy.url)
    with opened({"kubeconfig_path": path}) as source:
        assert source.check().account
    assert connect_proxy.connected == [f"kube.{CLOSED}"]
    monkeypatch.setenv("NO_PROXY", f".{CLOSED}")
    with pytest.raises(TimedOut, match="cannot be resolved"), opened({"kubeconfig_path": path}) as source:
        source.check()
    assert connect_proxy.connected == [f"kube.{CLOSED}"]


def test_case_k8s_10_the_operators_impersonation_is_honoured(kube, tmp_path):
    path = pathlib.Path(on_disk(kube, tmp_path, "admin-token"))
    document = yaml.safe_load(path.read_text())
    document["users"][0]["user"] |= {"as": "nobody", "as-groups": ["one", "two"]}
    path.write_text(yaml.safe_dump(document))
    sink = read({}, {"KUBECONFIG": str(path)})
    assert sink.report("k8s_pod").outcome is Outcome.DENIED
    document["users"][0]["user"]["as-groups"] = ["one", "system:masters"]
    path.write_text(yaml.safe_dump(document))
    assert read({}, {"KUBECONFIG": str(path)}).report("k8s_pod").outcome is Outcome.COMPLETE


def test_case_k8s_11_what_moves_without_meaning_is_no_change(kube):
    """The same object twice, with everything moved that may move."""

    def at_time(minute: int, count: int, images: list[str]):
        stamp = f"2026-11-28T01:{minute:02}:00Z"
        condition = {"type": "Ready", "status": "True", "reason": "Fine", "message": f"{count} checks", "lastTransitionTime": stamp}
        images = [{"names": [name], "sizeBytes": 5} for name in images]
        return {"conditions": [condition], "lastSyncedAt": stamp, "syncCount": count, "images": images, "phase": "Bound"}

    one, two = status.stable(at_time(1, 1, ["a", "b"])), status.stable(at_time(2, 7, ["b", "a"]))
    assert one == two
    assert one["conditions"] == [{"type": "Ready", "status": "True", "reason": "Fine"}]
    assert one["phase"] == "Bound"

    path = "/apis/acme.example/v1/namespaces/shop/widgets/w"
    before = read({"kubeconfig": kube.kubeconfig()})
    widget = kube.call("GET", path)
    kube.call("PUT", path, widget | {"status": at_time(3, 3, ["a"]) | {"phase": "Bound"}})
    first = read({"kubeconfig": kube.kubeconfig(), "ignore_fields": ["status.phase"]})
    widget = kube.call("GET", path)
    kube.call("PUT", path, widget | {"status": at_time(4, 4, ["a"]) | {"phase": "Lost"}})
    second = read({"kubeconfig": kube.kubeconfig(), "ignore_fields": ["status.phase"]})
    assert canonical(first.one("shop/w")) == canonical(second.one("shop/w"))
    assert "status" not in before.one("shop/w").attributes


def test_case_k8s_12_the_policy_suffices_and_one_right_less_is_named(kube, tmp_path):
    token = account(kube, "shop", "policied")
    apply(kube, tmp_path, printed(kube, tmp_path, "kubeconfig_path=ADMIN").replace('"elder-worker"', '"policied"'))
    bind(kube, "ClusterRole", "policied")
    until(lambda: not_complete(as_token(kube, token)) == [], "the role is in force")
    role = kube.call("GET", f"{ROLES}/clusterroles/policied")
    assert {verb for rule in role["rules"] for verb in rule["verbs"]} == {"list"}
    assert "*" not in json.dumps(role["rules"])
    for rule in role["rules"]:
        if rule["apiGroups"] == ["acme.example"]:
            rule["resources"] = ["none"]
    kube.call("PUT", f"{ROLES}/clusterroles/policied", role)
    until(lambda: not_complete(as_token(kube, token)), "the role is in force")
    [denied] = not_complete(as_token(kube, token))
    assert (denied.outcome, denied.permission) == (Outcome.DENIED, "list widgets.acme.example")


def test_case_k8s_12_roles_for_namespaces_suffice(kube, tmp_path):
    token = account(kube, "shop", "roled")
    apply(kube, tmp_path, printed(kube, tmp_path, "kubeconfig_path=ADMIN", "namespaces=shop").replace('"elder-worker"', '"roled"'))
    bind(kube, "Role", "roled", "shop")
    until(lambda: not_complete(as_token(kube, token, namespaces=["shop"])) == [], "the role is in force")


def test_case_k8s_12_the_policy_without_a_cluster_permits_list_and_nothing_else(kube, tmp_path):
    assert json.loads(printed(kube, tmp_path))["rules"] == [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["list"]}]


@pytest.mark.parametrize(
    "broken", ['{"metadata": {"name": "x"}}', '{"metadata": {"uid": "u"}}', '{"metadata": {"uid": "u", "name": "\\ud800"}}', "5"]
)
def test_one_object_that_is_none_is_rejected_and_the_others_are_read(proxied, broken):
    good = '{"metadata": {"name": "good", "uid": "g"}}'
    rule = served(proxied, "acme.odd", "odds", "Odd", [], storageVersionHash="x")
    body = f'{{"kind": "OddList", "metadata": {{}}, "items": [{broken}, {good}]}}'.encode()
    answer = Reply(200, body, {"Content-Type": "application/json"})
    with proxied.broken(lambda request: answer if request.path.startswith("/apis/acme.odd/v1/odds") else rule(request)):
        sink = read({"kubeconfig": proxied.kubeconfig()})
    report = sink.report("k8s_odd__acme_odd")
    assert (report.outcome, report.resources, report.rejected) == (Outcome.COMPLETE, 1, 1)
    assert "is not stored" in report.rejection
