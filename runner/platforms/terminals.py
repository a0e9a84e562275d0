"""What differs between the terminals of platforms: the Enter key, and what a login name may say about them.

The facts are those of netmiko's drivers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.platforms.definition import Platform

__all__ = ["enter", "login_suffix"]

_ENTER = "\n"
_OTHERS = {
    "\r": (
        "aruba_os aruba_aoscx audiocode_72 audiocode_66 audiocode_shell brocade_fos ipinfusion_ocnos nec_ix "
        "netgear_prosafe silverpeak_vxoa"
    ),
    "\r\n": (
        "adtran_os adva_fsp150f2 adva_fsp150f3 apresia_aeos calix_b6 cisco_tp digi_transport dlink_ds "
        "ekinops_ek360 fiberstore_fsos keymile mikrotik_routeros mikrotik_switchos oneaccess_oneos "
        "ruckus_fastiron tplink_jetstream"
    ),
}
_BY_NAME = {name: key for key, names in _OTHERS.items() for name in names.split()}

# RouterOS reads the terminal from the login name: no colours, no detection, 511 columns, 4098 lines
# (its manual, Command Line Interface, "Console login options").
_SUFFIXES = {"mikrotik_routeros": "+ct511w4098h"}


def enter(platform: Platform | None) -> str:
    """Return the bytes of the Enter key, as text."""
    return _ENTER if platform is None else _BY_NAME.get(platform.name, _ENTER)


def login_suffix(platform: Platform | None) -> str:
    """Return the text to add to the login name for an interactive session; usually empty."""
    return "" if platform is None else _SUFFIXES.get(platform.name, "")
