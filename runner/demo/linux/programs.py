"""The programs of a server. Each takes the session and its arguments, prints, and returns an exit code."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from runner.demo.linux.builtins import BUILTINS
from runner.demo.linux.files import FILE_PROGRAMS
from runner.demo.linux.filters import FILTERS
from runner.demo.linux.machine import ROOT
from runner.demo.linux.program import number_of
from runner.demo.linux.sudo import sudo

if TYPE_CHECKING:
    from runner.demo.linux.program import Program
    from runner.demo.linux.session import LinuxSession

__all__ = ["PROGRAMS"]

_LONGEST_SEQUENCE = 1_000_000


async def _sleep(session: LinuxSession, arguments: list[str]) -> int:
    try:
        seconds = float(arguments[0])
    except (IndexError, ValueError):
        seconds = -1.0
    if not 0 <= seconds < math.inf:
        session.complain(
            f"sleep: invalid time interval '{arguments[0]}'" if arguments else "sleep: missing operand"
        )
        return 1
    await asyncio.sleep(seconds)
    return 0


async def _uname(session: LinuxSession, arguments: list[str]) -> int:
    name = session.machine.device.name
    fields = {
        "-s": "Linux",
        "-n": name,
        "-r": "6.1.0-26-amd64",
        "-v": "#1 SMP PREEMPT_DYNAMIC Debian 6.1.112-1 (2024-09-30)",
        "-m": "x86_64",
        "-o": "GNU/Linux",
    }
    option = arguments[0] if arguments else "-s"
    if option == "-a":
        session.say(" ".join(fields.values()))
    elif option in fields:
        session.say(fields[option])
    else:
        session.complain(f"uname: invalid option '{option}'")
        return 1
    return 0


async def _hostname(session: LinuxSession, arguments: list[str]) -> int:
    session.say(session.machine.address if arguments == ["-I"] else session.machine.device.name)
    return 0


async def _uptime(session: LinuxSession, arguments: list[str]) -> int:
    if arguments == ["-s"]:
        session.say(f"{session.machine.booted:%Y-%m-%d %H:%M:%S}")
        return 0
    now = session.machine.now()
    up = now - session.machine.booted
    clock = f"{up.seconds // 3600:2}:{up.seconds // 60 % 60:02}"
    session.say(f" {now:%H:%M:%S} up {up.days} days, {clock},  1 user,  load average: 0.08, 0.03, 0.01")
    return 0


async def _date(session: LinuxSession, arguments: list[str]) -> int:
    form = arguments[0][1:] if arguments and arguments[0].startswith("+") else "%a %b %e %H:%M:%S UTC %Y"
    session.say(session.machine.now().strftime(form))
    return 0


async def _whoami(session: LinuxSession, _arguments: list[str]) -> int:
    session.say(session.user)
    return 0


async def _id(session: LinuxSession, arguments: list[str]) -> int:
    user = session.user
    number = 0 if user == ROOT else 1000
    everything = f"uid={number}({user}) gid={number}({user}) groups={number}({user})"
    session.say({"-u": str(number), "-un": user}.get(" ".join(arguments), everything))
    return 0


async def _df(session: LinuxSession, _arguments: list[str]) -> int:
    session.say("Filesystem      Size  Used Avail Use% Mounted on")
    session.say("udev            1.9G     0  1.9G   0% /dev")
    session.say("tmpfs           393M  568K  393M   1% /run")
    session.say("/dev/vda1        20G  3.1G   16G  17% /")
    return 0


async def _free(session: LinuxSession, _arguments: list[str]) -> int:
    session.say("               total        used        free      shared  buff/cache   available")
    session.say("Mem:            3924         412        2871           1         873        3512")
    session.say("Swap:              0           0           0")
    return 0


async def _seq(session: LinuxSession, arguments: list[str]) -> int:
    match [number_of(word) for word in arguments]:
        case [int(last)]:
            first = 1
        case [int(first), int(last)]:
            pass
        case _:
            session.complain("seq: this simulated shell knows 'seq LAST' and 'seq FIRST LAST'")
            return 1
    last = min(last, first + _LONGEST_SEQUENCE)
    session.write(1, "".join(f"{number}\n" for number in range(first, last + 1)).encode())
    return 0


async def _systemctl(session: LinuxSession, arguments: list[str]) -> int:
    """Support `is-active UNIT`, with the exit codes of systemctl(1): 0 active, 3 inactive, 4 no such unit."""
    if len(arguments) != 2 or arguments[0] != "is-active":  # noqa: PLR2004
        session.complain("systemctl: this simulated server knows 'systemctl is-active UNIT'")
        return 1
    active = session.machine.services.get(arguments[1].removesuffix(".service"))
    session.say("active" if active else "inactive")
    return 4 if active is None else (0 if active else 3)


PROGRAMS: dict[str, Program] = {
    **BUILTINS,
    **FILE_PROGRAMS,
    **FILTERS,
    "date": _date,
    "df": _df,
    "free": _free,
    "hostname": _hostname,
    "id": _id,
    "seq": _seq,
    "sleep": _sleep,
    "sudo": sudo,
    "systemctl": _systemctl,
    "uname": _uname,
    "uptime": _uptime,
    "whoami": _whoami,
}
"""All programs by name, including the shell's builtins."""
