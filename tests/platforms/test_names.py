"""Every name that a tool has for a platform leads to one platform; a wrong name gets similar ones shown."""

from __future__ import annotations

import csv
import pickle
from pathlib import Path

import pytest

from runner.errors import RunnerError
from runner.platforms import UnknownPlatform, find, known, platform
from runner.platforms.table import PLATFORMS, others

NO_SSH = ("_telnet", "_serial")

# netutils names the collection for ArubaOS-Switch (ProCurve) after ArubaOS, the controllers' system.
AOS_SWITCH = {"arubanetworks.aos_switch", "arubaoss"}
# Managed by an API: no CLI to log in to.
WITHOUT_CLI = {"cisco.catalystcenter", "cisco.meraki.meraki"}
# netmiko and ntc-templates tell the shell of BIG-IP from its CLI; netutils has one name for both.
SHELL_OF_BIG_IP = {"f5_linux"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cisco_ios", "cisco_ios"),
        ("cisco.ios.ios", "cisco_ios"),
        ("ios", "cisco_ios"),
        ("cisco_xe", "cisco_ios"),
        ("cisco_iosxe", "cisco_ios"),
        ("cisco_ios_ssh", "cisco_ios"),
        ("cisco-ios", "cisco_ios"),
        (" Cisco_IOS ", "cisco_ios"),
        ("iosxr", "cisco_xr"),
        ("cisco_iosxr", "cisco_xr"),
        ("nxos", "cisco_nxos"),
        ("nxos_ssh", "cisco_nxos"),
        ("eos", "arista_eos"),
        ("asa", "cisco_asa"),
        ("frr", "frr"),
        ("frr.frr.frr", "frr"),
        ("junos", "juniper_junos"),
        ("junipernetworks.junos.junos", "juniper_junos"),
        ("vyos", "vyos"),
        ("vyatta_vyos", "vyos"),
        ("routeros", "mikrotik_routeros"),
        ("community.routeros.routeros", "mikrotik_routeros"),
        ("community.network.routeros", "mikrotik_routeros"),
        ("ros", "mikrotik_routeros"),
        ("sros", "nokia_sros"),
        ("nokia.sros.md", "nokia_sros"),
        ("alcatel_sros", "nokia_sros"),
        ("fortios", "fortinet"),
        ("huawei", "huawei_vrp"),
        ("ce", "huawei_vrp"),
        ("arubanetworks.aos_switch", "hp_procurve"),
        ("aruba_wlc", "aruba_os"),
        ("sonic", "dell_sonic"),
        ("linux", "linux"),
        ("adtran_os", "adtran_os"),
    ],
)
def test_a_platform_is_found_by_each_of_its_names(name: str, expected: str) -> None:
    assert platform(name).name == expected
    assert find(name) is platform(name)
    assert known(name)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        " ",
        ".",
        "ubuntu",
        "debian",
        "autodetect",
        "terminal_server",
        "cisco_ios_telnet",
        "_ssh",
        15,
        ["ios"],
    ],
)
def test_another_value_of_a_variable_is_no_platform(value: object) -> None:
    assert find(value) is None
    assert not known(value)


def test_an_unknown_name_is_an_error_with_the_nearest() -> None:
    with pytest.raises(
        UnknownPlatform, match=r"^'cisco_isxoe' is not the name .*did you mean .*cisco_iosxe"
    ) as error:
        platform("cisco_isxoe")
    assert isinstance(error.value, RunnerError)
    assert str(pickle.loads(pickle.dumps(error.value))) == str(error.value)


def test_a_name_without_neighbours_says_what_names_there_are() -> None:
    with pytest.raises(UnknownPlatform, match="give the name that Ansible, netmiko or ntc-templates has"):
        platform("xyzzy12345")


def test_the_message_is_one_printable_line_of_bounded_length() -> None:
    with pytest.raises(UnknownPlatform) as error:
        platform("a\x1b[2J\n" * 100_000)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 1000


def test_every_device_type_of_netmiko_for_ssh_is_a_platform_with_the_same_driver() -> None:
    dispatcher = pytest.importorskip("netmiko.ssh_dispatcher")
    drivers = dispatcher.CLASS_MAPPER
    types = [
        name
        for name in drivers
        if not name.endswith(NO_SSH) and name not in {"autodetect", "terminal_server"}
    ]
    assert [name for name in types if not known(name)] == []
    for name in types:
        assert drivers[str(platform(name).netmiko)] is drivers[name], name


def test_no_driver_is_named_that_netmiko_does_not_have() -> None:
    dispatcher = pytest.importorskip("netmiko.ssh_dispatcher")
    drivers = {each.netmiko for each in (*PLATFORMS, *others())} - {None}
    assert drivers <= set(dispatcher.CLASS_MAPPER)


@pytest.mark.parametrize("library", ["ANSIBLE", "NAPALM", "NETMIKO", "NTCTEMPLATES", "SCRAPLI"])
def test_a_name_leads_to_the_platform_that_netutils_has_for_it(library: str) -> None:
    mapper = pytest.importorskip("netutils.lib_mapper")
    names = getattr(mapper, f"{library}_LIB_MAPPER")
    judged = {
        name: main for name, main in names.items() if name not in AOS_SWITCH | WITHOUT_CLI | SHELL_OF_BIG_IP
    }
    assert [name for name in judged if not known(name)] == []
    assert [name for name, main in judged.items() if find(name) is not find(main)] == []


def test_our_name_is_one_that_netutils_has_if_it_has_any_for_the_platform() -> None:
    mapper = pytest.importorskip("netutils.lib_mapper")
    theirs = set(mapper.MAIN_LIB_MAPPER)
    wrong = [
        each.name
        for each in PLATFORMS
        if each.name not in theirs and {each.netmiko, each.ntc, *each.also} & theirs - SHELL_OF_BIG_IP
    ]
    assert wrong == []


def test_every_template_of_ntc_belongs_to_a_platform() -> None:
    ntc = pytest.importorskip("ntc_templates")
    index = Path(str(ntc.__file__)).parent / "templates" / "index"
    rows = csv.reader(line for line in index.read_text("utf-8").splitlines() if line and line[0] != "#")
    header, *entries = ([cell.strip() for cell in row] for row in rows)
    assert header[2] == "Platform"
    patterns = {row[2] for row in entries if len(row) > 2}
    plain = {name for name in patterns if name.isidentifier()}
    named = {each.ntc for each in (*PLATFORMS, *others())} - {None}
    assert sorted(plain - {name for name in plain if known(name)}) == []
    assert sorted(named - plain) == ["hp_procurve", "vyatta_vyos"]  # (hp|aruba)_procurve and .*vyos.*
