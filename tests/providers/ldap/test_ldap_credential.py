"""A password that is changed, or an account that is locked, while a directory is read: the account is not tried again and again."""

from __future__ import annotations

import pytest
from peers.slapd import PASSWORD, READER
from reading import PEOPLE, opened
from recorder import Recorder

from providers.errors import CredentialsError, Outcome
from providers.runner import run

pytestmark = pytest.mark.usefixtures("waits")


@pytest.mark.parametrize(("search", "read_before"), [(b"groupOfNames", {"ldap_ou"}), (b"inetOrgPerson", {"ldap_ou", "ldap_group"})])
def test_a_password_that_is_changed_in_a_run_ends_it_with_one_sentence(serve, relayed, search, read_before):
    """The connection breaks, and the next one is refused: a single bind more, and no scope is told the same."""
    directory = serve()
    relay, binds, cut = relayed(directory.port), [], []

    def change(data: bytes) -> bytes | None:
        if PASSWORD.encode() in data:
            binds.append(data)
        if search in data and not cut:
            cut.append(data)
            connection = directory.admin()
            assert connection.modify(READER, {"userPassword": [("MODIFY_REPLACE", ["another"])]}), connection.result
            connection.unbind()
            return None
        return data

    relay.change = change
    sink = Recorder()
    with (
        pytest.raises(CredentialsError, match=r"does not let 'cn=reader.*check LDAP_BIND_DN and its password"),
        opened(directory.config(port=relay.port, group_filter="(objectClass=groupOfNames)", **PEOPLE)) as source,
    ):
        run(source, sink)
    assert cut
    assert len(binds) == 2, "the first one, and one that was refused"
    assert {scope.resource_type for scope in sink.reports} == read_before
    assert {report.outcome for report in sink.reports.values()} == {Outcome.COMPLETE}
