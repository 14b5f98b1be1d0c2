"""LDAP servers that are down, die within a search or cut connections. Cases dir-7 and dir-8."""

from __future__ import annotations

import pytest
from peers.port import free_port
from peers.slapd import BASE
from reading import COMPLETE, PEOPLE, opened, outcomes, read

from providers.errors import Outcome, TimedOut

pytestmark = pytest.mark.usefixtures("waits")


def test_case_dir_7_the_first_server_is_down(serve):
    directory = serve()
    config = directory.config(server=f"localhost:{free_port()},localhost:{directory.port}", port=None, **PEOPLE)
    sink = read(config)
    assert outcomes(sink) == COMPLETE
    assert sink.who.details["server"] == f"localhost:{directory.port}"


def test_case_dir_7_no_server_answers_and_all_are_named():
    ports = [free_port(), free_port()]
    config = {"server": ", ".join(f"localhost:{port}" for port in ports), "base_dn": BASE}
    with pytest.raises(TimedOut) as caught, opened(config) as source:
        source.check()
    assert all(f"localhost:{port}" in str(caught.value) for port in ports)


def test_case_dir_7_a_server_that_dies_within_a_search_is_followed_by_the_next(serve, relayed):
    directory = serve()
    first, second = relayed(directory.port), relayed(directory.port)
    asked = []

    def die(data: bytes) -> bytes | None:
        asked.append(data)
        if len([one for one in asked if b"inetOrgPerson" in one]) < 2:
            return data
        first.refusing = True
        return None

    first.change = die
    sink = read(directory.config(server=f"localhost:{first.port},localhost:{second.port}", port=None, page_size=7, **PEOPLE))
    assert first.refusing
    assert outcomes(sink) == COMPLETE
    assert sorted(sink.ids("ldap_user")) == sorted(set(sink.ids("ldap_user")))
    assert sink.report("ldap_user").resources == 20


@pytest.mark.parametrize("page", [1, 2, 3])
def test_case_dir_8_a_connection_that_is_cut_once_is_no_more_than_a_new_beginning(serve, relayed, page):
    directory = serve()
    relay = relayed(directory.port)
    asked = []

    def cut_once(data: bytes) -> bytes | None:
        if b"inetOrgPerson" in data:
            asked.append(data)
        return None if b"inetOrgPerson" in data and len(asked) == page else data

    relay.change = cut_once
    sink = read(directory.config(port=relay.port, page_size=7, **PEOPLE))
    assert outcomes(sink) == COMPLETE
    assert (len(sink.ids("ldap_user")), len(set(sink.ids("ldap_user")))) == (20, 20)
    whole = read(directory.config(**PEOPLE))
    assert {scope: sink.differences(whole, scope) for scope in sink.reports} == {scope: [] for scope in whole.reports}


def test_a_connection_that_is_cut_each_time_ends_as_a_time_out(serve, relayed):
    directory = serve()
    relay = relayed(directory.port)
    seen = []

    def cut(data: bytes) -> bytes | None:
        if b"inetOrgPerson" in data:
            seen.append(data)
            if len(seen) % 2 == 0:
                return None
        return data

    relay.change = cut
    report = read(directory.config(port=relay.port, page_size=7, **PEOPLE)).report("ldap_user")
    assert report.outcome is Outcome.TIMEOUT
