"""Who may call the API, and what every refusal looks like."""

from __future__ import annotations

import base64
import time

import msgspec
import psycopg
import pytest
from cryptography.fernet import Fernet
from peers.elder import ElderClient, settings
from waiting import until

from api.app import create_app
from api.endpoint import MAX_BODY
from worker.store import pool

KEY = "a-long-key-of-the-api"
ISSUER = {
    "ELDER_OIDC_ISSUER": "https://id.example.com",
    "ELDER_OIDC_CLIENT_ID": "elder",
    "ELDER_OIDC_URL": "https://elder.example.com",
    "ELDER_OIDC_ROLES": "*=read",
    "ELDER_SECRET_KEYS": Fernet.generate_key().decode(),
}


@pytest.fixture
def keyed(database):
    """The API as it is where others can reach it."""
    app = create_app(settings(database, ELDER_API_KEY=KEY))
    yield app.test_client()
    app.extensions["elder"].pool.close()


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"anybody:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (None, 401),
        ("Bearer wrong", 401),
        (f"Bearer {KEY}", 200),
        (basic(KEY), 200),
        (basic("wrong"), 401),
        ("Bearer", 401),
        ("Digest x", 401),
        ("Bearer ключ", 401),
    ],
)
def test_the_key(keyed, authorization, status):
    headers = {"Authorization": authorization.encode().decode("latin-1")} if authorization else {}

    response = keyed.get("/api/v1/organizations", headers=headers)

    assert response.status_code == status
    if status == 401:
        assert "Authorization: Bearer" in response.json["error"]
        schemes = [one.split()[0] for one in response.headers.getlist("WWW-Authenticate")]
        assert schemes == ["Bearer", "Basic"], "each in a header of its own, or Chromium asks for no password"


@pytest.mark.parametrize("path", ["/", "/entities", "/static/elder.css", "/api/v1/openapi.json", "/x/healthz"])
def test_nothing_but_health_is_open_without_the_key(keyed, path):
    assert keyed.get(path).status_code == 401


@pytest.mark.parametrize("path", ["/healthz", "/api/v1/healthz"])
def test_health_is_open_to_everybody(keyed, path):
    assert keyed.get(path, headers={"Host": "api:5000"}).json == {"status": "healthy", "service": "elder-api"}


@pytest.mark.parametrize("host", ["localhost:5000", "127.0.0.1:5000", "[::1]:5000", "localhost"])
def test_on_loopback_plain_curl_works(elder_app, host):
    assert elder_app.test_client().get("/api/v1/organizations", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:5000", "10.0.0.1", "[::2]"])
def test_a_name_that_was_made_to_point_here_is_refused(elder_app, host):
    for path in ("/", "/api/v1/organizations"):
        assert elder_app.test_client().get(path, headers={"Host": host}).status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 201),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}, 201),
        ({"Origin": "http://localhost"}, 201),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://localhost:3000"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_another_sites_page_may_change_nothing(elder_app, sql, headers, status):
    response = elder_app.test_client().post("/api/v1/organizations", json={"name": "x"}, headers=headers)

    assert response.status_code == status
    assert sql.execute("select count(*) from organizations").fetchone() == (int(status == 201),)


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", None])
def test_a_body_that_is_not_said_to_be_json_is_not_read(elder, content_type):
    response = elder.call("POST", "organizations", data=b'{"name": "x"}', content_type=content_type)

    assert response.status_code == 415
    assert "Content-Type: application/json" in response.json["error"]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b'{"name": }', "not valid JSON"),
        (b"[1]", "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b'{"name": "\xff"}', "not valid JSON"),
        (b'{"name": "\\ud800"}', "not valid JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"name": ' + b'{"a":' * 20_000 + b"1" + b"}" * 20_001, "nested too deeply"),
    ],
)
@pytest.mark.parametrize("path", ["organizations", "discovery/jobs"])
def test_malformed_json(elder, path, data, sentence):
    response = elder.call("POST", path, data=data, content_type="application/json")

    assert (response.status_code, sentence in response.json["error"]) == (400, True), response.json


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large(elder, chunked):
    data = b'{"name": "' + b"x" * MAX_BODY + b'"}'
    more = {"environ_overrides": {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""}} if chunked else {}

    response = elder.call("POST", "organizations", data=data, content_type="application/json", **more)

    assert (response.status_code, response.json["error"]) == (413, "the body is too large")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/v1/entities/x", 404),
        ("GET", "/api/v1/entities/-1", 404),
        ("GET", "/api/v1/entities/" + "9" * 5000, 404),
        ("GET", "/api/v1/entities/999999999999999999", 404),
        ("DELETE", "/api/v1/entities/1", 405),
        ("GET", "/api/v1/discovery/jobs/1/queue", 405),
        ("GET", "/static/../app.py", 404),
    ],
)
def test_what_is_not_there(elder, method, path, status):
    response = elder.call(method, path)

    assert response.status_code == status
    assert set(response.json) == {"error", "details"}
    if status == 405:
        assert response.headers["Allow"]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("organization_id=one", "`organization_id`"),
        ("organization_id=", "`organization_id`"),
        ("organization_id=99999999999999999999", "`organization_id` is too large"),
        ("organization_id=-1", "`organization_id`"),
        ("page=0", "`page` starts at 1"),
        ("per_page=1001", "`per_page` is from 1 to 1000"),
        ("page=x", "`page`"),
        ("is_active=perhaps", "`is_active`"),
        ("entity_typ=vpc", "unknown query parameter `entity_typ`, did you mean `entity_type`?"),
        ("q=%00", "a NUL has no place here"),
        ("region=us-east-1&region=us-west-2", "`region` is given twice"),
    ],
)
def test_queries_that_make_no_sense(elder, query, sentence):
    assert sentence in elder.get(f"entities?{query}", 400)["details"][0]


def test_a_failure_of_our_own_is_one_sentence_without_a_trace(elder_app, elder, monkeypatch, caplog):
    monkeypatch.setattr("worker.store.entities.get", lambda *_: 1 / 0)

    response = elder.call("GET", "entities/1")

    assert (response.status_code, response.json["error"]) == (500, "the API failed at this request; its log says why")
    assert "ZeroDivisionError" in caplog.text


def test_every_answer_carries_the_headers_of_a_careful_site(elder):
    headers = elder.call("GET", "/").headers

    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in headers


def test_a_database_that_is_away_is_one_sentence_and_used_again_when_it_is_back(database, postgres_server):
    name = psycopg.conninfo.conninfo_to_dict(database)["dbname"]
    app = create_app(settings(database))
    elder = ElderClient(app)
    elder.get("entities")

    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as admin:
        admin.execute(f'alter database "{name}" allow_connections false')
        admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name])
        answer = elder.get("entities", 503)
        assert "the database cannot be used now" in answer["error"]
        assert "not currently accepting connections" in answer["error"]
        assert elder.get("/healthz")["status"] == "healthy"
        assert elder.call("GET", "/", headers={"Accept": "text/html"}).status_code == 503
        admin.execute(f'alter database "{name}" allow_connections true')

    elder.get("entities")
    app.extensions["elder"].pool.close()


def test_a_database_that_refuses_is_told_at_once_and_one_that_is_deaf_within_seconds(proxied):
    proxy, url = proxied
    app = create_app(settings(url))
    elder = ElderClient(app)
    elder.get("entities")

    proxy.stop()
    assert seconds_of_refusal(elder) < pool.ACQUIRE_TIMEOUT
    proxy.resume()
    elder.get("entities")

    proxy.deaf = True
    assert seconds_of_refusal(elder) < pool.CHECK_TIMEOUT + pool.CONNECT_TIMEOUT + pool.ACQUIRE_TIMEOUT, "nobody can know it sooner"
    assert seconds_of_refusal(elder) < pool.ACQUIRE_TIMEOUT, "now it is known"
    proxy.resume()
    until(lambda: elder.call("GET", "entities").status_code == 200, "the database is used again")
    app.extensions["elder"].pool.close()


def seconds_of_refusal(elder) -> float:
    began = time.monotonic()
    assert "the database cannot be used now" in elder.get("entities", 503)["error"]
    return time.monotonic() - began


def test_a_wrong_password_is_not_in_the_answer(database):
    app = create_app(settings("postgresql://nobody:canary-password@127.0.0.1:1/elder"))

    text = ElderClient(app).call("GET", "entities").get_data(as_text=True)

    assert "canary" not in text
    assert "the database cannot be used now" in msgspec.json.decode(text)["error"]
    app.extensions["elder"].pool.close()


@pytest.fixture
def fronted(database):
    """The API as docker-compose.yml starts it: on a front network that has it alone, and on others."""
    app = create_app(settings(database, ELDER_API_KEY=KEY, ELDER_API_OPEN_NETWORK="172.31.255.0/29"))
    yield app.test_client()
    app.extensions["elder"].pool.close()


@pytest.mark.parametrize(
    ("peer", "host", "headers", "status"),
    [
        ("172.31.255.1", "localhost:5000", {}, 200),
        ("::ffff:172.31.255.1", "127.0.0.1:5000", {}, 200),
        ("172.31.255.9", "localhost:5000", {}, 401),
        ("10.89.0.3", "localhost:5000", {}, 401),
        ("10.89.0.3", "api:5000", {}, 401),
        ("127.0.0.1", "localhost:5000", {}, 401),
        ("172.31.255.1", "rebound.example", {}, 401),
        ("172.31.255.1", "rebound.example", {"Authorization": f"Bearer {KEY}"}, 200),
        ("172.31.255.1", "localhost:5000", {"X-Forwarded-For": "203.0.113.7"}, 401),
        ("10.89.0.3", "localhost:5000", {"X-Forwarded-For": "172.31.255.1"}, 401),
        ("172.31.255.1", "localhost:5000", {"Authorization": "Bearer wrong"}, 401),
    ],
)
def test_no_key_is_asked_of_the_open_network_alone(fronted, peer, host, headers, status):
    response = fronted.get("/api/v1/organizations", headers={"Host": host, **headers}, environ_base={"REMOTE_ADDR": peer})
    assert response.status_code == status, response.text


@pytest.mark.parametrize("named", [{"ELDER_API_TRUSTED_PROXIES": "10.0.0.7"}, ISSUER], ids=["proxies", "issuer"])
def test_where_others_come_by_a_proxy_or_by_name_no_network_is_open(database, named):
    """A proxy on the host calls as the host does, and may hand on nothing of its caller."""
    app = create_app(settings(database, ELDER_API_KEY=KEY, ELDER_API_OPEN_NETWORK="172.31.255.0/29", **named))
    peer = {"environ_base": {"REMOTE_ADDR": "172.31.255.1"}}
    assert app.test_client().get("/api/v1/organizations", headers={"Host": "localhost:5000"}, **peer).status_code == 401
    app.extensions["elder"].pool.close()


def test_a_page_of_another_site_changes_nothing_by_the_open_network(fronted):
    headers = {"Host": "localhost:5000", "Sec-Fetch-Site": "cross-site"}
    response = fronted.post("/api/v1/organizations", json={"name": "x"}, headers=headers, environ_base={"REMOTE_ADDR": "172.31.255.1"})
    assert response.status_code == 403
