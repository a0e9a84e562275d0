"""The errors of requests that a server refuses: for a command, a shell, or its SFTP server."""

from __future__ import annotations

from runner.errors import RequestRefused
from runner.models import Phase

__all__ = ["no_exec", "no_sftp", "no_shell"]


def no_exec(phase: Phase = Phase.COMMAND) -> RequestRefused:
    """Return the error of a server that refuses to run a command."""
    text = (
        "the server refused to run a command; a network device may need its CLI: use --connection cli, "
        "or set ansible_network_os"
    )
    return RequestRefused(text, reason="exec-refused", phase=phase)


def no_shell() -> RequestRefused:
    """Return the error of a server that refuses an interactive shell."""
    text = "the server refused an interactive shell"
    return RequestRefused(text, reason="shell-refused", phase=Phase.CHANNEL)


def no_sftp() -> RequestRefused:
    """Return the error of a server that offers no SFTP."""
    return RequestRefused("the server offers no SFTP", reason="no-sftp", phase=Phase.TRANSFER)
