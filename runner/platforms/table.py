"""The table of platforms: one row each, and platforms of which nothing but their names is known.

Sources of the facts: manuals of the makers for commands that print or switch something; netmiko, netutils and
ntc-templates for names; scrapli's platform definitions and the devices' own words for refusals; Oxidized for
`exec`, as it sends each command of RouterOS, Junos and Fabric OS by an exec request.
"""

from __future__ import annotations

from dataclasses import replace

from runner.platforms.cisco import CISCO, CISCO_LIKE, REFUSALS
from runner.platforms.definition import Platform

__all__ = ["PLATFORMS", "others"]

_ARUBA_HP_ROWS = (
    replace(
        CISCO,
        name="aruba_aoscx",
        netmiko="aruba_aoscx",
        ntc="aruba_aoscx",
        ansible=("arubanetworks.aoscx", "arubanetworks.aoscx.aoscx"),
        refusals=(*REFUSALS, r"Cannot execute command\b", r".{0,100} doesn't exist\b"),
        session=("no page",),
    ),
    replace(
        CISCO,
        name="aruba_os",  # controllers
        netmiko="aruba_os",
        ntc="aruba_os",
        ansible=("community.network.aruba",),
        also=("aruba_wlc",),
        session=("no paging",),
    ),
    # ProCurve and AOS-S: an exec request is answered with "SSH command execution is not supported."
    replace(
        CISCO,
        name="hp_procurve",
        netmiko="hp_procurve",
        ntc="hp_procurve",
        ansible=("arubanetworks.aos_switch", "arubanetworks.aos_switch.aos_switch"),
        also=("aruba_procurve", "aruba_osswitch", "arubaoss"),
        refusals=(
            *REFUSALS,
            r"(?:Invalid|Incomplete|Ambiguous) input:",
            r"SSH command execution is not supported\b",
        ),
        session=("no page", "terminal width 511"),
    ),
    Platform(
        name="hp_comware",
        netmiko="hp_comware",
        ntc="hp_comware",
        also=("h3c_comware", "comware"),
        refusals=(r"% {1,2}[A-Za-z]",),  # its syslog lines begin with %Jun 26
        session=("screen-length disable",),
        enable="super",
        leave_config=("return",),
        config_prompt=r"\A\[.*\]\s*\Z",
    ),
)

_HUAWEI_REFUSALS = (r"Error ?:", r"Failure:", r"Incomplete command\b")
_HUAWEI = Platform(
    name="",
    refusals=_HUAWEI_REFUSALS,
    session=("screen-length 0 temporary",),
    enable="super",
    leave_config=("return",),
    config_prompt=r"\A(?:HRP_.)?\[.*\]\s*\Z",
)
_HUAWEI_ROWS = (
    replace(
        _HUAWEI,
        name="huawei_vrp",
        netmiko="huawei_vrp",
        ntc="huawei_vrp",
        ansible=("community.network.ce",),
        also=("huawei",),
    ),
    replace(_HUAWEI, name="huawei_vrpv8", netmiko="huawei_vrpv8", ntc="huawei_vrp"),
    replace(
        CISCO,
        name="huawei_smartax",
        netmiko="huawei_smartax",
        ntc="huawei_smartax",
        also=("huawei_olt",),
        refusals=(*REFUSALS, *_HUAWEI_REFUSALS, r"The required ONT does not exist\b"),
        session=("undo smart", "scroll"),
        leave_config=("return",),
    ),
)

# FastIron and NetIron have the modes of IOS, and other words for a refusal.
_IRONWARE = replace(
    CISCO,
    refusals=(r"(?:Invalid|Ambiguous|Unrecognized) (?:input|command)\b", r"Error -", r"Incomplete command\b"),
    harmless=(),
    session=("skip-page-display",),
)
_OTHER_ROWS = (
    # Junos: `ssh router "show version"` is in Juniper's manuals. The prompt ends with > unless configuring.
    Platform(
        name="juniper_junos",
        netmiko="juniper_junos",
        ntc="juniper_junos",
        ansible=("junipernetworks.junos.junos",),
        also=("juniper",),
        refusals=(
            r"(?:syntax error|unknown command|missing argument|missing mandatory argument)\b",
            r"error: ",
            r"'[^']{0,100}' is ambiguous\b",
            r"(?:No valid completions|invalid (?:numeric )?value|permission denied|command is not valid)\b",
        ),
        exec=True,
        session=("set cli screen-length 0", "set cli screen-width 511", "set cli complete-on-space off"),
        leave_config=("exit configuration-mode",),
        config_prompt=r"#\s*\Z",
    ),
    # RouterOS: MikroTik's manual of SSH has commands by exec. The login name carries the width: admin+ct511w.
    Platform(
        name="mikrotik_routeros",
        netmiko="mikrotik_routeros",
        ntc="mikrotik_routeros",
        ansible=("community.routeros.routeros", "community.network.routeros"),
        also=("ros",),
        refusals=(
            r"(?:bad command name|expected end of command|expected command name|syntax error)\b",
            r"(?:no such item|no such command|unknown parameter|not enough permissions)\b",
            r"(?:input does not match|invalid value|ambiguous value|missing value|value of)\b",
            r"failure: ",
        ),
        exec=True,
    ),
    # VyOS and EdgeOS: an exec request runs bash, which knows `show` only in an interactive shell; scripts
    # call vyatta-op-cmd-wrapper.
    Platform(
        name="vyos",
        netmiko="vyos",
        ntc="vyatta_vyos",
        ansible=("vyos.vyos.vyos",),
        also=("brocade_vyos", "vyos_vyos"),
        refusals=(
            r"(?:Invalid|Incomplete|Ambiguous) command\b",
            r"-?v?bash: .{0,200}: (?:command )?not found\b",
            r"(?:Set|Delete|Commit) failed\b",
            r"(?:Need to specify the config node|Invalid value)\b",
            r"Configuration path: .{0,500} is not valid\b",
        ),
        session=("set terminal length 0", "set terminal width 512"),
        leave_config=("exit discard",),
        config_prompt=r"#\s*\Z",
    ),
    Platform(
        name="ubiquiti_edgerouter",
        netmiko="ubiquiti_edgerouter",
        ntc="ubiquiti_edgerouter",
        ansible=("community.network.edgeos",),
        refusals=(
            r"(?:Invalid|Incomplete|Ambiguous) command\b",
            r"-?v?bash: .{0,200}: (?:command )?not found\b",
            r"(?:Set|Delete|Commit) failed\b",
        ),
        session=("terminal length 0", "terminal width 512"),
        leave_config=("exit discard",),
        config_prompt=r"#\s*\Z",
    ),
    # SR OS: classic CLI and MD-CLI have one command each against paging, and refuse the other's.
    Platform(
        name="nokia_sros",
        netmiko="nokia_sros",
        ntc="alcatel_sros",
        ansible=(
            "nokia.sros.sros",
            "community.network.sros",
            "nokia.sros.classic",
            "nokia.sros.md",
            "nokia.sros.light",
        ),
        also=("nokia_sros_classic",),
        refusals=(r"Error: ", r"(?:MINOR|MAJOR|CRITICAL): ", r"Bad command\b"),
        session=("environment no more", "environment more false"),
        enable="enable-admin",
        leave_config=("exit all", "quit-config"),
        config_prompt=r">config\S*[#$]\s*\Z",
    ),
    Platform(
        name="nokia_srl",
        netmiko="nokia_srl",
        ansible=("nokia.srl", "nokia.srlinux.srlinux"),
        also=("nokia_srlinux", "srlinux"),
        refusals=(r"Error: ", r"Parsing error\b"),
        session=("environment cli-engine type basic", "environment complete-on-space false"),
        leave_config=("enter running",),
    ),
    Platform(
        name="nokia_isam",
        netmiko="nokia_isam",
        also=("nokia_sros_classic_aram",),
        refusals=(r"(?:invalid token|command is not complete|Error)\b",),
        session=("environment inhibit-alarms mode batch", "environment print no-more"),
        leave_config=("exit all",),
    ),
    Platform(
        name="paloalto_panos",
        netmiko="paloalto_panos",
        ntc="paloalto_panos",
        ansible=("paloaltonetworks.panos.panos",),
        refusals=(r"(?:Unknown command|Invalid syntax|Server error|Validation Error|Incomplete command)\b",),
        session=("set cli scripting-mode on", "set cli pager off", "set cli terminal width 500"),
        leave_config=("exit",),
        config_prompt=r"#\s*\Z",
    ),
    # FortiOS: paging is switched off in its configuration only, and an exec answer is paged as well.
    Platform(
        name="fortinet",
        netmiko="fortinet",
        ntc="fortinet",
        ansible=("fortinet.fortios.fortios",),
        also=("fortinet_fortios",),
        refusals=(
            r"Command fail\b",
            r"(?:command|value) parse error before\b",
            r"(?:ambiguous|incomplete) command (?:before|in the end)\b",
            r"Unknown action\b",
            r"(?:entry not found|node_check_object fail|object (?:check|set) operator error)\b",
        ),
        leave_config=("abort",),
    ),
    Platform(
        name="extreme_exos",
        netmiko="extreme_exos",
        ntc="extreme_exos",
        ansible=("community.network.exos",),
        also=("extreme",),
        refusals=(r"%% ?[A-Za-z]", r"Error: "),
        session=("disable clipaging",),
    ),
    replace(
        _IRONWARE,
        name="ruckus_fastiron",
        netmiko="ruckus_fastiron",
        ntc="ruckus_fastiron",
        ansible=("community.network.icx", "commscope.icx.icx"),
        also=("brocade_fastiron", "ruckus_icx"),
    ),
    replace(
        _IRONWARE,
        name="extreme_netiron",
        netmiko="extreme_netiron",
        ntc="brocade_netiron",
        ansible=("community.network.ironware",),
    ),
    # Fabric OS serves exec (Oxidized uses nothing else).
    Platform(
        name="brocade_fos",
        netmiko="brocade_fos",
        refusals=(r"rbash: .{0,200}: command not found\b",),
        exec=True,
    ),
    Platform(
        name="checkpoint_gaia",
        netmiko="checkpoint_gaia",
        ntc="checkpoint_gaia",
        refusals=(r"CLINFR\d{4}\s{1,4}(?:Invalid|Incomplete|Ambiguous)\b",),
        session=("set clienv rows 0",),
        enable="expert",
        privileged="#",
    ),
    Platform(
        name="bigip_f5",
        netmiko="f5_tmsh",
        ansible=("f5networks.f5_bigip.bigip",),
        also=("f5_ltm", "f5"),
        refusals=(r"(?:Syntax|Data Input|Unexpected) Error\b", r"[0-9a-f]{8}:[0-7]: "),
    ),
    Platform(
        name="ciena_saos",
        netmiko="ciena_saos",
        ntc="ciena_saos",
        ansible=("ciena.saos6.saos6",),
        refusals=(r"SHELL PARSER FAILURE\b",),
        session=("system shell session set more off",),
    ),
    Platform(
        name="dlink_ds",  # paging is switched off in its configuration only
        netmiko="dlink_ds",
        ntc="dlink_ds",
        also=("dlink_os",),
        refusals=(r"(?:Next possible completions|Available commands):",),
    ),
    Platform(
        name="flexvnf",
        netmiko="flexvnf",
        also=("versa_flexvnf",),
        refusals=(r"\[error\]",),
        session=("set screen length 0", "set screen width 511"),
        leave_config=("exit configuration-mode no-confirm",),
    ),
    Platform(
        name="juniper_screenos",
        netmiko="juniper_screenos",
        ntc="juniper_screenos",
        refusals=(r"unknown keyword\b", r"command not completed\b", r"ambiguous keyword\b"),
    ),
    replace(
        CISCO,
        name="raisecom_ros",
        netmiko="raisecom_ros",
        refusals=(*REFUSALS, r"(?:Error|Ambiguous) input in the position mark"),
        session=("terminal page-break disable",),
    ),
    Platform(
        name="ruckus_unleashed",
        refusals=(r"The command is .{0,80}(?:unrecognized|invalid|incomplete)\b",),
        enable="enable force",
        privileged="#",
        leave_config=("end",),
    ),
    Platform(
        name="fortinet_wlc",
        refusals=(r".{0,200} is not unique\b", r"Insufficient parameters for command\b"),
        leave_config=("end",),
    ),
    Platform(
        name="zyxel_dslam",
        refusals=(r"invalid command\b", r"command authorization fail"),
    ),
    Platform(name="yamaha", netmiko="yamaha", ntc="yamaha"),
    # Servers: a login gives a shell, so that they need no device CLI.
    Platform(name="linux", netmiko="linux", ntc="linux", exec=True, posix=True),
    Platform(name="cumulus_linux", netmiko="cumulus_linux", exec=True, posix=True),
    Platform(name="corelight_linux", netmiko="corelight_linux", exec=True, posix=True),
    Platform(name="edgecore_sonic", netmiko="edgecore_sonic", exec=True, posix=True),
    Platform(name="f5_linux", netmiko="f5_linux", exec=True, posix=True),
    Platform(name="opengear_linux", netmiko="opengear_linux", exec=True, posix=True),
    Platform(name="ovs_linux", netmiko="ovs_linux", exec=True, posix=True),
)

PLATFORMS = (*CISCO_LIKE, *_ARUBA_HP_ROWS, *_HUAWEI_ROWS, *_OTHER_ROWS)
"""The platforms of which something is known."""

# netmiko's other device types for SSH.
_NETMIKO = """
accedian adtran_os adva_fsp150f2 adva_fsp150f3 alaxala_ax26s alaxala_ax36s alcatel_aos apc_aos apresia_aeos
arris_cer asterfusion_asternos audiocode_66 audiocode_72 audiocode_shell avara_aos aviat_wtm bintec_boss
calix_b6 calix_exa casa_cmts cdot_cros centec_os ciena_saos10 ciena_waveserver cisco_ap cisco_apic
cisco_s200 cisco_tp cloudgenix_ion coriant dell_isilon digi_transport ekinops_ek360 endace enterasys
ericsson_ipos ericsson_mltn63 ericsson_mltn66 extreme_tierra extreme_wing fiberstore_fsos fiberstore_fsosv2
fiberstore_networkos fsas_sir fujitsu_sir furukawa_fitelnet garderos_grs generic generic_termserver
hillstone_stoneos hirschmann_hios huawei_ont huawei_smartaxmmi iij_seilos infinera_packet keymile
keymile_nos lancom_lcossx4 lancom_lcossx5 maipu mikrotik_switchos moxa_nos mrv_lx mrv_optiswitch nec_ix
netapp_cdot netgear_prosafe netscaler oneaccess_oneos perle_iolan pluribus quanta_mesh rad_etx raisecom_roap
silverpeak_vxoa sixwind_os smartoptics_dwdm sophos_sfos supermicro_smis telcosystems_binos teldat_cit
tplink_jetstream ubiquiti_unifiswitch vertiv_mph watchguard_fireware zpe_nodegrid zyxel_os
"""
# Platforms of ntc-templates, and of scrapli, that netmiko does not know.
_NTC_ALONE = "aethra_atosnt cisco_fxos cisco_nvfis vmware_nsxv watchguard_firebox"
_SCRAPLI_ALONE = "datacom_dmos datacom_dmswitch siemens_roxii"
_NTC = frozenset(
    f"""
alcatel_aos cisco_apic ericsson_ipos fsas_sir huawei_ont oneaccess_oneos zyxel_os {_NTC_ALONE}
""".split()
)
_ANSIBLE = {"ericsson_ipos": ("community.network.eric_eccli",), "pluribus": ("community.network.netvisor",)}


def others() -> tuple[Platform, ...]:
    """Return the platforms of which nothing but their names is known."""
    netmiko = frozenset(_NETMIKO.split())
    names = f"{_NETMIKO} {_NTC_ALONE} {_SCRAPLI_ALONE}".split()
    return tuple(
        Platform(
            name=name,
            netmiko=name if name in netmiko else None,
            ntc=name if name in _NTC else None,
            ansible=_ANSIBLE.get(name, ()),
        )
        for name in names
    )
