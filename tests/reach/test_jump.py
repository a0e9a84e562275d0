"""Which hosts only SSH can judge."""

from __future__ import annotations

import pytest

from runner.models import Host
from runner.reach import needs_jump
from runner.reach.jump import is_local


@pytest.mark.parametrize(
    "variables",
    [
        {"ansible_ssh_common_args": "-o ProxyJump=bastion"},
        {"ansible_ssh_common_args": "-oProxyJump=bastion"},
        {"ansible_ssh_common_args": "-J bastion"},
        {"ansible_ssh_extra_args": "-C -Jbastion:2222"},
        {"ansible_ssh_common_args": "-o ProxyCommand='ssh -W %h:%p bastion'"},
        {"ansible_ssh_args": '-o "proxycommand ssh -W %h:%p bastion"'},
        {"ansible_ssh_common_args": "-o 'ProxyJump bastion"},
        {"ansible_paramiko_proxy_command": "ssh -W %h:%p bastion"},
        {"ansible_ssh_proxy_command": "ssh -W %h:%p bastion"},
    ],
)
def test_a_host_behind_a_jump_host_is_left_to_ssh(variables: dict[str, str]) -> None:
    assert needs_jump(Host("r1", variables))


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"ansible_ssh_common_args": ""},
        {"ansible_ssh_common_args": None},
        {"ansible_ssh_common_args": "-o ProxyJump=none"},
        {"ansible_ssh_common_args": "-o ProxyCommand=none -J none"},
        {"ansible_ssh_common_args": "-o ControlMaster=auto -i /home/ops/ProxyJump"},
        {"ansible_ssh_extra_args": "-o SendEnv=ProxyJump"},
    ],
)
def test_a_host_without_a_jump_host_is_judged_from_here(variables: dict[str, str | None]) -> None:
    assert not needs_jump(Host("r1", variables))


def test_only_the_local_connection_needs_no_probe() -> None:
    assert is_local(Host("me", {"ansible_connection": "local"}))
    assert not is_local(Host("r1", {"ansible_connection": "ssh"}))
    assert not is_local(Host("localhost"))
