"""Commands that a server does not end when it is asked to.

Up to version 9.7, OpenSSH serves root's logins from a process that may not pass on signals ("session
signalling requires privilege separation", says its log). A command that has no terminal does not notice the
end of the connection either.
"""

from __future__ import annotations

import re

__all__ = ["survival"]

_OPENSSH = re.compile(r"SSH-[\d.]+-OpenSSH_(\d+)\.(\d+)")
_SIGNALS_FOR_ROOT = (9, 8)


def survival(server: str, user: str) -> str:
    """Return why a command without a terminal may go on after it was told to end; empty where it does not.

    Args:
        server: What the server calls itself, the first line that it sends.
        user: Who logged in.
    """
    found = _OPENSSH.match(server)
    if found is None or user != "root":
        return ""
    version = int(found[1]), int(found[2])
    if version >= _SIGNALS_FOR_ROOT:
        return ""
    return f"it may still run: OpenSSH {found[1]}.{found[2]} ends no command of root's, but with --pty"
