"""An Okta organization read by a service app: tokens for signed assertions, proofs of possession, scopes, and every refusal in Okta's words."""

from __future__ import annotations

import re
import types

import pytest
from okta_organization import config, opened, read
from peers import okta_service_app as refusals
from peers.okta import FORBIDDEN, NOT_FOUND, ORGANIZATION
from peers.okta_service_app import CLIENT, KID, TOKEN_PATH, key_of

from providers import registry
from providers.errors import CredentialsError, NoCredentialsYet, Outcome, ScopeError
from providers.okta.catalogue import KINDS, SCOPES


@pytest.fixture
def app(organization):
    return organization.service_app


def outcomes(sink):
    return {scope.resource_type: report.outcome for scope, report in sink.reports.items()}


@pytest.mark.parametrize("dpop", [False, True], ids=["bearer", "dpop"])
def test_a_service_app_reads_what_a_token_reads(organization, app, dpop):
    app.requires_dpop = dpop
    by_token, by_app = read(organization), read(organization, app.config)
    assert outcomes(by_app) == outcomes(by_token)
    assert {scope: by_token.differences(by_app, scope) for scope in by_token.reports} == {scope: [] for scope in by_token.reports}
    assert len(app.tokens) == 1
    assert set(app.attempts[0]["scope"].split()) == set(SCOPES) == app.granted
    assert len(app.attempts) == (3 if dpop else 1), "without a proof, for its nonce, and with both"
    assert len({form["client_assertion"] for form in app.attempts}) == len(app.attempts), "Okta takes an assertion once"


@pytest.mark.parametrize("curve", ["P-256", "P-384", "P-521"])
@pytest.mark.parametrize("dpop", [False, True], ids=["bearer", "dpop"])
def test_a_service_app_with_an_elliptic_key_is_signed_in(organization, app, curve, dpop):
    app.requires_dpop = dpop
    key = key_of(KID, curve)
    app.keys = {KID: key}
    with opened({**app.config, "private_key": key.as_pem(private=True).decode()}) as source:
        assert source.check().name == CLIENT
    app.keys = {KID: key_of("another", curve)}
    with (
        opened({**app.config, "private_key": key.as_pem(private=True).decode()}) as source,
        pytest.raises(CredentialsError, match="does not belong"),
    ):
        source.check()


@pytest.mark.parametrize("dpop", [False, True], ids=["bearer", "dpop"])
def test_the_check_says_as_which_app_and_in_which_organization_and_asks_no_user(organization, app, dpop):
    app.requires_dpop = dpop
    with opened(app.config) as source:
        identity = source.check()
    assert (identity.name, identity.details) == (CLIENT, {"organization": ORGANIZATION})
    with opened(config(organization)) as source:
        assert source.check().account == identity.account, "what is stored stays the same one's when the sign-in changes"
    app_paths = [path for path, _ in organization.requests[:-1]]
    assert "/api/v1/users/me" not in app_paths


@pytest.mark.parametrize("scope", sorted(SCOPES))
@pytest.mark.parametrize("refuses", [False, True], ids=["left out", "invalid_scope"])
def test_one_scope_less_denies_the_types_that_need_it_and_names_it(organization, app, scope, refuses):
    """Okta leaves a scope that is not granted out of the token; one that the organization does not have is an `invalid_scope`."""
    app.granted.remove(scope)
    app.refuses_scopes = refuses
    need = {kind.sub_type for kind in registry.get("okta").resource_types() if scope in kind.permissions}
    sink = read(organization, app.config)
    assert {name for name, outcome in outcomes(sink).items() if outcome is not Outcome.COMPLETE} == need
    for name in need:
        report = sink.report(name)
        assert (report.outcome, report.permission) == (Outcome.DENIED, scope)
        assert f"the scope '{scope}' is not granted to the service app" in report.message
    assert len(app.tokens) <= 1 + len(SCOPES), "each scope by itself, and those that are granted"


def test_a_role_that_lacks_what_the_scope_permits_is_denied_as_ever(organization, app):
    organization.fault = lambda path, _query: FORBIDDEN if path.startswith("/api/v1/iam/") else None
    report = read(organization, app.config).report("okta_role_assignment")
    assert (report.outcome, report.permission) == (Outcome.DENIED, "okta.roles.read")
    assert "is not granted to the service app" not in report.message


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (refusals.UNKNOWN_CLIENT, r"\(invalid_client\): check OKTA_CLIENT_ID"),
        (refusals.NO_KEYS, "the app has no public key"),
        (refusals.WRONG_KID, "set OKTA_KEY_ID"),
        (refusals.WRONG_SIGNATURE, "OKTA_PRIVATE_KEY does not belong to the app's public key"),
        (refusals.WRONG_AUDIENCE, "set OKTA_DOMAIN to the domain that Okta shows"),
        (refusals.EXPIRED, "the clock of this machine"),
        (refusals.TOO_LONG, "the clock of this machine"),
        (refusals.SECRET_APP, "'Public key / Private key' as the client authentication"),
        (refusals.NO_SERVICE_APP, "'API Services'"),
        (refusals.NOTHING_GRANTED, "none of the scopes is granted .*`elder-worker providers okta --policy`"),
        (refusals.UNGRANTED, "none of the scopes is granted"),
        ((403, {}, FORBIDDEN[2]), r"\(E0000006\)"),
    ],
    ids=lambda given: given[2].get("error") if isinstance(given, tuple) else "",
)
def test_a_refused_sign_in_ends_the_run_with_what_to_do(organization, app, reply, words):
    app.refusal = reply
    with pytest.raises(CredentialsError, match=words) as caught:
        read(organization, app.config)
    said = reply[2].get("error_description", "")
    assert said in str(caught.value) or reply in (refusals.NOTHING_GRANTED, refusals.UNGRANTED)
    assert len(app.attempts) <= 1 + len(SCOPES), "a refused sign-in is not tried again"
    assert not app.tokens


def _other_key(app):
    app.keys = {KID: key_of("another")}


def _two_keys(app):
    app.keys["another"] = key_of("another")


@pytest.mark.parametrize(
    ("change", "more", "words"),
    [
        (_other_key, {}, "does not belong to the app's public key"),
        (_two_keys, {"key_id": ""}, "set OKTA_KEY_ID"),
        (lambda _app: None, {"key_id": "unknown"}, "set OKTA_KEY_ID"),
        (lambda app: app.keys.clear(), {}, "the app has no public key"),
        (lambda _app: None, {"client_id": "0oaanother"}, "check OKTA_CLIENT_ID"),
        (lambda app: setattr(app, "is_active", False), {}, "that the app is active"),
        (lambda app: app.granted.clear(), {}, "none of the scopes is granted"),
        (lambda app: setattr(app, "url", "https://login.example.com"), {}, "the organization goes by another name"),
    ],
    ids=["another key", "two keys and no id", "unknown id", "no keys", "unknown client", "deactivated", "no grants", "another domain"],
)
def test_a_misconfigured_app_is_told_by_the_endpoint_and_the_sentence_says_what_to_do(organization, app, change, more, words):
    given = {**app.config, **more}
    change(app)
    with pytest.raises(CredentialsError, match=words):
        read(organization, given)


@pytest.mark.parametrize(("ahead", "words"), [(3600, "expired"), (-3600, "too far into the future")], ids=["slow", "fast"])
def test_a_clock_that_is_an_hour_wrong_is_told_and_one_of_some_minutes_does_no_harm(organization, app, monkeypatch, ahead, words):
    clock = refusals.time.time
    for seconds in (ahead / 4, ahead):
        monkeypatch.setattr(refusals, "time", types.SimpleNamespace(time=lambda seconds=seconds: clock() + seconds))
        if seconds == ahead:
            with pytest.raises(CredentialsError, match=f"the clock of this machine .*{words}"):
                read(organization, app.config)
        else:
            with opened(app.config) as source:
                assert source.check().name == CLIENT


@pytest.mark.parametrize("reply", [(429, {}, {"errorCode": "E0000047"}), (500, {}, {}), (0, {}, {})], ids=["429", "500", "cut"])
def test_a_sign_in_that_fails_for_a_moment_is_tried_again_with_another_assertion(organization, app, waits, reply):
    left = [reply, reply]
    usual = app.token
    app.token = lambda body, headers: (usual(body, headers), left.pop())[1] if left else usual(body, headers)
    assert set(outcomes(read(organization, app.config)).values()) == {Outcome.COMPLETE}
    assert len(app.attempts) == 3
    assert len(waits) == 2


def test_a_sign_in_that_is_throttled_for_good_is_no_refusal(organization, app, waits):
    app.token = lambda _body, _headers: (429, {}, {"errorCode": "E0000047"})
    with pytest.raises(NoCredentialsYet, match="slow down"):
        read(organization, app.config)


def test_an_answer_of_a_proxy_is_not_taken_for_oktas(organization, app):
    app.refusal = (400, {}, b"<html>Bad Request</html>")
    with pytest.raises(NoCredentialsYet, match="something that is not Okta"):
        read(organization, app.config)


def test_a_200_without_a_token_is_no_sign_in(organization, app):
    app.refusal = (200, {}, {"token_type": "Bearer", "expires_in": 3600})
    with pytest.raises(NoCredentialsYet, match="no access token"):
        read(organization, app.config)


def test_a_domain_that_is_no_organization_is_told_before_anything_is_signed(organization, app):
    organization.fault = lambda path, _query: NOT_FOUND if path == refusals.ORGANIZATION_PATH else None
    with pytest.raises(CredentialsError, match=r"no Okta organization at .*OKTA_DOMAIN"):
        read(organization, app.config)
    assert not app.attempts


# --- tokens that end

REVOKED = re.compile(r"does not accept the access token of the service app \(401\)")


def revoked_at(organization, app, path):
    """The tokens that were given out so far end when the path is asked for."""

    def end(asked, _query):
        if asked == path:
            organization.before = lambda _path, _query: None
            app.tokens.clear()

    organization.before = end


@pytest.mark.parametrize("dpop", [False, True], ids=["bearer", "dpop"])
def test_a_token_that_is_refused_in_a_run_is_renewed_once_and_the_run_goes_on(organization, app, dpop):
    app.requires_dpop = dpop
    revoked_at(organization, app, "/api/v1/apps")
    assert set(outcomes(read(organization, app.config)).values()) == {Outcome.COMPLETE}
    assert len(app.tokens) == 1, "given out after the first one was revoked"
    assert len(app.attempts) == (4 if dpop else 2)


def test_an_app_that_is_deactivated_in_a_run_ends_it_with_one_sentence(organization, app):
    def deactivate(path, _query):
        if path == "/api/v1/apps":
            app.is_active = False
            app.tokens.clear()

    organization.before = deactivate
    with pytest.raises(CredentialsError, match="that the app is active"):
        read(organization, app.config)
    assert len(app.attempts) == 2, "the sign-in that is refused is not tried again"


def test_a_new_token_that_is_refused_as_well_ends_the_run(organization, app, waits):
    def revoke(path, _query):
        if path.startswith("/api/v1/groups/"):
            organization.before = lambda _path, _query: app.tokens.clear()
            app.tokens.clear()

    organization.before = revoke
    with pytest.raises(CredentialsError, match=REVOKED):
        read(organization, app.config)


def test_an_app_that_may_not_read_groups_is_accepted_all_the_same(organization, app):
    app.granted.remove("okta.groups.read")
    refused_once = (401, {"WWW-Authenticate": 'Bearer error="invalid_token"'}, b"")
    organization.fault = lambda path, _query: refused_once if path == "/api/v1/zones" else None
    sink = read(organization, app.config)
    assert "though Okta" in sink.report("okta_network_zone").message
    assert sink.report("okta_trusted_origin").outcome is Outcome.COMPLETE


def test_a_nonce_that_the_api_asks_for_is_in_the_next_proof(organization, app):
    app.requires_dpop, app.api_nonce = True, "api-1"
    assert set(outcomes(read(organization, app.config)).values()) == {Outcome.COMPLETE}
    assert len(app.tokens) == 1, "a nonce is not a reason for another token"


def test_a_new_nonce_beside_a_refused_token_does_not_keep_the_token(organization, app):
    app.requires_dpop, app.api_nonce = True, "api-1"

    def end(path, _query):
        if path == "/api/v1/zones":
            organization.before = lambda _path, _query: None
            app.api_nonce = "api-2"
            app.tokens.clear()

    organization.before = end
    with opened(app.config) as source:
        source.check()
        assert list(_zones(source)) == list(_zones(source))
    assert not [path for path, query in organization.requests[3:] if path == "/api/v1/groups"], "no doubt whether the app is accepted"
    assert len(app.tokens) == 1


def test_the_first_list_that_is_refused_alone_is_that_types_trouble(organization, app, waits):
    refused = (401, {"WWW-Authenticate": 'Bearer error="invalid_token"'}, b"")
    organization.fault = lambda path, _query: refused if path == "/api/v1/zones" else None
    with opened(app.config) as source:
        source.check()
        with pytest.raises(ScopeError, match="though Okta"):
            list(_zones(source))


def _zones(source):
    [zones] = [one for one in source.plan() if one.scopes[0].resource_type == "okta_network_zone"]
    return zones.fetch()


def test_another_nonce_of_the_endpoint_is_taken_up_when_the_token_is_renewed(organization, app):
    app.requires_dpop = True

    def later(path, _query):
        if path == "/api/v1/apps":
            organization.before = lambda _path, _query: None
            app.nonce = "nonce-2"
            app.tokens.clear()

    organization.before = later
    assert set(outcomes(read(organization, app.config)).values()) == {Outcome.COMPLETE}
    assert len(app.attempts) == 5


def test_a_proof_that_is_refused_says_how_to_do_without(organization, app):
    app.token = lambda _body, _headers: refusals.NO_PROOF
    with pytest.raises(CredentialsError, match=r"clear 'Require Demonstrating Proof of Possession \(DPoP\) header'"):
        read(organization, app.config)


def test_every_kind_has_scopes_that_the_fake_knows_from_oktas_reference():
    assert set(refusals.SCOPES.values()) == set(SCOPES)
    assert {kind.permission for kind in KINDS} <= set(SCOPES)
    assert TOKEN_PATH == "/oauth2/v1/token"
