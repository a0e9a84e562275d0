"""Every way in which a host can be up or not, against the real thing: routes and sockets in namespaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .network import NOBODY, Network, network

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.lab

TRY_S = 0.4
QUICK = {"timeout_s": TRY_S, "tries": 2}


@pytest.fixture(scope="module")
def lan() -> Iterator[Network]:
    with network() as built:
        yield built


def ask(lan: Network, host: str, method: str, **chosen: Any) -> dict[str, Any]:
    return lan.results([host], method=method, **{**QUICK, **chosen})[host]


@pytest.mark.parametrize("address", ["10.64.1.1", "fd64::1"])
def test_an_address_that_answers_echo_is_up(lan: Network, address: str) -> None:
    result = ask(lan, address, "icmp")
    assert (result["status"], result["method"], result["attempts"]) == ("ok", "icmp", 1)
    assert 0 < result["rtt_ms"] <= 1000 * result["after_s"]


@pytest.mark.parametrize("address", ["10.64.1.1", "fd64::1"])
def test_a_raw_socket_does_where_datagram_sockets_are_closed(lan: Network, address: str) -> None:
    lan.permit_ping(permitted=False)
    try:
        result = ask(lan, address, "icmp")
    finally:
        lan.permit_ping(permitted=True)
    assert (result["status"], result["method"]) == ("ok", "icmp")


UNREACHABLE = (
    ("10.65.0.1", "icmp", "no-reply", "no reply to ICMP echo in 2 tries of 0.4 s"),
    ("fd64:1::1", "icmp", "no-reply", "no reply to ICMP echo in 2 tries of 0.4 s"),
    ("10.68.0.1", "icmp", "no-route", "no route to host, says 10.0.0.2"),
    ("fd64:2::1", "icmp", "no-route", "no route to host, says fd00::2"),
    ("10.69.0.1", "icmp", "prohibited", "prohibited by a route or firewall, says 10.0.0.2"),
    ("fd64:3::1", "icmp", "prohibited", "prohibited by a route or firewall, says fd00::2"),
    ("10.80.0.1", "icmp", "prohibited", "prohibited by a route or firewall"),
    ("fd80::1", "icmp", "prohibited", "prohibited by a route or firewall"),
    ("10.90.0.1", "icmp", "no-route", "no route to host"),
    ("fd90::1", "icmp", "no-route", "no route to host"),
    ("10.81.0.1", "icmp", "blackhole", "thrown away by a blackhole route of this machine"),
    (
        "10.70.0.1",
        "icmp",
        "ttl-exceeded",
        "hop limit exceeded on the way, as in a routing loop",
    ),
    ("10.65.0.1", "tcp", "no-reply", "no reply from TCP port 22 in 2 tries of 0.4 s"),
    ("10.68.0.2", "tcp", "no-route", "no route to host, says 10.0.0.2"),
    ("fd64:2::1", "tcp", "no-route", "no route to host, says fd00::2"),
    ("10.69.0.2", "tcp", "prohibited", "prohibited by a route or firewall, says 10.0.0.2"),
    ("10.80.0.1", "tcp", "prohibited", "prohibited by a route or firewall"),
    ("10.90.0.1", "tcp", "no-route", "no route to host"),
    ("10.64.1.1 23", "tcp", "port-closed", "connection refused: nothing listens on the SSH port"),
    ("fd64::1 23", "tcp", "port-closed", "connection refused: nothing listens on the SSH port"),
    (
        "10.64.1.1 2200",
        "ssh",
        "no-banner",
        "connection accepted, but no SSH banner in 0.8 s",
    ),
    (
        "10.66.0.1",
        "ssh",
        "filtered",
        "the host answers ICMP echo, but nothing comes from TCP port 22 in 2 tries of 0.4 s: filtered",
    ),
    (
        "10.65.0.1",
        "auto",
        "no-reply",
        "no reply to ICMP echo, nor from TCP port 22, in 2 tries of 0.4 s each",
    ),
    ("10.69.0.3", "auto", "prohibited", "prohibited by a route or firewall, says 10.0.0.2"),
    ("10.67.0.1 23", "auto", "port-closed", "connection refused: nothing listens on the SSH port"),
)
"""Where to, by which method, and which reason and line come back."""


@pytest.fixture(scope="module", params=[True, False], ids=["datagram", "raw"])
def refused(lan: Network, request: pytest.FixtureRequest) -> dict[tuple[str, str], dict[str, Any]]:
    """Probe all of them with either kind of ICMP socket, those of one method at once."""
    lan.permit_ping(permitted=request.param)
    try:
        return {
            (host, method): result
            for method in ("icmp", "tcp", "ssh", "auto")
            for host, result in lan.results(
                [host for host, asked, _, _ in UNREACHABLE if asked == method], method=method, **QUICK
            ).items()
        }
    finally:
        lan.permit_ping(permitted=True)


@pytest.mark.parametrize(("host", "method", "reason", "error"), UNREACHABLE)
def test_each_way_of_being_unreachable_has_its_own_reason(
    refused: dict[tuple[str, str], dict[str, Any]], host: str, method: str, reason: str, error: str
) -> None:
    result = refused[host, method]
    assert (result["status"], result["reason"]) == ("unreachable", reason)
    assert result["error"].startswith(error)


def test_an_absent_neighbour_is_told_when_the_kernel_gives_it_up(lan: Network) -> None:
    result = ask(lan, "10.0.1.77", "icmp", timeout_s=6, tries=1)
    assert (result["status"], result["reason"]) == ("unreachable", "no-route")


@pytest.mark.parametrize("address", ["10.64.1.1", "fd64::1"])
def test_the_banner_of_a_far_server_is_read(lan: Network, address: str) -> None:
    result = ask(lan, address, "ssh")
    assert (result["status"], result["banner"]) == ("ok", "SSH-2.0-Far_1.0")


def test_auto_asks_the_ssh_port_of_a_host_that_drops_icmp(lan: Network) -> None:
    results = lan.results(["10.67.0.1", "10.64.1.1"], method="auto", **QUICK)
    assert (results["10.67.0.1"]["status"], results["10.67.0.1"]["method"]) == ("ok", "tcp")
    assert (results["10.64.1.1"]["status"], results["10.64.1.1"]["method"]) == ("ok", "icmp")


def test_auto_does_not_believe_the_echo_of_its_own_loopback(lan: Network) -> None:
    result = ask(lan, "127.0.0.9", "auto")
    assert (result["status"], result["reason"]) == ("unreachable", "port-closed")


class TestNames:
    """Names, by a real name server."""

    def test_every_address_of_a_name_has_its_chance(self, lan: Network) -> None:
        name = "10.65.0.9.10.64.0.9.have.test"
        result = ask(lan, name, "icmp")
        assert (result["status"], result["address"]) == ("ok", "10.64.0.9")

    @pytest.mark.parametrize("first", ["10.65.0.9", "10.68.0.9", "10.80.0.9"])
    def test_a_tcp_probe_goes_on_to_the_next_address(self, lan: Network, first: str) -> None:
        result = ask(lan, f"{first}.10.64.0.9.have.test", "ssh", timeout_s=2)
        assert (result["status"], result["address"]) == ("ok", "10.64.0.9")

    def test_a_refusal_from_one_address_leaves_the_other_its_tries(self, lan: Network) -> None:
        name = "10.64.0.9.10.65.0.9.have.test"
        result = ask(lan, f"{name} 23", "tcp")
        assert (result["status"], result["reason"], result["attempts"]) == ("unreachable", "port-closed", 2)

    def test_a_name_without_a_living_address_is_down(self, lan: Network) -> None:
        result = ask(lan, "10.65.0.9.10.65.0.8.have.test", "icmp")
        assert (result["status"], result["reason"]) == ("unreachable", "no-reply")

    def test_a_name_that_does_not_exist(self, lan: Network) -> None:
        result = ask(lan, "nowhere.test", "auto")
        assert (result["status"], result["reason"]) == ("unreachable", "name-not-found")

    def test_a_name_server_that_cannot_tell(self, lan: Network) -> None:
        result = ask(lan, "broken.test", "auto")
        assert (result["status"], result["reason"]) == ("unreachable", "resolve-failed")

    def test_silent_name_servers_cost_one_deadline_for_the_whole_fleet(self, lan: Network) -> None:
        names = [f"r{number}.silent.test" for number in range(3000)]
        told = lan.probe([*names, "10.64.0.1"], method="auto", resolve_timeout_s=1, **QUICK)
        assert told["order"][0] == "10.64.0.1"
        assert {told["results"][name]["reason"] for name in names} == {"resolve-timeout"}
        assert told["wall_s"] < 45, "32 threads that wait for each name take 90 s"


class TestWithoutPrivileges:
    """As a user who is not root, with `ping_group_range` closed and open."""

    @pytest.fixture(params=[True, False], ids=["open", "closed"])
    def permitted(self, lan: Network, request: pytest.FixtureRequest) -> Iterator[bool]:
        lan.permit_ping(permitted=request.param)
        yield request.param
        lan.permit_ping(permitted=True)

    def test_auto_works_either_way(self, lan: Network, permitted: bool) -> None:
        told = lan.probe(["10.64.1.1", "10.65.1.1", "fd64::7"], user=NOBODY, method="auto", **QUICK)
        results = told["results"]
        method = "icmp" if permitted else "tcp"
        assert [results[host]["status"] for host in results] == ["ok", "ok", "unreachable"]
        assert {results["10.64.1.1"]["method"], results["fd64::7"]["method"]} == {method}

    def test_why_icmp_is_not_to_be_had_and_how_it_is(self, lan: Network, permitted: bool) -> None:
        told = lan.probe([], user=NOBODY)
        if permitted:
            assert told["permitted"] is None
        else:
            assert "net.ipv4.ping_group_range='0 2147483647'" in told["permitted"]


class TestManyHosts:
    """Fleets."""

    HOSTS = tuple(f"10.64.{number // 250}.{number % 250 + 1}" for number in range(5000))
    SILENT = tuple(f"10.65.0.{number + 1}" for number in range(100))

    @pytest.mark.parametrize("user", [0, NOBODY])
    def test_no_reply_is_lost_to_our_own_buffer(self, lan: Network, user: int) -> None:
        told = lan.probe(self.HOSTS, user=user, method="icmp", rate=0, timeout_s=1, tries=1)
        assert {result["status"] for result in told["results"].values()} == {"ok"}

    def test_silent_hosts_cost_the_others_nothing(self, lan: Network) -> None:
        told = lan.probe([*self.SILENT, *self.HOSTS[:900]], method="icmp", timeout_s=2, tries=2)
        order = told["order"]
        assert set(order[-100:]) == set(self.SILENT), "the others have been decided before"
        assert told["wall_s"] < 60, "one after the other, they take 400 s"

    @pytest.mark.parametrize("method", ["icmp", "ssh"])
    def test_a_reader_that_dawdles_makes_no_host_silent(self, lan: Network, method: str) -> None:
        told = lan.probe(self.HOSTS[:300], method=method, rate=0, stall_s=1.5, timeout_s=0.5, tries=1)
        assert {result["status"] for result in told["results"].values()} == {"ok"}

    def test_the_rate_is_kept(self, lan: Network) -> None:
        told = lan.probe(self.HOSTS[:500], method="icmp", rate=500, **QUICK)
        assert 0.9 < told["wall_s"] < 30

    def test_more_hosts_than_file_descriptors(self, lan: Network) -> None:
        told = lan.probe(self.HOSTS[:1000], files=150, method="ssh", timeout_s=20, tries=1)
        assert {result["status"] for result in told["results"].values()} == {"ok"}

    @pytest.mark.parametrize("user", [0, pytest.param(NOBODY, marks=pytest.mark.slow)])
    def test_absent_neighbours_do_not_hold_the_others_up(self, lan: Network, user: int) -> None:
        lan.ip(lan.near, "addr", "add", "10.96.0.1/16", "dev", "empty")
        absent = [f"10.96.{number // 250 + 1}.{number % 250 + 1}" for number in range(3000)]
        try:
            hosts = [*absent, *self.HOSTS[:300]]
            told = lan.probe(hosts, user=user, method="icmp", rate=0, timeout_s=3, tries=1)
        finally:
            lan.ip(lan.near, "addr", "del", "10.96.0.1/16", "dev", "empty")
        results = told["results"]
        assert all(results[host]["status"] == "ok" for host in self.HOSTS[:300])
        assert {results[host]["status"] for host in absent} == {"unreachable"}
        assert set(told["order"][:300]) == set(self.HOSTS[:300])
