"""Fill in the tokens of `ssh_config`: `%h` and others, `~`, and `${VARIABLE}` (ssh_config(5), TOKENS)."""

from __future__ import annotations

import hashlib
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

from runner import environment
from runner.connection.ssh_config.keywords import find
from runner.connection.transport.faults import own_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from runner.text.origin import Origin

__all__ = ["Given", "Obtained", "Said", "Words"]

_TOKEN = re.compile(r"%(.?)", re.DOTALL)
_VARIABLE = re.compile(r"\$\{([^}]*)\}")


class Words(tuple[str, ...]):  # noqa: SLOT001 - a tuple cannot have slots
    """The arguments of a keyword, with the line or the variable that gives them."""

    origin: Origin

    def __new__(cls, words: Iterable[str], origin: Origin) -> Self:
        """Return the arguments with their origin."""
        made = super().__new__(cls, words)
        made.origin = origin
        return made


Said = dict[str, tuple[str, ...]]
"""Options by lower-case keyword, each with its arguments."""
Given = Mapping[str, tuple[str, ...]]
"""The same, but read-only."""


@dataclass
class Obtained:
    """The options that have been obtained for one host so far, and the values of its tokens.

    Attributes:
        name: The host name as it is given to `ssh`.
        said: The options.
        host: The name to match against `Host` lines.
        final: Whether this is the second pass, which `Match final` requests.
    """

    name: str
    said: Said
    host: str
    final: bool = False

    @property
    def address(self) -> str:
        """The name or address to connect to: the value of `HostName`, else the host's name."""
        return _fill(self.said.get("hostname", ("%h",))[0], lambda _: self.name, "h").lower()

    @property
    def user(self) -> str:
        """The login name: the value of `User`, else the name of the local user."""
        return self.said["user"][0] if "user" in self.said else own_name()

    @cached_property
    def values(self) -> Mapping[str, str]:
        """The value of each token letter; read it only after all options have been obtained."""
        said, name, here = self.said, self.name, socket.gethostname()
        values = {
            "d": os.path.expanduser("~"),  # noqa: PTH111 - asked for every host
            "h": self.address,
            "i": str(os.getuid()),
            "j": said.get("proxyjump", ("",))[0],
            "k": said.get("hostkeyalias", (name,))[0],
            "L": here.partition(".")[0],
            "l": here,
            "n": name,
            "p": said.get("port", ("22",))[0],
            "r": self.user,
        }
        hashed = "".join(values[letter] for letter in "lhpr").encode("utf-8", "surrogateescape")
        values["C"] = hashlib.sha1(hashed).hexdigest()  # noqa: S324 - OpenSSH's choice
        return values

    def _value(self, letter: str) -> str:
        return own_name() if letter == "u" else self.values[letter]

    def fill(self, option: str, text: str) -> str:
        """Return a value of an option with its tokens, `~` and variables filled in.

        Raises:
            ValueError: It holds a token that the option does not allow, or a variable that is not set.
        """
        keyword = find(option)
        if option == "hostname" or keyword is None:
            return self.address
        if keyword.path and text.lower() != "none":
            text = os.path.expanduser(text)  # noqa: PTH111 - tokens at its end are not a path
            if keyword.tokens:
                text = _VARIABLE.sub(_variable, text)
        return _fill(text, self._value, keyword.tokens)


def _fill(text: str, value_of: Callable[[str], str], taken: str) -> str:
    def value(found: re.Match[str]) -> str:
        letter = found[1]
        if letter == "%":
            return "%"
        if not letter or letter not in taken:
            raise ValueError(f"{text[:60]!r}: the token %{letter} is not allowed here")
        return value_of(letter)

    return _TOKEN.sub(value, text) if taken and "%" in text else text


def _variable(found: re.Match[str]) -> str:
    value = environment.value(found[1])
    if value is None:
        raise ValueError(f"the environment variable {found[1][:40]!r} is not set")
    return value
