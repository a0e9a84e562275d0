"""Where a host is reached, and which values are refused because they cannot be meant so."""

from __future__ import annotations

import pytest

from runner.errors import InvalidVariable
from runner.inventory.endpoint import endpoint, user
from runner.models import Endpoint, Host, Phase


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, Endpoint("r1", 22)),
        ({"ansible_host": "10.0.0.1"}, Endpoint("10.0.0.1", 22)),
        ({"ansible_ssh_host": "10.0.0.2", "ansible_ssh_port": 2200}, Endpoint("10.0.0.2", 2200)),
        ({"ansible_host": "a.example", "ansible_ssh_host": "b.example"}, Endpoint("a.example", 22)),
        ({"ansible_port": "2222"}, Endpoint("r1", 2222)),
        ({"ansible_host": "2001:db8::1"}, Endpoint("2001:db8::1", 22)),
        ({"ansible_host": "[2001:db8::1]"}, Endpoint("2001:db8::1", 22)),
        ({"ansible_host": "fe80::1%eth0"}, Endpoint("fe80::1%eth0", 22)),
        ({"ansible_host": "under_score.example"}, Endpoint("under_score.example", 22)),
    ],
)
def test_an_endpoint_is_what_the_variables_say(variables: dict[str, object], expected: Endpoint) -> None:
    assert endpoint(Host("r1", variables)) == expected


def test_the_default_port_is_the_callers() -> None:
    assert endpoint(Host("r1"), default_port=830).port == 830


@pytest.mark.parametrize(
    "address",
    [
        *(
            "",
            ".",
            "-oProxyCommand=id",
            "a b",
            "a\tb",
            "a\x1bb",
            "a;b",
            "$(id)",
            "a`id`",
            "a|b",
            "a/b",
            "a@b",
        ),
        *("10.0.0.1:22", "[::1]:22", "name:2222", "10.0.0.1%eth0", "::1%$(id)", "x" * 254, 5, ["a"]),
    ],
)
def test_an_address_that_cannot_be_one_is_that_hosts_error(address: object) -> None:
    with pytest.raises(InvalidVariable) as caught:
        endpoint(Host("r1", {"ansible_host": address}))
    assert (caught.value.reason, caught.value.phase) == ("bad-variable", Phase.RESOLVE)
    assert str(caught.value).startswith("r1: ansible_host ")


@pytest.mark.parametrize(
    "port", [0, -1, 65536, 99999, "ssh", "", "22 22", True, 22.0, "99999999999999999999", []]
)
def test_a_port_that_cannot_be_one_is_that_hosts_error(port: object) -> None:
    with pytest.raises(InvalidVariable, match="is not a port"):
        endpoint(Host("r1", {"ansible_port": port}))


def test_a_host_whose_own_name_is_no_address_needs_ansible_host() -> None:
    with pytest.raises(InvalidVariable, match="set ansible_host"):
        endpoint(Host("core router 1"))
    assert endpoint(Host("core router 1", {"ansible_host": "10.0.0.9"})).address == "10.0.0.9"


def test_an_embedded_port_is_named_as_such() -> None:
    with pytest.raises(InvalidVariable, match="holds a port; set ansible_port"):
        endpoint(Host("r1", {"ansible_host": "10.0.0.1:22"}))


@pytest.mark.parametrize("name", ["-oProxyCommand=id", "a;b", "a b\n", "a$\x00", "a\\", "", "a`b`"])
def test_a_login_name_that_a_shell_would_notice_is_refused(name: str) -> None:
    with pytest.raises(InvalidVariable):
        user(Host("r1", {"ansible_user": name}))


def test_a_login_name_may_be_a_domains() -> None:
    assert user(Host("r1", {"ansible_user": "CORP\\alice"})) == "CORP\\alice"
    assert user(Host("r1")) is None
