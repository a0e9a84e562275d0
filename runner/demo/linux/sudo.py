"""`sudo`: run a command as another account, after the password of the calling account (sudo(8))."""

from __future__ import annotations

import getopt
from typing import TYPE_CHECKING

from runner.demo.linux.machine import ROOT

if TYPE_CHECKING:
    from runner.demo.linux.session import LinuxSession

__all__ = ["sudo"]

_ATTEMPTS = 3


async def sudo(session: LinuxSession, arguments: list[str]) -> int:
    """Support `-n`, `-S`, `-p PROMPT`, `-u USER` and `-H` (always on)."""
    try:
        given, command = getopt.getopt(arguments, "HSnp:u:")
    except getopt.GetoptError as exc:
        session.complain(f"sudo: this simulated server knows -H, -S, -n, -p and -u: {exc}")
        return 1
    options = dict(given)
    user = options.get("-u", ROOT)
    if not command:
        session.complain("usage: sudo [-HSn] [-p prompt] [-u user] command [arg ...]")
        return 1
    if user not in {ROOT, session.machine.device.user}:
        session.complain(f"sudo: unknown user {user}")
        return 1
    if not await _permitted(session, options):
        return 1
    started = session.child(("sudo",))
    started.user, started.variables, started.exported = user, {}, set()
    return await started.call(command)


async def _permitted(session: LinuxSession, options: dict[str, str]) -> bool:
    """Return whether the session may use sudo: as root, with `NOPASSWD`, or with the right password."""
    if session.user == ROOT or not session.machine.device.sudo_asks:
        return True
    if "-n" in options or "-S" not in options:
        if "-n" not in options:
            session.complain("sudo: a terminal is required to read the password; use the -S option")
        session.complain("sudo: a password is required")
        return False
    return await _password_is_right(session, options.get("-p", f"[sudo] password for {session.user}: "))


async def _password_is_right(session: LinuxSession, prompt: str) -> bool:
    for wrong in range(_ATTEMPTS):
        session.write(2, prompt.encode())
        line = await session.read_line()
        if not line:
            session.complain("\nsudo: no password was provided")
            if wrong:
                session.complain(f"sudo: {wrong} incorrect password attempt{'s' * (wrong > 1)}")
            return False
        if line.rstrip(b"\r\n").decode("utf-8", "replace") == session.machine.device.password:
            return True
        session.complain("Sorry, try again.")
    session.complain(f"sudo: {_ATTEMPTS} incorrect password attempts")
    return False
