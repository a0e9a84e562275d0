"""The tokens of `ssh_config`: `%h` and its like, `~`, and `${VARIABLE}` (ssh_config(5), TOKENS)."""

from __future__ import annotations

import getpass
import hashlib
import os
import re
import socket
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Tokens"]

_PATHS = frozenset(
    {
        "identityfile",
        "certificatefile",
        "identityagent",
        "userknownhostsfile",
        "globalknownhostsfile",
        "revokedhostkeys",
    }
)
_WITHOUT_TOKENS = frozenset({"globalknownhostsfile", "revokedhostkeys"})
# Which tokens each kind of option takes, as in OpenSSH's `percent_dollar_expand` calls.
_TAKEN = {
    "hostname": "h",
    "proxyjump": "hnpr",
} | dict.fromkeys(_PATHS - _WITHOUT_TOKENS, "CdhijkLlnpru")
_TOKEN = re.compile(r"%(.?)", re.DOTALL)
_COMMAND = "Chijklnpru"
_TARGET = re.compile(r"(\[?%h\]?:%p)")
_VARIABLE = re.compile(r"\$\{([^}]*)\}")


class Tokens:
    """What the tokens stand for with one host, by their letters.

    Args:
        said: What was said of it, by lower-case keyword.
        name: The host, as one writes it behind `ssh`.
    """

    def __init__(self, said: Mapping[str, tuple[str, ...]], name: str) -> None:
        self._said = said
        self._name = name

    @cached_property
    def values(self) -> Mapping[str, str]:
        """What each letter stands for; most hosts have none, and need none of it."""
        said, name = self._said, self._name
        user = getpass.getuser()
        here = socket.gethostname()
        host = self._host()
        values = {
            "d": os.path.expanduser("~"),  # noqa: PTH111 - asked for every host
            "h": host,
            "i": str(os.getuid()),
            "j": said.get("proxyjump", ("",))[0],
            "k": said.get("hostkeyalias", (name,))[0],
            "L": here.partition(".")[0],
            "l": here,
            "n": name,
            "p": said.get("port", ("22",))[0],
            "r": said.get("user", (user,))[0],
            "u": user,
        }
        parts = [values["l"], host, values["p"], values["r"]]
        values["C"] = hashlib.sha1("".join(parts).encode("utf-8", "surrogateescape")).hexdigest()  # noqa: S324 - OpenSSH's
        return values

    def _host(self) -> str:
        written = self._said.get("hostname", ("%h",))[0]
        return _fill(written, lambda _: self._name, "h").lower()

    def fill(self, option: str, text: str) -> str:
        """Return the value of an option with its tokens filled in.

        Raises:
            ValueError: It holds a token that the option does not take, or names a variable that is not set.
        """
        if option == "hostname":
            return self._host()
        if option not in _TAKEN and option not in _PATHS:
            return text
        if option in _PATHS and text.lower() != "none":
            text = os.path.expanduser(text)  # noqa: PTH111 - it may end in tokens that are no path
        if option in _PATHS - _WITHOUT_TOKENS:
            text = _VARIABLE.sub(_variable, text)
        return _fill(text, self._value, _TAKEN.get(option, ""))

    def _value(self, letter: str) -> str:
        return self.values[letter]

    def command(self, text: str) -> str:
        """Return a `ProxyCommand` with its tokens filled in.

        Raises:
            ValueError: It holds a token that it does not take.
        """
        return _fill(text, self._value, _COMMAND)

    def but_target(self, text: str) -> str:
        """Return it with `%h:%p` as it is written, by which one knows a jump host.

        Raises:
            ValueError: It holds a token that it does not take.
        """
        parts = _TARGET.split(text)
        return "".join(part if place % 2 else self.command(part) for place, part in enumerate(parts))


def _fill(text: str, value_of: Callable[[str], str], taken: str) -> str:
    def value(found: re.Match[str]) -> str:
        letter = found[1]
        if letter == "%":
            return "%"
        if not letter or letter not in taken:
            raise ValueError(f"{text[:60]!r}: %{letter} stands for nothing here")
        return value_of(letter)

    return _TOKEN.sub(value, text) if taken and "%" in text else text


def _variable(found: re.Match[str]) -> str:
    value = os.environ.get(found[1])
    if value is None:
        raise ValueError(f"the variable {found[1][:40]!r} is not set")
    return value
