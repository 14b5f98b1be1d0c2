"""/metrics of the API: every request is counted under its route, whatever a caller makes up, and a key is asked for."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families


def requests(app, **more) -> dict[tuple[str, str, str], float]:
    """(method, route, status) -> number."""
    response = app.test_client().get("/metrics", **more)
    assert response.status_code == 200
    families = {family.name: family for family in text_string_to_metric_families(response.text)}
    [build] = families["elder_build_info"].samples
    assert build.labels["service"] == "elder-api"
    duration = families["elder_api_request_duration_seconds"].samples if "elder_api_request_duration_seconds" in families else []
    assert sum(one.value for one in duration if one.name.endswith("_count")) == sum(
        one.value for one in families["elder_api_requests"].samples if one.name.endswith("_total")
    )
    return {
        (one.labels["method"], one.labels["route"], one.labels["status"]): one.value
        for one in families["elder_api_requests"].samples
        if one.name.endswith("_total")
    }


def test_requests_are_counted_by_their_route_and_not_by_what_is_in_it(elder_app):
    client = elder_app.test_client()
    for number in range(3):
        client.get(f"/api/v1/discovery/jobs/{number + 900}")
        client.get(f"/made/up/{number}")
        client.open("/made/up", method=f"BREW{number}")
    client.post("/api/v1/organizations", json={})
    assert requests(elder_app) == {
        ("GET", "/api/v1/discovery/jobs/<id:job_id>", "404"): 3,
        ("any", "none", "404"): 6,
        ("POST", "/api/v1/organizations", "400"): 1,
    }


def test_a_key_is_asked_for_and_a_refusal_is_counted(elder_app, monkeypatch):
    import msgspec

    context = elder_app.extensions["elder"]
    monkeypatch.setattr(context, "settings", msgspec.structs.replace(context.settings, elder_api_key="the-first-key-of-all"))
    client = elder_app.test_client()
    assert client.get("/metrics").status_code == 401
    seen = requests(elder_app, headers={"Authorization": "Bearer the-first-key-of-all"})
    assert seen == {("GET", "/metrics", "401"): 1}


def test_the_counter_of_guessed_keys_is_there_before_the_first(elder_app, monkeypatch):
    """Prometheus takes no first value for an increase."""
    import msgspec

    context = elder_app.extensions["elder"]
    monkeypatch.setattr(context, "settings", msgspec.structs.replace(context.settings, elder_api_key="the-first-key-of-all"))
    client, key = elder_app.test_client(), {"Authorization": "Bearer the-first-key-of-all"}

    def slowed() -> float:
        text = client.get("/metrics", headers=key, environ_base={"REMOTE_ADDR": "127.0.0.9"}).text
        [family] = [one for one in text_string_to_metric_families(text) if one.name == "elder_api_slowed_down_requests"]
        return next(one.value for one in family.samples if one.name.endswith("_total"))

    assert slowed() == 0
    statuses = [client.get("/api/v1/entities", headers={"Authorization": f"Bearer {n}"}).status_code for n in range(13)]
    assert statuses.count(429) == slowed() > 0


def test_errors_are_counted_from_zero_for_every_route(elder_app, monkeypatch):
    """A route that fails for the first time is missed by no alert."""

    def errors() -> dict[str, float]:
        families = text_string_to_metric_families(elder_app.test_client().get("/metrics").text)
        [family] = [one for one in families if one.name == "elder_api_errors"]
        return {one.labels["route"]: one.value for one in family.samples if one.name.endswith("_total")}

    before = errors()
    assert set(before) == {"none"} | {rule.rule for rule in elder_app.url_map.iter_rules()}
    assert set(before.values()) == {0}

    monkeypatch.setitem(elder_app.view_functions, "metrics", lambda: 1 / 0)
    assert elder_app.test_client().get("/metrics").status_code == 500
    monkeypatch.undo()
    assert {route: number for route, number in errors().items() if number} == {"/metrics": 1}
