"""Platforms whose CLI is Cisco's or is modelled on it: a line with a percent sign in front is a refusal."""

from __future__ import annotations

from dataclasses import replace

from runner.platforms.definition import Platform

__all__ = ["CISCO", "CISCO_LIKE", "REFUSALS"]

# Not a refusal: %LINK-3-UPDOWN and %ASA-6-302013 (syslog), %Jun  1 10:00 (the syslog of Comware).
_LOGGED = r"(?!\S{0,60}-[0-7]-)(?![a-z]{3} {1,2}\d{1,2} \d\d:)"
_PERCENT = rf"%%?(?: {{1,2}}(?=[a-z\"']|\d{{1,3}}\.\d)|(?=[a-z])){_LOGGED}"

REFUSALS = (
    _PERCENT,
    r"Command authorization failed\b",
    r"Line has invalid autocommand\b",
    r"Command rejected\b",
)
"""A refusal by IOS and its kin: any line with a percent sign in front, except those in `CISCO.harmless`."""

# Lines with a percent sign that these devices print while they carry out a command.
_HARMLESS = (
    r"%%? {0,2}(?:Warning|Note|Info|Informational|Notice|Profile|Please wait|Deprecated|Beware)\b",
    r"%%? {0,2}Key (?:pair|name|data|type)\b",  # show crypto key mypubkey
    r"%%? {0,2}(?:Generating|The key modulus size|You already have|Do you really want to)\b",
    r"%%? {0,2}(?:Applying|Building|Rebooting|Shutting|Compressing|Saving|Loading|Using|Default route)\b",
    r"%%? {0,2}(?:Network|Subnet|Route|Prefix) not in table\b",  # an answer: show ip route ADDRESS
    r"%%? {0,2}(?:There (?:seem|seems|is|are) .{0,10}no|No (?:entry|entries|matching|inline power))\b",
    r"%%? {0,2}(?:Access VLAN does not exist\. Creating|Only classful networks)\b",  # said while configuring
    r"%%? {0,2}(?:Interface .{0,60} )?IPv[46] .{0,60}(?:removed due to|have been removed)\b",
    r"%(?:CPU|MEM|Cpu\(s\)|Util)",  # heads of columns, and the first lines of top
    r'% (?:The "terminal length" command is deprecated|Please use "terminal paginate")',  # FRR's vtysh
)

# router(config-if)#
_CONFIG_PROMPT = r"\(conf[^()]*\) ?#\s*\Z"

CISCO = Platform(
    name="",
    refusals=REFUSALS,
    harmless=_HARMLESS,
    session=("terminal length 0", "terminal width 511"),
    enable="enable",
    privileged="#",
    leave_config=("end",),
    config_prompt=_CONFIG_PROMPT,
)
"""The common part of all these platforms; a row replaces some fields of it."""

_NO_WIDTH = replace(CISCO, session=("terminal length 0",))
_ONE_LEVEL = replace(CISCO, enable=None, privileged="")

_ROWS = (
    # IOS and NX-OS answer one command an exec request (Cisco: Secure Shell configuration guides), and are
    # played so by the demo. IOS-XE wireless controllers have the same CLI.
    replace(
        CISCO,
        name="cisco_ios",
        netmiko="cisco_ios",
        ntc="cisco_ios",
        ansible=("cisco.ios.ios",),
        also=("cisco_xe", "cisco_iosxe", "iosxe", "cisco_ioswlc"),
        exec=True,
    ),
    # IOS XR: its SSH serves as rexec and rsh did (Cisco: System Security Configuration Guide). `end` asks
    # whether to commit; `abort` does not.
    replace(
        _ONE_LEVEL,
        name="cisco_xr",
        netmiko="cisco_xr",
        ntc="cisco_xr",
        ansible=("cisco.iosxr.iosxr",),
        also=("cisco_iosxr", "xr"),
        refusals=(*REFUSALS, r"!!% "),
        leave_config=("abort",),
        exec=True,
    ),
    replace(
        CISCO,
        name="cisco_nxos",
        netmiko="cisco_nxos",
        ntc="cisco_nxos",
        ansible=("cisco.nxos.nxos",),
        also=("cisco_nxos_ssh", "nxos_ssh"),
        refusals=(
            *REFUSALS,
            r"Cmd exec error\b",
            r"Invalid (?:range|number|interface)\b",
        ),
        exec=True,
    ),
    # ASA: no exec. `terminal width` belongs to its configuration, `terminal pager` to the session.
    replace(
        CISCO,
        name="cisco_asa",
        netmiko="cisco_asa",
        ntc="cisco_asa",
        ansible=("cisco.asa.asa",),
        refusals=(*REFUSALS, r"Type help or '\?' for a list of available commands"),
        session=("terminal pager 0",),
    ),
    replace(
        CISCO,
        name="cisco_s300",
        netmiko="cisco_s300",
        ntc="cisco_s300",
        ansible=("community.ciscosmb.ciscosmb",),
        also=("cisco_cbs", "cisco_s500"),
        session=("terminal datadump", "terminal width 511"),
    ),
    Platform(
        name="cisco_wlc",  # paging is switched off in its configuration only
        netmiko="cisco_wlc",
        ntc="cisco_wlc_ssh",
        ansible=("community.network.aireos",),
        also=("cisco_aireos",),
        refusals=(r"Incorrect (?:usage|input)\b", r"HELP:"),
        leave_config=("exit",),
        config_prompt=r"\) \S*config\S*>\s*\Z",
    ),
    Platform(name="cisco_ftd", netmiko="cisco_ftd", ntc="cisco_ftd"),
    Platform(
        name="cisco_viptela",
        netmiko="cisco_viptela",
        ntc="cisco_viptela",
        session=("paginate false",),
        leave_config=("end no-confirm",),
        config_prompt=_CONFIG_PROMPT,
    ),
)

# Commands and refusals are those of IOS. EOS answers exec (EOS manual, "SSH"); FRR's hosts have vtysh as the
# login shell, or take `vtysh -c` by exec.
_LIKE_ROWS = (
    replace(
        CISCO,
        name="arista_eos",
        netmiko="arista_eos",
        ntc="arista_eos",
        ansible=("arista.eos.eos",),
        exec=True,
    ),
    replace(
        _ONE_LEVEL,
        name="frr",
        ansible=("frr.frr.frr",),
        also=("frr_vtysh", "cumulus_vtysh"),
        session=("no terminal paginate",),  # `terminal length` has no effect in vtysh
        exec=True,
    ),
    replace(
        _NO_WIDTH, name="allied_telesis_awplus", netmiko="allied_telesis_awplus", ntc="allied_telesis_awplus"
    ),
    replace(_NO_WIDTH, name="a10", netmiko="a10", ansible=("a10.acos_axapi.a10",)),
    replace(_NO_WIDTH, name="broadcom_icos", netmiko="broadcom_icos", ntc="broadcom_icos"),
    replace(
        _NO_WIDTH,
        name="dell_os6",
        netmiko="dell_os6",
        ansible=("dellemc.os6.os6", "dellemc.os6.dellos6"),
        also=("dell_emc",),
        refusals=(*REFUSALS, r"An invalid interface has been used\b"),
    ),
    replace(
        _NO_WIDTH,
        name="dell_os9",
        netmiko="dell_os9",
        ntc="dell_force10",
        ansible=("dellemc.os9.os9", "dellemc.os9.dellos9"),
        also=("dell_dnos9",),
    ),
    replace(
        _NO_WIDTH,
        name="dell_os10",
        netmiko="dell_os10",
        ansible=("dellemc.os10.os10", "dellemc.os10.dellos10"),
        enable=None,
        privileged="",
    ),
    replace(
        CISCO,
        name="dell_powerconnect",
        netmiko="dell_powerconnect",
        ntc="dell_powerconnect",
        session=("terminal datadump", "terminal length 0"),
    ),
    replace(
        _NO_WIDTH,
        name="dell_sonic",  # a login gives a Linux shell; `sonic-cli` starts the CLI
        netmiko="dell_sonic",
        ansible=("dellemc.enterprise_sonic.sonic",),
        also=("dell_enterprisesonic",),
        enable=None,
        privileged="",
    ),
    replace(CISCO, name="edgecore_ecs", ntc="edgecore", session=("terminal length 0", "terminal width 300")),
    replace(CISCO, name="eltex", netmiko="eltex", ntc="eltex", session=("terminal datadump",)),
    replace(CISCO, name="eltex_esr", netmiko="eltex_esr", session=("terminal datadump",)),
    replace(
        _NO_WIDTH,
        name="extreme_ers",
        netmiko="extreme_ers",
        ntc="avaya_ers",
    ),
    replace(
        CISCO,
        name="extreme_vsp",
        netmiko="extreme_vsp",
        ntc="avaya_vsp",
        ansible=("community.network.voss",),
        also=("voss",),
        session=("terminal more disable",),
    ),
    replace(
        _ONE_LEVEL,
        name="extreme_nos",
        netmiko="extreme_nos",
        ansible=("community.network.nos",),
        also=("brocade_nos", "brocade_vdx", "extreme_vdx"),
        session=("terminal length 0",),
    ),
    replace(
        _ONE_LEVEL,
        name="extreme_slx",
        netmiko="extreme_slx",
        ntc="extreme_slxos",
        ansible=("community.network.slxos",),
        session=("terminal length 0",),
    ),
    replace(CISCO, name="ipinfusion_ocnos", netmiko="ipinfusion_ocnos", ntc="ipinfusion_ocnos"),
    replace(_NO_WIDTH, name="lenovo_cnos", ansible=("community.network.cnos",)),
    replace(_NO_WIDTH, name="lenovo_enos", ansible=("community.network.enos",)),
    replace(
        CISCO,
        name="mellanox_mlnxos",
        netmiko="mellanox_mlnxos",
        ansible=("mellanox.onyx.onyx", "community.network.onyx"),
        also=("mellanox",),
        session=("no cli session paging enable",),
        leave_config=("exit",),
    ),
    replace(_NO_WIDTH, name="ruijie_os", netmiko="ruijie_os", also=("ruijie_rgos",)),
    replace(
        _NO_WIDTH,
        name="ubiquiti_edgeswitch",
        netmiko="ubiquiti_edgeswitch",
        ntc="ubiquiti_edgeswitch",
        ansible=("community.network.edgeswitch",),
        also=("ubiquiti_edge",),
    ),
    replace(_NO_WIDTH, name="zte_zxros", netmiko="zte_zxros", ntc="zte_zxros"),
)

CISCO_LIKE = (*_ROWS, *_LIKE_ROWS)
"""The rows of this module."""
