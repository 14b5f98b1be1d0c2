"""docs/setup-identities.md, "OpenLDAP and others": a directory with the page's account, rules and limit is read to its end by that account."""

from __future__ import annotations

from document import blocks
from peers.slapd import PASSWORD
from reading import COMPLETE, outcomes, read
from setup_page import SetupPage

PAGE = SetupPage("docs/setup-identities.md")
ACCOUNT = "cn=elder-worker,ou=services,dc=example,dc=com"
HASHED = "{SSHA}what-slappasswd-prints"


def served(serve, access: str):
    """The directory, of more users than a search without a limit of its own may find, with the entries that the page adds."""
    [ldif] = PAGE.documents()
    assert HASHED in ldif
    return serve(ldif.replace(HASHED, PASSWORD), users=600, access=access)


def as_the_account(directory, **more):
    return read(directory.config(bind_dn=ACCOUNT, user_filter="(objectClass=inetOrgPerson)", **more))


def test_the_account_of_the_page_reads_everything(serve):
    [rules] = [block.text for block in blocks(PAGE.path) if block.language == "conf"]
    assert ACCOUNT in {environment.get("LDAP_BIND_DN") for environment in PAGE.environments()}
    sink = as_the_account(served(serve, rules))

    assert outcomes(sink) == COMPLETE
    assert len(sink.ids("ldap_user")) == 600


def test_without_the_limit_of_the_page_the_answer_is_cut_and_the_sentence_says_so(serve):
    [rules] = [block.text for block in blocks(PAGE.path) if block.language == "conf"]
    sink = as_the_account(served(serve, "\n".join(line for line in rules.splitlines() if not line.startswith("limits"))))

    assert "raise that limit for the bind DN" in sink.report("ldap_user").message
