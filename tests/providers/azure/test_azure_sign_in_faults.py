"""Sign-ins that are refused: each code has its sentence, and a busy sign-in is not a wrong password. Case az-9."""

from __future__ import annotations

import pytest
from azure_account import CREDENTIALS, read
from peers.arm_account import SECRET, TENANT

from providers import registry
from providers.errors import ConfigError, CredentialsError, Throttled
from providers.microsoft.signin_faults import PRODUCTS, SENTENCES, sentence, sign_in_error
from providers.schema import parse


@pytest.mark.parametrize(
    ("code", "result"),
    [
        ("AADSTS53003", "Conditional Access policy blocks"),
        ("AADSTS7000112", "the app registration is disabled"),
        ("AADSTS7000222", "the client secret has expired"),
        ("AADSTS7000215", "the client secret is wrong"),
        ("AADSTS700016", "client_id is not known in this tenant"),
        ("AADSTS90002", "tenant_id is not known in this cloud"),
        ("AADSTS900382", "set AZURE_CLOUD"),
        ("AADSTS50020", "another tenant"),
    ],
)
def test_case_az_9_a_refused_sign_in_says_what_it_is(account, code, result):
    account.sign_in_error = code
    with pytest.raises(CredentialsError, match="cannot sign in to Azure") as raised:
        read(account)
    assert result in str(raised.value)
    assert code in str(raised.value)
    assert len(account.sign_ins) == 1, "asking again would lock the principal"
    assert SECRET not in str(raised.value) + raised.value.detail


@pytest.mark.parametrize("prefix", PRODUCTS)
@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_case_az_9_each_code_has_its_sentence_and_no_other(code, prefix):
    error = sign_in_error(f"AADSTS{code}: whatever. Trace ID: 1 Correlation ID: 2", prefix)
    assert f"(AADSTS{code})" in str(error)
    assert sentence(code, prefix) in str(error)
    assert isinstance(error, CredentialsError)
    others = {word for product, (_, api) in PRODUCTS.items() if product != prefix for word in (api, f"{product}CLOUD")}
    assert not [word for word in others if word in str(error)]
    assert not set("{}") & set(str(error))


def test_case_az_9_a_code_that_nobody_foresaw_reaches_the_operator_in_microsofts_words():
    error = sign_in_error("AADSTS99999: The moon is in the wrong house.\r\nTrace ID: 1", "AZURE_")
    assert str(error) == "cannot sign in to Azure (AADSTS99999): The moon is in the wrong house."


def test_case_az_9_a_busy_sign_in_is_no_wrong_password():
    assert isinstance(sign_in_error("AADSTS90055: Tenant throttled.", "AZURE_"), Throttled)


@pytest.mark.parametrize(
    ("change", "result"),
    [
        ({"tenant_id": TENANT + " "}, "`tenant_id` must be a GUID or a domain"),
        ({"tenant_id": "my tenant"}, "`tenant_id` must be a GUID or a domain"),
        ({"client_id": "app 1"}, "`client_id` must not contain blanks"),
        ({"client_secret": SECRET + "\n"}, "`client_secret` must not begin or end with blanks"),
    ],
)
def test_case_az_9_a_blank_is_refused_at_creation(change, result):
    with pytest.raises(ConfigError, match=result) as raised:
        parse(registry.get("azure").config, {**CREDENTIALS, **change})
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize("tenant", [TENANT, "contoso.onmicrosoft.com", "contoso.com"])
def test_a_tenant_by_id_or_domain_is_accepted(tenant):
    assert parse(registry.get("azure").config, {**CREDENTIALS, "tenant_id": tenant}).tenant_id == tenant
