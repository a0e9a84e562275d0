"""One table of the settings that each task and each function for scripts uses ("heeds").

A keyword that a function does not use is refused. So is a flag that a task does not use; if the task has
accepted it so far, the flag gives a warning until the next release. All tasks and scripts share `invoke.yaml`
and the environment: these may hold every setting; a task or function that does not use a setting sees its
default.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["ALL", "FUNCTIONS", "HOST_TASK", "TASKS", "Heeded", "check_keywords", "nearest"]


def _names(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


INVENTORY = _names(
    "inventory playbook_dir vault_password_file vault_id ask_vault_pass allow_inventory_commands"
)
"""The sources of the inventory, and how to read them."""

HOSTS = _names("group limit")
"""Which hosts of the inventory to use."""

EARLIER_RUNS = _names("resume failed rerun_lost")
"""Which hosts an earlier run left undone."""

LIMITS = _names("timeout_total max_fail")
"""When to stop a run, with or without a fan-out."""

FANOUT = LIMITS | _names(
    "executor workers spare scheduler start_method serial max_refused spread order shuffle seed",
    "repeatable rate no_ping",
)
"""How work is spread over hosts."""

PINGING = _names("method ping_timeout ping_tries")
"""How hosts are pinged."""

ROUTE = _names("ssh_config user allow_inventory_commands connection")
"""The SSH route to a host: `ssh_config` may depend on the user, and may name a ProxyCommand."""

ON_THE_WAY = ROUTE | _names(
    "private_key key_passphrase code known_hosts host_key_policy startups connect_timeout host_timeout",
    "retries keepalive",
)
"""How to connect to a host, and how to log in to jump hosts."""

LOGIN = ON_THE_WAY | _names("ask_pass password ask_code credentials")
"""How to connect and log in to a host."""

BECOMING = _names("become become_method become_user ask_become_pass become_password")
"""Privilege escalation: the user that commands run as."""

PATIENCE = _names("timeout idle_timeout")
"""How long a command or a transfer may take."""

SESSIONS = _names("session_log")
"""The logs of sessions on devices."""

SPILLING = _names("max_spill spill_dir")
"""The files for output that does not fit into memory."""

COMMAND_OUTPUT = SPILLING | _names("max_output overflow")
"""How much a command may print."""

REPORT = _names("format only sort diff ignore prefix raw verbose")
"""How results are shown."""

PARSING = _names("parse templates")
"""How outputs are turned into rows."""

ROWS = PARSING | _names("select where group_by")
"""The rows of all hosts, and which of them are shown."""

RECORD = _names("no_history history history_runs history_days history_size")
"""How runs are kept in the history."""

_GENERAL = _names("output_dir quiet dry_run")

ALL = (INVENTORY | HOSTS | EARLIER_RUNS | FANOUT | PINGING | LOGIN | BECOMING | PATIENCE | COMMAND_OUTPUT) | (
    SESSIONS | REPORT | ROWS | RECORD | _GENERAL
)
"""Every setting."""

_ASKED = _names("ask_pass ask_code ask_become_pass ask_vault_pass")


@dataclass(frozen=True, slots=True)
class Heeded:
    """The settings that one task or one function uses.

    Attributes:
        settings: The names of these settings.
        refused: Flags that the task itself refuses, with a specific message.
        idle: Flags that the task has accepted so far although they do nothing in it. They now cause a
            warning; the next release refuses them.
        instead: The alternative to a setting that is not used, by the name of the setting.
    """

    settings: frozenset[str]
    refused: frozenset[str] = frozenset()
    idle: frozenset[str] = frozenset()
    instead: Mapping[str, str] = field(default_factory=dict)

    @property
    def accepted(self) -> frozenset[str]:
        """Names of all flags that the parser accepts, including those refused or ignored later."""
        return self.settings | self.refused | self.idle

    def idle_line(self, name: str, task: str) -> str:
        """Return the warning about a flag that does nothing in a task."""
        line = f"--{name.replace('_', '-')} does nothing in {task}; the next release refuses it"
        return f"{line}; {self.instead[name]}" if name in self.instead else line


def _of_hosts(
    settings: frozenset[str], refused: Iterable[str] = (), instead: Mapping[str, str] | None = None
) -> Heeded:
    """Return the table row of a task that has accepted every flag so far."""
    settings |= {"quiet"}
    refused = frozenset(refused)
    return Heeded(settings, refused, ALL - settings - refused, instead or {})


def _of_records(*settings: str) -> Heeded:
    """Return the table row of a history task; these tasks have always accepted only the flags they use."""
    return Heeded(frozenset((*settings, "history", "quiet")))


_TRANSFER = ALL - COMMAND_OUTPUT - ROWS
_GRAPH = "use --list, --graph or --export"

HOST_TASK = Heeded(ALL)
"""The table row of each host task."""

TASKS: Mapping[str, Heeded] = {
    "ping": _of_hosts(
        INVENTORY
        | HOSTS
        | {"failed"}
        | LIMITS
        | PINGING
        | ROUTE
        | REPORT
        | RECORD
        | {"rate", "output_dir", "dry_run"},
        refused=("resume",),
        instead={
            "timeout": "use --ping-timeout",
            "connect_timeout": "use --ping-timeout",
            "host_timeout": "use --ping-timeout and --ping-tries",
            "retries": "use --ping-tries",
            "workers": "use --rate",
            "order": "use --sort",
            "rerun_lost": "ping --failed includes hosts whose outcome is not known",
        },
    ),
    "run": HOST_TASK,
    "watch": _of_hosts(
        ALL - RECORD - SPILLING - ROWS - {"resume", "output_dir", "prefix"} | {"history"},
        refused=("resume", "output_dir", "prefix", *SPILLING),
        instead={"no_history": "nothing of watch is kept in the history"},
    ),
    "put": _of_hosts(_TRANSFER),
    "get": _of_hosts(_TRANSFER, instead=dict.fromkeys(COMMAND_OUTPUT, "use --max-size")),
    "script": HOST_TASK,
    "trust": _of_hosts(
        INVENTORY | HOSTS | FANOUT | PINGING | ON_THE_WAY | {"format", "verbose", "dry_run"},
        instead={"timeout": "use --connect-timeout"},
    ),
    "inventory": _of_hosts(INVENTORY | HOSTS, instead={"format": _GRAPH, "only": "use --hosts PATTERN"}),
    "settings": Heeded(ALL),
    "history.list": _of_records(),
    "history.show": _of_records(*INVENTORY, *REPORT, *ROWS),
    "history.prune": _of_records("history_runs", "history_days", "history_size"),
    "history.export": _of_records(),
    "diff": _of_records("ignore"),
    "report": _of_records(),
}
"""The settings that each task uses, by the name of the task on the command line."""

_RUN = (
    FANOUT
    | PINGING
    | LOGIN
    | BECOMING
    | PATIENCE
    | SESSIONS
    | COMMAND_OUTPUT
    | PARSING
    | RECORD
    | {"dry_run"}
) - _ASKED
_ELSEWHERE = {
    **dict.fromkeys(HOSTS, "choose hosts with inventory.select(pattern, limit)"),
    **dict.fromkeys(EARLIER_RUNS, "only tasks continue earlier runs: invoke run --resume, --failed"),
    **dict.fromkeys(ROWS - PARSING, "choose among results.rows, or among the rows of each result"),
    **dict.fromkeys(REPORT | {"output_dir"}, "use the results: results.folded(), results.to_dict()"),
    "quiet": "use logging.getLogger('runner').setLevel(logging.ERROR)",
    "ask_pass": "ask in the script, and give the answer as password=",
    "ask_code": "ask in the script, and give the answer as code=",
    "ask_become_pass": "ask in the script, and give the answer as become_password=",
    "ask_vault_pass": "name a file, or a program that asks, as vault_password_file= of runner.load",
}
"""The alternatives, in a script, to settings that no function uses."""

FUNCTIONS: Mapping[str, Heeded] = {
    "load": Heeded(INVENTORY - _ASKED, instead=_ELSEWHERE),
    "ping": Heeded(LIMITS | PINGING | ROUTE | RECORD | {"rate", "dry_run"}, instead=_ELSEWHERE),
    "run": Heeded(_RUN, instead=_ELSEWHERE),
    "stream": Heeded(_RUN, instead=_ELSEWHERE),
}
"""The settings that each function for scripts uses, by the name of the function."""


def check_keywords(function: str, given: Iterable[str]) -> None:
    """Refuse a keyword that a function for scripts does not use.

    Args:
        function: The name of the function.
        given: The keywords of this call.

    Raises:
        UsageError: A keyword is not a setting, or this function does not use it.
    """
    row = FUNCTIONS[function]
    for name in given:
        if name in row.settings:
            continue
        near = nearest(name, row.settings)
        if name not in ALL:
            raise UsageError(
                f"{name} is not a setting; did you mean {', '.join(near or sorted(row.settings))}?"
            )
        others = [f"runner.{other}" for other, its in FUNCTIONS.items() if name in its.settings]
        what = f"give it to {' or '.join(others)}" if others else row.instead[name]
        spelled = f"; did you mean {', '.join(near)}?" if near else ""
        raise UsageError(f"runner.{function} does not heed {name}=: {what}{spelled}")


def nearest(name: str, names: Iterable[str]) -> list[str]:
    """Return up to three names with the most similar spelling, the nearest first."""
    import difflib  # noqa: PLC0415 - only a wrong name needs it

    return difflib.get_close_matches(name, sorted(names), n=3)
