"""Read the log that `ssh` writes while it connects, and translate it into the errors of a result.

The log level is DEBUG1, whose lines say how far `ssh` has come. The log has a separate pipe: a server's
banner, which `ssh` prints unchanged, does not get there, and text from the server is marked and in one line.
"""

from __future__ import annotations

import errno
import re
from typing import TYPE_CHECKING

from runner.connection.auth.login import cut_off
from runner.errors import HostKeyRejected, LoginRefused, Unreachable
from runner.models import Phase
from runner.text import excerpt

if TYPE_CHECKING:
    from runner.errors import HostError

__all__ = ["Journal"]

_MOST_LINES = 400
_KNOWN = re.compile(r"^debug1: Will attempt key: (.* SHA256:\S+)")
_OFFERED = re.compile(r"^debug1: Offering public key: (.* SHA256:\S+)")
_METHOD = re.compile(r"^debug1: Next authentication method: (\S+)")
_LONGEST_LINE = 4000
_PLACE = re.compile(
    r"(?:Connection to |Connecting to |with |from |by )?(?<!\S)\S++ (?:\[\S++(?<=\]) )?port \d+:? ?"
    r"|^[^\s@]+@\S++(?<=:) "
)

# Each line begins the phase next to it.
_STEPS = (
    ("debug1: Local version string ", Phase.HANDSHAKE),
    ("debug1: SSH2_MSG_NEWKEYS received", Phase.LOGIN),
    ("debug1: Entering interactive session", Phase.CHANNEL),
)

# Part of the system's error text, which `ssh` prints, and its number.
_CONNECT = {
    "refused": errno.ECONNREFUSED,
    "No route": errno.EHOSTUNREACH,
    "unreachable": errno.ENETUNREACH,
    "timed out": errno.ETIMEDOUT,
    "ermi": errno.EACCES,
    "reset": errno.ECONNRESET,
    "nvalid argument": errno.EINVAL,
}


class Journal:
    """The log of one `ssh`.

    Args:
        user: The user who logs in, for messages.

    Attributes:
        user: The user who logs in.
        lines: The lines so far, except debug lines beyond a limit.
        phase: How far `ssh` has come; `CHANNEL` means logged in.
        offered: Whether any key has been offered.
        signalled: Whether the command under way was ended by a signal.
        sending: Whether a command has been sent since this was last cleared.
    """

    def __init__(self, user: str) -> None:
        self.phase = Phase.CONNECT
        self.signalled = False
        self.offered = False
        self.sending = False
        self.user = user
        self.lines: list[str] = []
        self._left = b""

    def take(self, data: bytes) -> None:
        """Add data that `ssh` wrote."""
        *lines, self._left = (self._left + data).split(b"\n")
        self._left = self._left[-_LONGEST_LINE:]
        for line in lines:
            self._note(line[:_LONGEST_LINE].decode("utf-8", "replace").rstrip("\r"))

    def failure(self) -> HostError:
        """Return why the login failed, as far as the log says."""
        for pattern, meaning in _MEANINGS:
            for line in reversed(self.lines):
                match = pattern.search(line)
                if match is not None:
                    return meaning(self, match)
        return self.ended(self._last())

    def heard_banner(self) -> bool:
        """Return whether the server has sent its SSH version."""
        return any("Remote protocol version" in line for line in self.lines)

    def server(self) -> str:
        """Return the server's version line; empty before it has come."""
        name = self.last("remote software version ")
        return f"SSH-2.0-{name}" if name else ""

    def preamble(self) -> str:
        """Return what the server sent in place of its banner."""
        found = (re.search(r"banner line \d+: (.*)", line) for line in self.lines)
        return " ".join(match[1] for match in found if match is not None)

    def last(self, after: str) -> str | None:
        """Return the text after some words in the last line that holds these words."""
        found = [line.partition(after)[2] for line in self.lines if after in line]
        return found[-1] if found else None

    def found(self, pattern: re.Pattern[str]) -> list[str]:
        """Return the pattern's first group from each line that matches, without repetitions."""
        matches = map(pattern.search, self.lines)
        return list(dict.fromkeys(match[1] for match in matches if match is not None))

    def tried(self) -> str:
        """Return the part of a message that lists the tried keys and methods; empty if there were none."""
        methods = [name for name in self.found(_METHOD) if name != "publickey"]
        names = [excerpt(name) for name in (*self.found(_OFFERED), *methods)]
        return f"; tried: {', '.join(names)}" if names else ""

    def _note(self, line: str) -> None:
        if "rtype exit-signal" in line:
            self.signalled = True
        elif line.startswith("debug1: Sending "):
            self.sending = True
        elif line.startswith("debug1: Offering public key"):
            self.offered = True
        for begin, phase in _STEPS:
            if line.startswith(begin):
                self.phase = phase
        if len(self.lines) < _MOST_LINES or not line.startswith("debug1: "):
            self.lines = [*self.lines[-_MOST_LINES:], line]

    def _last(self) -> str:
        said = [line for line in self.lines if line.strip() and not line.startswith("debug1: ")]
        return excerpt(_PLACE.sub("", said[-1])) if said else "ssh ended without a message"

    def ended(self, words: str) -> HostError:
        """Return the error of a connection that ended, by the phase that it had reached."""
        if self.phase is Phase.CONNECT:
            return Unreachable(words, reason="connect-failed", phase=Phase.CONNECT)
        if self.phase is Phase.HANDSHAKE and not self.heard_banner():
            return self._no_banner()
        if self.phase is Phase.HANDSHAKE:
            text, reason = f"key exchange failed: {words}", "kex-failed"
        else:
            text, reason = f"the connection ended during login as {self.user}: {words}", "closed-in-login"
        return Unreachable(text, reason=reason, phase=self.phase, transient=True)

    def _no_banner(self) -> HostError:
        heard = self.preamble()
        phase = Phase.HANDSHAKE
        if not heard:
            text = "closed the connection without an SSH banner"
            return Unreachable(text, reason="closed-early", phase=phase, transient=True)
        busy = "MaxStartups" in heard or "Not allowed at this time" in heard
        text = f"no SSH banner, but {excerpt(heard, 80)!r}"
        return Unreachable(text, reason="busy" if busy else "no-banner", phase=phase, transient=busy)


def _not_found(_journal: Journal, match: re.Match[str]) -> HostError:
    passing = "emporary" in match[1]
    text = f"name not found: {excerpt(match[1])}"
    return Unreachable(text, reason="name-not-found", phase=Phase.RESOLVE, transient=passing)


def _not_connected(_journal: Journal, match: re.Match[str]) -> HostError:
    from runner.reach.reasons import of_connect  # noqa: PLC0415 - only if a connection fails

    for part, number in _CONNECT.items():
        if part in match[1]:
            reason, text, passing = of_connect(number)
            return Unreachable(text, reason=reason, phase=Phase.CONNECT, transient=passing)
    return Unreachable(excerpt(match[1]), reason="connect-failed", phase=Phase.CONNECT)


def _bad_banner(_journal: Journal, match: re.Match[str]) -> HostError:
    return Unreachable(f"no SSH banner: {excerpt(match[1])}", reason="no-banner", phase=Phase.HANDSHAKE)


def _ssh1(_journal: Journal, _match: re.Match[str]) -> HostError:
    return Unreachable("speaks only SSH 1, which is not safe", reason="ssh1", phase=Phase.HANDSHAKE)


def _nothing_in_common(_journal: Journal, match: re.Match[str]) -> HostError:
    part, option = _OPTIONS.get(match[1], (match[1], None))
    offer = excerpt(match[2].replace(",", ", "))
    text = f"no {part} algorithm in common; the server offers only {offer}"
    if option is not None:
        first = excerpt(match[2].partition(",")[0], 60)
        text += f" (to use one anyway: ansible_ssh_extra_args: '-o {option}=+{first}')"
    return Unreachable(text, reason="no-common-algorithm", phase=Phase.HANDSHAKE)


_OPTIONS = {
    "key exchange method": ("key exchange", "KexAlgorithms"),
    "host key type": ("host key", "HostKeyAlgorithms"),
    "cipher": ("cipher", "Ciphers"),
    "MAC": ("mac", "MACs"),
}


def _rejected(journal: Journal, _match: re.Match[str]) -> HostError:
    said = "\n".join(journal.lines)
    shown = re.search(r"Server host key: (\S+ \S+)", said)
    where = [
        line.rpartition("key in ")[2]
        for line in journal.lines
        if "key in " in line and ("Offending " in line or "Revoked " in line)
    ]
    key = excerpt(shown[1]) if shown else "one that ssh did not name"
    place = excerpt(where[-1]) if where else "the known_hosts files"
    if "REVOKED" in said or "revoked" in said:
        text, reason = f"the host key is revoked in {place}: {key}", "hostkey-revoked"
    elif "IDENTIFICATION HAS CHANGED" in said or "has changed and you have requested" in said:
        reason = "hostkey-changed"
        text = f"the host key is not the one on record in {place}: it shows {key}"
    else:
        text, reason = f"the host key is not known: {key}", "hostkey-unknown"
    return HostKeyRejected(f"{text}; see `runner trust`", reason=reason, phase=Phase.HANDSHAKE)


def _refused(journal: Journal, match: re.Match[str]) -> HostError:
    methods = f"; the server accepts: {excerpt(match[1].replace(',', ', '))}" if match[1] else ""
    text = f"login as {journal.user} refused{journal.tried()}{methods}"
    return LoginRefused(text, reason="login-refused", phase=Phase.LOGIN)


def _too_many(journal: Journal, _match: re.Match[str]) -> HostError:
    offered, known = len(journal.found(_OFFERED)), len(journal.found(_KNOWN))
    text = f"login as {journal.user} refused{journal.tried()}{cut_off(offered, known)}"
    if offered >= known:
        text += "; the server says: too many authentication failures"
    return LoginRefused(text, reason="login-refused", phase=Phase.LOGIN)


def _disconnected(journal: Journal, match: re.Match[str]) -> HostError:
    return journal.ended(excerpt(match[1]))


def _bad_option(_journal: Journal, match: re.Match[str]) -> HostError:
    return Unreachable(f"ssh: {excerpt(match[1])}", reason="bad-ssh-config", phase=Phase.CONNECT)


# The first match in this order says most; a server's own text cannot imitate any of these lines.
_MEANINGS = (
    (re.compile(r"^(?:command-line|\S+): line \d+: (.*)|terminating, (\d+ bad configuration)"), _bad_option),
    (re.compile(r"^ssh: Could not resolve hostname [^:]*: (.*)"), _not_found),
    (re.compile(r"^ssh: connect to host \S+ port \d+: (.*)"), _not_connected),
    (re.compile(r"^Host key verification failed"), _rejected),
    (
        re.compile(r"^Unable to negotiate with .*: no matching (.*) found\. Their offer: (.*)"),
        _nothing_in_common,
    ),
    (re.compile(r"^Protocol major versions differ"), _ssh1),
    (
        re.compile(r"^kex_exchange_identification: (banner line (?:contains|too long).*|No SSH version.*)"),
        _bad_banner,
    ),
    (re.compile(r"^Received disconnect from .*Too many authentication failures"), _too_many),
    (re.compile(r"Permission denied(?: \(([^)]*)\))?"), _refused),
    (re.compile(r"^Received disconnect from .*?:\d+: (.*)"), _disconnected),
)
