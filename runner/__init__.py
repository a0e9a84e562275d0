"""Find out which hosts are up, and run commands on them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runner.models import CommandResult, Host, HostResult, Secret, Status
    from runner.results.results import Results
    from runner.scripting import load, ping, run, stream
    from runner.tasks import host_task

__all__ = [
    "CommandResult",
    "Host",
    "HostResult",
    "Results",
    "Secret",
    "Status",
    "host_task",
    "load",
    "ping",
    "run",
    "stream",
]
__version__ = "0.1.0"

_HOMES = {
    "runner.models": ("CommandResult", "Host", "HostResult", "Secret", "Status"),
    "runner.results.results": ("Results",),
    "runner.scripting": ("load", "ping", "run", "stream"),
    "runner.tasks": ("host_task",),
}


def __getattr__(name: str) -> Any:
    """Import a public name's module at first use (PEP 562): `invoke --list` needs none of them."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
