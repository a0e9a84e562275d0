"""All settings of a run, in one place.

Each field of `Settings` is a flag of every task that contacts hosts, a key of the `runner:` section of
`invoke.yaml`, an environment variable `INVOKE_RUNNER_<NAME>`, and a keyword of the functions for scripts. A
flag wins over the environment, which wins over `invoke.yaml`.
"""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runner.errors import UsageError
from runner.settings.credentials import credentials
from runner.settings.flag import (
    Flag,
    between,
    one_of,
    one_of_or,
    path_list,
    paths,
    secret,
    secrets,
    setting,
    statuses,
    switch,
)
from runner.settings.heeded import nearest
from runner.settings.rows import columns, condition
from runner.text import quantities, quoted
from runner.text.ignore_patterns import ignore_patterns
from runner.text.origin import Kind, Origin

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from runner.connection.auth.named import Named
    from runner.connection.options import ConnectionOptions
    from runner.fanout import FanoutOptions
    from runner.models import Secret, Status
    from runner.reach import ReachOptions
    from runner.text.expressions import Expression

__all__ = ["Settings"]

_AUTO_WORKERS = 500
"""Maximum number of workers with `--workers auto`."""

_PARTS = frozenset({"become_method", "become_user", "become_password"})
"""Settings that are parts of the field `become_as`."""

# Settings whose field in `ConnectionOptions` has another name.
_FIELDS = {
    "private_key": "private_keys",
    "key_passphrase": "passphrases",
    "allow_inventory_commands": "allow_commands",
    "connect_timeout": "connect_timeout_s",
    "timeout": "command_timeout_s",
    "host_timeout": "host_timeout_s",
    "idle_timeout": "idle_timeout_s",
    "keepalive": "keepalive_s",
    "spill_dir": "spill_folder",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a run.

    Attributes:
        origins: The source of each given value, by the name of its field; other fields have their default.
    """

    inventory: tuple[str, ...] = setting(
        (), "inventory source: file, folder or host1,host2, (repeatable)", paths, short="i", repeatable=True
    )
    group: str = setting("all", "host pattern: routers, 'web*:!web3', 'a:&b'", short="g")
    limit: str | None = setting(None, "further restrict the hosts by this pattern", short="l")

    executor: str = setting(
        "thread", "how work is spread: serial, thread, process, dask", entries="runner.executors"
    )
    workers: int | str = setting(
        50,
        "hosts in flight at once; auto: adapts to errors and timeouts",
        one_of_or("auto", between(1, 10_000)),
    )
    spare: quantities.Share = setting(
        quantities.Share(100, percent=True),
        "extra hosts in flight while slow hosts block others: at most N, or N% of --workers; 0 disables it",
        quantities.share,
    )
    scheduler: str | None = setting(
        None, "Dask scheduler, tcp://HOST:PORT or tls://HOST:PORT; by default a cluster on this machine"
    )
    start_method: str = setting(
        "spawn", "how worker processes are started: spawn, forkserver", one_of("spawn", "forkserver")
    )
    connection: str | None = setting(
        None,
        "how to reach hosts: ssh, openssh, cli (a device's CLI), local",
        one_of("ssh", "openssh", "cli", "local"),
    )
    session_log: str | None = setting(
        None, "folder for a file per device with all that its CLI sent, passwords of logins masked"
    )
    startups: int = setting(8, "logins in progress at once at one address; 0: unlimited", between(0, 10_000))
    timeout: float = setting(300.0, "seconds for each command", quantities.seconds)
    connect_timeout: float = setting(
        10.0, "seconds for each of: TCP connect, key exchange, login, opening a channel", quantities.seconds
    )
    host_timeout: float | None = setting(None, "seconds for everything on one host", quantities.seconds)
    timeout_total: float | None = setting(
        None, "seconds for the whole run; then all hosts that still run are stopped", quantities.seconds
    )
    retries: int = setting(
        2, "retries after a temporary fault, as long as no command was sent", between(0, 100)
    )
    serial: tuple[quantities.Share, ...] = setting(
        (), "sizes of batches of hosts: 5, 20% or 1,10%,100%; stops if a whole batch fails", quantities.shares
    )
    max_fail: quantities.Share | None = setting(
        None,
        "start no more hosts (ping: stop) when more than this many, or N%, did not end ok",
        quantities.share,
    )
    max_refused: int = setting(
        5, "start no more hosts after this number of refused logins in a row; 0: never stop", quantities.count
    )
    spread: quantities.Spread | None = setting(
        None,
        "VAR[:N]: at most N hosts (default 1) in flight with the same value of this variable",
        quantities.spread,
    )
    order: str = setting(
        "inventory",
        "order in which hosts are started: inventory, reverse_inventory, sorted, reverse_sorted, shuffle",
        one_of("inventory", "reverse_inventory", "sorted", "reverse_sorted", "shuffle"),
    )
    shuffle: bool = setting(False, "the same as --order shuffle", switch)
    seed: int | None = setting(None, "number that repeats an earlier --order shuffle", quantities.count)
    repeatable: bool = setting(
        False, "repeat the job on hosts whose worker process died; it may then run twice there", switch
    )
    rate: float | None = setting(
        None, "logins started per second; for ping, packets per second; 0: unlimited", quantities.rate
    )
    no_ping: bool = setting(False, "do not ping first", switch)
    method: str = setting("auto", "how to ping: icmp, tcp, ssh, auto", one_of("icmp", "tcp", "ssh", "auto"))
    ping_timeout: float = setting(1.0, "seconds that each try of a ping waits", quantities.seconds)
    ping_tries: int = setting(2, "tries of a ping before a host counts as silent", between(1, 100))
    idle_timeout: float | None = setting(
        None, "seconds without output after which a command is ended", quantities.seconds
    )
    keepalive: float | None = setting(
        None,
        "seconds between keepalive requests to a silent server; lost after three without a reply",
        quantities.seconds,
    )
    max_output: int = setting(
        16 * 2**20,
        "most bytes of stdout, and of stderr, of a command; for more, see --overflow",
        quantities.size,
    )
    overflow: str = setting(
        "end",
        "if a command prints more than --max-output: end it, drop the rest, or spill all to a file",
        one_of("end", "drop", "spill"),
    )
    max_spill: int = setting(
        2**30,
        "most bytes of one file of --overflow spill; a command that prints more is ended",
        quantities.size,
    )
    spill_dir: str | None = setting(
        None, "folder for files of --overflow spill; default: in the user's state folder"
    )
    resume: str | None = setting(
        None, "resume a run of the history (its id, or `last`): run on the hosts that it did not reach"
    )
    failed: str | None = setting(
        None, "only the hosts that did not end ok in a run of the history (its id, or `last`)"
    )
    rerun_lost: bool = setting(
        False, "with --resume or --failed: also the hosts whose outcome is unknown", switch
    )
    playbook_dir: str | None = setting(
        None,
        "folder whose group_vars and host_vars are read, as next to a playbook; default: the current one",
    )
    vault_password_file: tuple[str, ...] = setting(
        (), "file with a vault password, or program that prints it (repeatable)", path_list, repeatable=True
    )
    vault_id: tuple[str, ...] = setting(
        (), "vault password as LABEL@FILE or LABEL@prompt (repeatable)", paths, repeatable=True
    )
    ask_vault_pass: bool = setting(False, "ask for the vault password, once, before anything starts", switch)

    no_history: bool = setting(False, "do not keep this run in the history", switch)
    dry_run: bool = setting(False, "show the hosts and commands of the run, and connect to none", switch)

    user: str | None = setting(None, "login name", short="u")
    ask_pass: bool = setting(False, "ask for the login password, once, before anything starts", switch)
    ask_code: bool = setting(
        False, "ask for the one-time code of the login, once, before anything starts", switch
    )
    private_key: tuple[str, ...] = setting(
        (), "private key file (repeatable: they are tried in order)", path_list, repeatable=True
    )
    ssh_config: str | None = setting(
        None, "ssh_config file instead of ~/.ssh/config and /etc/ssh/ssh_config; `none`: read none"
    )
    allow_inventory_commands: bool = setting(
        False, "let the inventory name programs to run here (ProxyCommand, Ansible plugins)", switch
    )
    known_hosts: tuple[str, ...] = setting(
        ("~/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts"),
        "file of known host keys (repeatable)",
        path_list,
        repeatable=True,
    )
    host_key_policy: str = setting(
        "strict", "keys of unknown hosts: strict, accept-new, off", one_of("strict", "accept-new", "off")
    )
    become: bool = setting(False, "run commands as another user, on the host", switch)
    become_method: str = setting(
        "sudo", "program that --become uses: sudo, su, doas, enable", one_of("sudo", "su", "doas", "enable")
    )
    become_user: str = setting("root", "user that commands run as with --become")
    ask_become_pass: bool = setting(
        False, "ask for the password of --become, once, before anything starts", switch
    )

    format: str = setting(
        "folded",
        "how results are shown: folded, text, table, json, jsonl, csv, junit, fping",
        entries="runner.reporters",
    )
    parse: str = setting(
        "none",
        "turn the output of devices into rows: auto, textfsm, ttp, json, none; auto with --format table",
        one_of("auto", "textfsm", "ttp", "json", "none"),
    )
    templates: str | None = setting(
        None, "folder of your own templates: PLATFORM_COMMAND.textfsm, PLATFORM_COMMAND.ttp, index"
    )
    select: tuple[str, ...] = setting((), "fields of rows to show, in order: interface,status", columns)
    where: str | None = setting(
        None, "show only rows for which this JMESPath expression is true: \"status == 'down'\"", condition
    )
    group_by: str | None = setting(None, "count the rows by the values of this field")
    only: tuple[Status, ...] = setting(
        (),
        "show only hosts with these statuses: failed,unreachable; not-ok: all but ok (repeatable)",
        statuses,
        repeatable=True,
    )
    sort: str | None = setting(
        None,
        "show hosts at the end, sorted by: name, status, duration",
        one_of("name", "status", "duration"),
    )
    diff: bool = setting(
        False, "folded: show the other answers as differences from the most common one", switch
    )
    ignore: tuple[Expression, ...] = setting(
        (),
        "folded: ignore text that matches this regular expression in comparisons (repeatable)",
        ignore_patterns,
        repeatable=True,
    )
    prefix: bool = setting(False, "text: begin every line with its host", switch)
    raw: bool = setting(
        False, "folded, text: print output unchanged; hosts can then control the terminal", switch
    )
    output_dir: str | None = setting(None, "also write each host's output to a file in this folder")
    quiet: bool = setting(False, "print no progress and no warnings", switch, short="q")
    verbose: bool = setting(False, "show more about each host, and the settings in force", switch, short="v")

    history: str | None = setting(
        None, "file of the history database; by default in the user's state folder", on_command_line=False
    )
    history_runs: int = setting(
        1000, "the most runs that the history keeps", quantities.count, on_command_line=False
    )
    history_days: int = setting(
        90, "days that the history keeps a run", quantities.count, on_command_line=False
    )
    history_size: int = setting(
        2**30, "the most bytes that the history keeps", quantities.size, on_command_line=False
    )
    password: Secret | None = setting(None, "login password", secret, on_command_line=False)
    become_password: Secret | None = setting(None, "password of --become", secret, on_command_line=False)
    code: Secret | None = setting(None, "one-time code of the login", secret, on_command_line=False)
    key_passphrase: tuple[Secret, ...] = setting(
        (), "passphrase of private keys, or a list of them", secrets, on_command_line=False
    )
    credentials: tuple[Named, ...] = setting(
        (),
        "more credentials, in this order: a list of {user, password: env:NAME or file:PATH, private_key}",
        credentials,
        on_command_line=False,
        is_shown=False,
    )
    origins: Mapping[str, Origin] = field(default_factory=dict)

    @property
    def given(self) -> frozenset[str]:
        """Names of the settings that were given for this run; these win over the variables of hosts."""
        return frozenset(name for name, origin in self.origins.items() if origin.is_of_this_run)

    def is_named(self, name: str) -> bool:
        """Return whether the operator gave a setting by a flag, a keyword or a variable, not in a file."""
        origin = self.origins.get(name)
        named = (Kind.ENVIRONMENT, Kind.ANSIBLE_ENVIRONMENT)
        return origin is not None and (origin.is_of_this_run or origin.kind in named)

    @classmethod
    def flags(cls) -> dict[str, Flag]:
        """Return the flag of each setting by the setting's name, in the order of the help."""
        return {
            item.name: item.metadata["flag"] for item in dataclasses.fields(cls) if "flag" in item.metadata
        }

    @classmethod
    def resolve(
        cls,
        given: Mapping[str, Any],
        configured: Mapping[str, Any] | None = None,
        origins: Mapping[str, Origin] | None = None,
        *,
        by: Kind = Kind.FLAG,
    ) -> Settings:
        """Merge the values given for this run with the configured ones; the given ones win.

        Args:
            given: Flags, or a script's keywords, by setting name; None or an empty list means not given.
            configured: The `runner:` section of the configuration, environment included.
            origins: The source of each configured value; a value without one comes from a file.
            by: Whether `given` holds flags or keywords.

        Raises:
            UsageError: A name is not known or a value cannot be read.
        """
        flags = cls.flags()
        chosen = {name: value for name, value in given.items() if value not in (None, [], ())}
        values: dict[str, Any] = {}
        known: dict[str, Origin] = {}
        for name, value in (configured or {}).items():
            if value is not None and name in flags:
                values[name] = _read(flags[name], f"runner.{name}", value)
                known[name] = (origins or {}).get(name) or Origin(Kind.FILE, name)
            elif name not in flags:
                raise _unknown(f"runner.{name}", name, flags)
        for name, value in chosen.items():
            if name not in flags:
                raise _unknown(name, name, flags)
            dashed = "--" + name.replace("_", "-")
            values[name] = _read(flags[name], dashed, value)
            known[name] = Origin(by, dashed if by is Kind.FLAG else name)
        return cls(**values, origins=known)

    def heeding(self, names: Collection[str]) -> Settings:
        """Return the settings, with configured values outside these names reset to their defaults.

        A value given for this run stays: the task refuses such a flag with a specific message.
        """
        others = {
            name: flag.default
            for name, flag in self.flags().items()
            if name in self.origins and name not in names and name not in self.given
        }
        origins = {name: origin for name, origin in self.origins.items() if name not in others}
        return dataclasses.replace(self, **others, origins=origins) if others else self

    def answered(self, name: str, secret: Secret) -> Settings:
        """Return the settings with the answer to a question; it wins over the variables of hosts."""
        origins = {**self.origins, name: Origin(Kind.ANSWER, name)}
        return dataclasses.replace(self, origins=origins, **{name: secret})  # type: ignore[arg-type]

    @property
    def most_workers(self) -> int:
        """Maximum number of hosts in flight at once."""
        return _AUTO_WORKERS if self.workers == "auto" else int(self.workers)

    def connection_options(self) -> ConnectionOptions:
        """Return the options for connections."""
        from runner.connection.command.become import Become  # noqa: PLC0415
        from runner.connection.options import SSH_CONFIG, ConnectionOptions, HostKeyPolicy, Overflow  # noqa: PLC0415

        return ConnectionOptions(
            user=self.user,
            password=self.password,
            private_keys=self.private_key,
            credentials=self.credentials,
            passphrases=self.key_passphrase,
            code=self.code,
            ssh_config=SSH_CONFIG if self.ssh_config is None else _file(self.ssh_config),
            allow_commands=self.allow_inventory_commands,
            known_hosts=self.known_hosts,
            host_key_policy=HostKeyPolicy(self.host_key_policy),
            connect_timeout_s=self.connect_timeout,
            command_timeout_s=self.timeout,
            host_timeout_s=self.host_timeout,
            idle_timeout_s=self.idle_timeout,
            keepalive_s=self.keepalive,
            max_output=self.max_output,
            overflow=Overflow(self.overflow),
            spill_folder=self.spill_dir or (_spill_folder() if self.overflow == "spill" else None),
            max_spill=self.max_spill,
            retries=self.retries,
            connection=self.connection,
            session_log=None if self.session_log is None else _file(self.session_log),
            startups=self.startups,
            become=self.become,
            become_as=Become(self.become_method, self.become_user, self.become_password),
            origins=self._origins_of(ConnectionOptions),
        )

    def _outranks(self, name: str, other: str) -> bool:
        """Return whether the origin of a setting wins over the origin of another setting."""
        mine, theirs = (self.origins.get(each) for each in (name, other))
        return mine is not None and theirs is not None and mine.rank < theirs.rank

    def _origins_of(self, options: type) -> dict[str, Origin]:
        """Return the origins of the fields of an options class and of the parts of `become_as`."""
        fields = {item.name for item in dataclasses.fields(options)} | _PARTS
        named = {_FIELDS.get(name, name): origin for name, origin in self.origins.items()}
        return {name: origin for name, origin in named.items() if name in fields}

    def reach(self) -> ReachOptions:
        """Return the options for pings before a job."""
        from runner.reach import ReachOptions  # noqa: PLC0415

        return ReachOptions(method=self.method, timeout_s=self.ping_timeout, tries=self.ping_tries)

    def pinging(self) -> ReachOptions:
        """Return the options for the task `ping`: the limits of the fan-out apply to the pings."""
        options = dataclasses.replace(self.reach(), total_s=self.timeout_total, max_fail=self.max_fail)
        return options if self.rate is None else dataclasses.replace(options, rate=self.rate)

    def fanout(self) -> FanoutOptions:
        """Return the options for the fan-out."""
        from runner.fanout import FanoutOptions  # noqa: PLC0415

        return FanoutOptions(
            executor=self.executor,
            workers=self.most_workers,
            adaptive=self.workers == "auto",
            spare=self.spare,
            executor_settings={"scheduler": self.scheduler, "start_method": self.start_method},
            rate=self.rate or None,
            batches=self.serial,
            max_fail=self.max_fail,
            max_refused=self.max_refused,
            ping=not self.no_ping,
            order="shuffle" if self.shuffle and not self._outranks("order", "shuffle") else self.order,
            seed=self.seed,
            spread=self.spread,
            total_s=self.timeout_total,
            repeatable=self.repeatable,
        )


def _spill_folder() -> str:
    from platformdirs import user_state_path  # noqa: PLC0415 - not needed to list tasks

    return str(user_state_path("invoke-runner") / "spill")


def _read(flag: Flag, name: str, value: Any) -> Any:
    try:
        return flag.read(value)
    except (ValueError, TypeError) as exc:
        shown = "" if flag.is_secret else f" {quoted(value)}"
        raise UsageError(f"{name}{shown}: {exc}") from exc


def _file(path: str) -> str | None:
    """Return the expanded path of a named file; None for `none`."""
    return None if path.lower() == "none" else os.path.expanduser(path)  # noqa: PTH111 - keeps an unknown `~user`


def _unknown(shown: str, name: object, flags: Mapping[str, Flag]) -> UsageError:
    near = nearest(str(name), flags) or sorted(flags)
    return UsageError(f"{shown} is not a setting; did you mean {', '.join(near)}?")
