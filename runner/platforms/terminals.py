"""The Enter key of the terminals of platforms, as netmiko's drivers press it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.platforms.definition import Platform

__all__ = ["enter"]

# Platforms that take no line feed for Enter; a keyboard sends a carriage return. The others take both.
_NAMES = """
    adtran_os adva_fsp150f2 adva_fsp150f3 apresia_aeos aruba_aoscx aruba_os audiocode_66 audiocode_72
    audiocode_shell brocade_fos calix_b6 cisco_tp digi_transport dlink_ds ekinops_ek360 fiberstore_fsos
    ipinfusion_ocnos keymile mikrotik_routeros mikrotik_switchos nec_ix netgear_prosafe oneaccess_oneos
    ruckus_fastiron silverpeak_vxoa tplink_jetstream
"""
_CARRIAGE_RETURN = frozenset(_NAMES.split())


def enter(platform: Platform | None) -> str:
    """Return the character of the Enter key."""
    return "\r" if platform is not None and platform.name in _CARRIAGE_RETURN else "\n"
