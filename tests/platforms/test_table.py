"""The table of platforms is consistent, and compiles."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields
from typing import TYPE_CHECKING

import pytest

from runner.platforms import find
from runner.platforms.definition import Platform
from runner.platforms.table import PLATFORMS, others

if TYPE_CHECKING:
    from collections.abc import Iterator

ALL = (*PLATFORMS, *others())


def expressions(platform: Platform) -> Iterator[str]:
    yield from platform.refusals
    yield from platform.harmless
    if platform.config_prompt is not None:
        yield platform.config_prompt


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform.name)
def test_the_expressions_of_a_platform_compile_and_match_no_empty_line(platform: Platform) -> None:
    assert [text for text in expressions(platform) if re.compile(text).match("")] == []


def test_a_platform_has_one_row_and_its_own_name() -> None:
    names = [platform.name for platform in ALL]
    assert sorted(set(names)) == sorted(names)
    assert all(re.fullmatch(r"[a-z0-9]+(?:_[a-z0-9]+)*", name) for name in names)


def test_no_name_belongs_to_two_platforms() -> None:
    seen: dict[str, str] = {}
    for platform in ALL:
        for name in {platform.name, platform.netmiko, *platform.ansible, *platform.also} - {None}:
            assert seen.setdefault(str(name), platform.name) == platform.name


def test_session_commands_never_enter_the_configuration() -> None:
    commands = [command for platform in ALL for command in platform.session]
    assert [
        command for command in commands if re.match(r"conf|system-view|edit|enter candidate", command)
    ] == []
    assert not platform_named("fortinet").session
    assert platform_named("cisco_asa").session == ("terminal pager 0",)


def test_a_platform_that_answers_exec_is_listed_on_purpose() -> None:
    cli = {platform.name for platform in ALL if platform.exec and not platform.posix}
    assert cli == {
        "arista_eos",
        "brocade_fos",
        "cisco_ios",
        "cisco_nxos",
        "cisco_xr",
        "frr",
        "juniper_junos",
        "mikrotik_routeros",
    }


def test_a_server_is_reached_by_exec_and_has_no_cli() -> None:
    servers = [platform for platform in ALL if platform.posix]
    assert platform_named("linux") in servers
    assert all(server.exec and not server.refusals and not server.session for server in servers)


@pytest.mark.parametrize(
    ("name", "prompt"),
    [
        ("cisco_ios", "router(config-if)#"),
        ("cisco_xr", "RP/0/RP0/CPU0:r1(config)#"),
        ("cisco_nxos", "leaf(config-s)# "),
        ("arista_eos", "spine(config-s-change)#"),
        ("aruba_os", "(wlc) (config) #"),
        ("mellanox_mlnxos", "onyx [standalone: master] (config) # "),
        ("juniper_junos", "admin@mx# "),
        ("vyos", "vyos@vyos# "),
        ("paloalto_panos", "admin@fw# "),
        ("huawei_vrp", "[~HUAWEI-GE1/0/1]"),
        ("hp_comware", "[H3C-Vlan10]"),
        ("nokia_sros", "*A:pe1>config>router#"),
    ],
)
def test_configuration_mode_shows_in_the_prompt(name: str, prompt: str) -> None:
    assert re.search(str(platform_named(name).config_prompt), prompt)


@pytest.mark.parametrize(
    ("name", "prompt"),
    [
        ("cisco_ios", "router#"),
        ("arista_eos", "core(s1)#"),
        ("cisco_nxos", "leaf(maint-mode)# "),
        ("juniper_junos", "admin@mx> "),
        ("vyos", "vyos@vyos:~$ "),
        ("huawei_vrp", "<HUAWEI>"),
        ("nokia_sros", "A:pe1# "),
    ],
)
def test_another_prompt_is_not_configuration_mode(name: str, prompt: str) -> None:
    assert not re.search(str(platform_named(name).config_prompt), prompt)


def test_a_platform_cannot_be_changed() -> None:
    platform = platform_named("cisco_ios")
    with pytest.raises(FrozenInstanceError):
        platform.exec = False  # type: ignore[misc]
    assert all(field.kw_only for field in fields(Platform))


def test_the_table_is_read_only_when_a_platform_is_asked_for() -> None:
    code = (
        "import sys, runner.platforms as p; "
        "assert 'runner.platforms.table' not in sys.modules; "
        "assert p.known('ios') and 'runner.platforms.table' in sys.modules; "
        "assert not {'netmiko', 'netutils', 'ntc_templates', 'difflib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def platform_named(name: str) -> Platform:
    found = find(name)
    assert found is not None
    return found
