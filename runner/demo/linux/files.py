"""The programs of a server that work on files."""

from __future__ import annotations

import hashlib
import posixpath
from typing import TYPE_CHECKING

from runner.demo.linux.program import contents, options_of

if TYPE_CHECKING:
    from runner.demo.linux.program import Program
    from runner.demo.linux.session import LinuxSession

__all__ = ["FILE_PROGRAMS"]


async def _cat(session: LinuxSession, arguments: list[str]) -> int:
    found = await contents(session, "cat", arguments)
    for _, content in found:
        session.write(1, content or b"")
    return int(any(content is None for _, content in found))


async def _ls(session: LinuxSession, arguments: list[str]) -> int:
    machine = session.machine
    options = "".join(word for word in arguments if word.startswith("-"))
    status = 0
    for name in [word for word in arguments if not word.startswith("-")] or ["."]:
        path = machine.resolve(session.directory, name)
        if path in machine.files:
            session.say(name)
        elif path in machine.directories:
            for child in machine.children(path):
                if "a" in options or not child.startswith("."):
                    session.say(child)
        else:
            session.complain(f"ls: cannot access '{name}': No such file or directory")
            status = 2
    return status


async def _rm(session: LinuxSession, arguments: list[str]) -> int:
    """Remove files; `-f` ignores missing files, `-r` also removes folders with their content."""
    letters, names = options_of(arguments)
    machine, status = session.machine, 0
    for name in names:
        path = machine.resolve(session.directory, name)
        if path in machine.files or ("r" in letters and path in machine.directories):
            why = None if session.may_change(path) else "Permission denied"
        elif path in machine.directories:
            why = "Is a directory"
        else:
            why = None if "f" in letters else "No such file or directory"
        if why is not None:
            session.complain(f"rm: cannot remove '{name}': {why}")
            status = 1
        else:
            machine.remove(path)
    return status


async def _mkdir(session: LinuxSession, arguments: list[str]) -> int:
    letters, names = options_of(arguments)
    machine, status = session.machine, 0
    for name in names:
        path = machine.resolve(session.directory, name)
        parent = posixpath.dirname(path)
        if path in machine.directories and "p" in letters:
            continue
        if path in machine.files or path in machine.directories:
            why = "File exists"
        elif not session.may_change(path):
            why = "Permission denied"
        elif parent not in machine.directories and "p" not in letters:
            why = "No such file or directory"
        else:
            machine.make_directory(path)
            continue
        session.complain(f"mkdir: cannot create directory '{name}': {why}")
        status = 1
    return status


async def _touch(session: LinuxSession, arguments: list[str]) -> int:
    machine, status = session.machine, 0
    for name in options_of(arguments)[1]:
        path = machine.resolve(session.directory, name)
        if not session.may_change(path) or posixpath.dirname(path) not in machine.directories:
            session.complain(f"touch: cannot touch '{name}': Permission denied")
            status = 1
        elif path not in machine.directories:
            machine.files.setdefault(path, bytearray())
    return status


async def _chmod(session: LinuxSession, arguments: list[str]) -> int:
    """Change permission bits; support octal digits and `+x`."""
    machine, status = session.machine, 0
    mode, *names = arguments or [""]
    if mode != "+x" and (not mode or set(mode) - set("01234567")):
        session.complain(f"chmod: this simulated server knows octal digits and '+x', not '{mode}'")
        return 1
    for name in names:
        path = machine.resolve(session.directory, name)
        if path not in machine.files or not session.may_change(path):
            why = "Operation not permitted" if path in machine.files else "No such file or directory"
            session.complain(f"chmod: cannot access '{name}': {why}")
            status = 1
        else:
            machine.modes[path] = machine.mode(path) | 0o111 if mode == "+x" else int(mode, 8)
    return status


async def _sha256sum(session: LinuxSession, arguments: list[str]) -> int:
    found = await contents(session, "sha256sum", options_of(arguments)[1])
    for name, content in found:
        if content is not None:
            session.say(f"{hashlib.sha256(content).hexdigest()}  {name}")
    return int(any(content is None for _, content in found))


FILE_PROGRAMS: dict[str, Program] = {
    "cat": _cat,
    "chmod": _chmod,
    "ls": _ls,
    "mkdir": _mkdir,
    "rm": _rm,
    "sha256sum": _sha256sum,
    "touch": _touch,
}
"""The programs that work on files, by name."""
