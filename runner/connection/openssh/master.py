"""An `ssh` that holds one connection, over which commands run one after the other (ssh(1), -M).

It uses a folder that only its user may enter. A shell watches over it: if this program is killed, its pipe
to the shell closes and the shell kills `ssh`. The processes that `ssh` starts for a jump host end with it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from runner.connection.auth.credentials import credentials
from runner.connection.auth.login import quoted_banner
from runner.connection.command.pump import Pump, end
from runner.connection.command.timeouts import late
from runner.connection.openssh.askpass import Askpass
from runner.connection.openssh.command_line import config, master, passwords
from runner.connection.openssh.journal import Journal
from runner.connection.transport.handshake import no_answer
from runner.environment import of_child
from runner.errors import HostError, LocalFault, LoginRefused, Unreachable, run_stopped
from runner.models import Phase
from runner.text import excerpt

if TYPE_CHECKING:
    from runner.connection.deadline import Deadline
    from runner.connection.target.access import LoginTarget

__all__ = ["Master"]

# `ssh` must not get the shell's standard input, by which the shell knows that this program is alive.
_LEASH = 'exec 3<&0; "$@" </dev/null 3<&- & exec 2>&-; read -r _ <&3; kill -9 "$!"'
# A socket's path may have 104 bytes (unix(7); BSD's limit is the shortest), of which `ssh` takes 17 for a
# temporary one.
_LONGEST_FOLDER = 104 - 17 - len("/runner-12345678/socket") - 1
_SAID = 4096


class Master:
    """The connection.

    Args:
        access: How to reach and log in to the host.
        alias: The host as the user's `ssh_config` knows it.
        extra: More options for `ssh`, by name.
        deadline: The host's deadline.

    Attributes:
        pump: Serves its pipes, and those of the commands.
        journal: The log that `ssh` writes.
        socket: Path of the socket by which the connection is shared.
    """

    def __init__(
        self, access: LoginTarget, alias: str, extra: tuple[tuple[str, str], ...], deadline: Deadline
    ) -> None:
        self.journal = Journal(access.login.user)
        self.pump = Pump()
        self._target = access
        self._deadline = deadline
        self._folder = Path(_private_folder())
        self.socket = str(self._folder / "socket")
        self._askpass: Askpass | None = None
        self._log = -1
        self._stderr = b""
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False
        try:
            self._start(alias, extra)
            self._log_in()
        except BaseException:
            self.close()
            raise

    def _start(self, alias: str, extra: tuple[tuple[str, str], ...]) -> None:
        command = master(self._target, alias, self._folder, extra)
        (self._folder / "config").write_bytes(os.fsencode(config(self._target)))
        os.mkfifo(self._folder / "log", 0o600)
        self._log = os.open(self._folder / "log", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        environment = of_child(LC_ALL="C")
        login = self._target.login
        if passwords(self._target) or login.code or login.passphrases:
            place = f"{self._deadline.run} {self._target.endpoint}"
            self._askpass = Askpass(self._folder, login, alias, place)
            environment.update(self._askpass.environment())
            self.pump.read(self._askpass.questions, self._askpass.take)
        if shutil.which("ssh") is None:
            raise Unreachable(
                "ansible_connection: openssh needs the ssh program, which is not installed",
                reason="no-ssh",
                phase=Phase.CONNECT,
            )
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", _LEASH, "sh", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        assert self._process.stderr is not None  # noqa: S101 - a pipe was asked for
        self.pump.read(self._log, self.journal.take)
        self.pump.read(self._process.stderr.fileno(), self._hear)

    def alive(self) -> bool:
        """Return whether `ssh` still runs, as far as is known."""
        return self._process is not None and self.pump.reads(self._error())

    def was_sending(self) -> bool:
        """Return whether a command has been sent since the last request, reading the whole log first."""
        while self.pump.wait(0):
            pass
        return self.journal.sending

    def stop(self) -> None:
        """End the connection because the run is stopped; called from another thread."""
        self._stopped = True
        self.kill()

    def kill(self) -> None:
        """End `ssh` at once; its last output can still be read."""
        if self._process is not None:
            end(self._process)

    def close(self) -> None:
        """End `ssh`, close its pipes and remove its folder."""
        self.kill()
        if self._process is not None:
            for pipe in (self._process.stdin, self._process.stderr):
                if pipe is not None:
                    self.pump.forget(pipe.fileno())
                    pipe.close()
            self._process.wait()
            self._process = None
        if self._askpass is not None:
            self._askpass.close()
            self._askpass = None
        if self._log >= 0:
            os.close(self._log)
            self._log = -1
            self.pump.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _error(self) -> int:
        assert self._process is not None  # noqa: S101 - called only while it runs
        assert self._process.stderr is not None  # noqa: S101
        return self._process.stderr.fileno()

    def _hear(self, data: bytes) -> None:
        self._stderr = (self._stderr + data)[-_SAID:]

    def _log_in(self) -> None:
        """Wait until the user is logged in, with a time limit for each step."""
        seconds = self._target.options.connect_timeout_s
        phase, begun = self.journal.phase, time.monotonic()
        with self._deadline.guard(None, self.stop):
            while self.journal.phase is not Phase.CHANNEL:
                left, by_host = self._deadline.sooner(begun + seconds - time.monotonic())
                alive = self.alive()  # asked first: a stop is noted before it ends `ssh`
                if self._stopped:
                    raise run_stopped(phase)
                if self._askpass is not None and self._askpass.refusal is not None:
                    raise self._askpass.refusal
                if not alive:
                    raise self._failure()
                if left is not None and left <= 0:
                    raise self._late(phase, seconds, by_host=by_host)
                self.pump.wait(left)
                if self.journal.phase is not phase:
                    phase, begun = self.journal.phase, time.monotonic()
        if self._askpass is not None:  # nothing more is asked, and the secrets are dropped
            self.pump.forget(self._askpass.questions)
            self._askpass.close()
            self._askpass = None

    def _failure(self) -> HostError:
        while self.pump.wait(0):
            pass
        failure = self.journal.failure()
        if failure.phase is Phase.LOGIN:  # `ssh` has printed the server's banner on standard error
            failure.args = (f"{failure}{quoted_banner(self._stderr.decode('utf-8', 'replace'))}",)
        if b"No user exists for uid" in self._stderr:
            text = f"ssh: {excerpt(self._stderr.strip())}; use ansible_connection: ssh, or add the user"
            return LocalFault(text, reason="no-user-name", phase=Phase.CONNECT)
        login = self._target.login
        if isinstance(failure, LoginRefused):
            unusable = self._unusable_keys()
            if unusable and not self._asked_for_anything():
                return unusable[0]
            failure.args = (f"{failure}{''.join(f'; {exc}' for exc in unusable)}",)
        if isinstance(failure, LoginRefused) and not self._asked_for_anything():
            text = f"nothing to log in with as {login.user} (--private-key, ssh-add, --ask-pass); {failure}"
            return LoginRefused(text, reason="no-credential", phase=Phase.LOGIN)
        if failure.reason == "connect-failed" and self._stderr.strip():
            lines = [line for line in self._stderr.splitlines() if line.strip()]
            return Unreachable(f"ssh: {excerpt(lines[-1])}", reason="connect-failed", phase=Phase.CONNECT)
        return failure

    def _unusable_keys(self) -> list[LoginRefused]:
        """Return why `ssh` cannot use the named keys: `ssh` itself does not say it."""
        login = self._target.login
        unusable: list[LoginRefused] = []
        if any(each.is_key for each in login.named):
            list(credentials(login, login.user, unusable))
        # `ssh` may support a key that Paramiko does not.
        return [exc for exc in unusable if exc.reason != "key-unsupported"]

    def _asked_for_anything(self) -> bool:
        return self.journal.offered or self._askpass is not None

    def _late(self, phase: Phase, seconds: float, *, by_host: bool) -> HostError:
        if by_host or phase is Phase.LOGIN:
            return late(phase, seconds, self._target.options, by_host=by_host)
        if phase is Phase.HANDSHAKE:
            heard_banner = self.journal.heard_banner()
            return no_answer(seconds, self.journal.preamble(), heard_banner=heard_banner)
        return Unreachable(f"no reply within {seconds:g} s", reason="no-reply", phase=phase, transient=True)


def _private_folder() -> str:
    """Make a folder that only we may enter, with a short name."""
    usual = (os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir(), "/tmp")  # noqa: S108 - made private
    for base in usual:
        if base and len(os.fsencode(base)) <= _LONGEST_FOLDER and os.access(base, os.W_OK):
            return tempfile.mkdtemp(prefix="runner-", dir=base)
    raise Unreachable(
        f"no folder for the socket of ssh: of {', '.join(filter(None, usual))} none is short and writable",
        reason="no-socket",
        phase=Phase.CONNECT,
    )
