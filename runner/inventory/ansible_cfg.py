"""What Ansible's own configuration says and we honour, below our settings: `ansible.cfg` and `ANSIBLE_…`.

The file is sought where Ansible seeks it ("Ansible Configuration Settings"): `$ANSIBLE_CONFIG`, the
current folder unless everybody may write to it, `~/.ansible.cfg`, `/etc/ansible/ansible.cfg`. The environment
wins over the file.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.errors import UsageError
from runner.origin import Kind, Origin

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["HONOURED", "AnsibleDefaults", "Honoured", "ansible_defaults"]

_TRUE = frozenset({"yes", "true", "on", "1", "y", "t"})
_FALSE = frozenset({"no", "false", "off", "0", "n", "f"})


class AnsibleDefaults(NamedTuple):
    """The part of Ansible's configuration that we honour.

    Attributes:
        values: The value of each of our settings that it gives.
        origins: Where each value comes from.
        path: The file that was read.
        ignored: A file that was not read, because everybody may write to the folder that it lies in.
    """

    values: Mapping[str, Any]
    origins: Mapping[str, Origin]
    path: str | None = None
    ignored: str | None = None


def ansible_defaults(
    environment: Mapping[str, str] | None = None, folder: str | None = None
) -> AnsibleDefaults:
    """Read Ansible's configuration.

    Args:
        environment: Environment variables; the process's own where None.
        folder: The current folder.

    Raises:
        UsageError: The file cannot be read, or a value is not what it should be.
    """
    environment = os.environ if environment is None else environment
    folder = os.getcwd() if folder is None else folder  # noqa: PTH109
    path, ignored = _find(environment, folder)
    read = _Values(_defaults_section(path), environment, path, folder)
    found = {each: each.read(read, each.key, each.variable) for each in HONOURED}
    said = {each: value for each, value in found.items() if value not in (None, ())}
    return AnsibleDefaults(
        {each.setting: value for each, value in said.items()},
        {each.setting: read.origin(each.key, each.variable) for each in said},
        path,
        ignored,
    )


def _find(environment: Mapping[str, str], folder: str) -> tuple[str | None, str | None]:
    """Return the file that counts, and the one that was passed over."""
    ignored = None
    if named := environment.get("ANSIBLE_CONFIG"):
        named = os.path.join(folder, os.path.expanduser(named))  # noqa: PTH111, PTH118
        named = os.path.join(named, "ansible.cfg") if os.path.isdir(named) else named  # noqa: PTH112, PTH118
        if os.path.exists(named):  # noqa: PTH110
            return named, None
    here = os.path.join(folder, "ansible.cfg")  # noqa: PTH118
    if os.path.exists(here):  # noqa: PTH110
        if not os.stat(folder).st_mode & stat.S_IWOTH:  # noqa: PTH116
            return here, None
        ignored = here
    home = environment.get("HOME")
    for path in (f"{home}/.ansible.cfg" if home else "", "/etc/ansible/ansible.cfg"):
        if path and os.path.exists(path):  # noqa: PTH110
            return path, ignored
    return None, ignored


def _defaults_section(path: str | None) -> Mapping[str, str]:
    """Read the section `[defaults]`."""
    if path is None:
        return {}
    import configparser  # noqa: PLC0415 - few have such a file

    parser = configparser.RawConfigParser(inline_comment_prefixes=(";",), strict=False)
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            parser.read_file(file, path)
        return dict(parser.items("defaults")) if parser.has_section("defaults") else {}
    except (OSError, UnicodeDecodeError, configparser.Error) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else " ".join(str(exc).split())
        raise UsageError(f"{path}: cannot be read: {reason}") from exc


class _Values:
    """Reads settings, from the environment or else from the file."""

    def __init__(
        self, section: Mapping[str, str], environment: Mapping[str, str], path: str | None, folder: str
    ) -> None:
        self._section = section
        self._environment = environment
        self._path = path
        self._folder = folder

    def text(self, name: str, variable: str) -> str | None:
        """Return a setting's text."""
        return self._environment.get(variable) or self._section.get(name) or None

    def origin(self, name: str, variable: str) -> Origin:
        """Return where a setting's text comes from."""
        if self._environment.get(variable):
            return Origin(Kind.ANSIBLE_ENVIRONMENT, variable)
        return Origin(Kind.ANSIBLE_CFG, name, self._path)

    def _where(self, name: str, variable: str) -> str:
        return variable if self._environment.get(variable) else f"{self._path}: {name}"

    def number(self, name: str, variable: str) -> int | None:
        """Return a setting that is a whole number above 0."""
        text = self.text(name, variable)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and int(text[:9]) > 0):
            raise UsageError(f"{self._where(name, variable)} must be a whole number above 0, found {text!r}")
        return int(text[:9])

    def policy(self, name: str, variable: str) -> str | None:
        """Return the policy for host keys that a yes or no means.

        As in Ansible, a yes gives no value: `ssh_config` decides then.
        """
        text = self.text(name, variable)
        if text is None:
            return None
        if text.lower() not in _TRUE | _FALSE:
            raise UsageError(f"{self._where(name, variable)} must be true or false, found {text!r}")
        return None if text.lower() in _TRUE else "off"

    def words(self, name: str, variable: str) -> tuple[str, ...]:
        """Return a setting that is a list between commas."""
        return tuple(word.strip() for word in (self.text(name, variable) or "").split(",") if word.strip())

    def path(self, name: str, variable: str) -> str | None:
        """Return a path: from the environment it begins in the current folder, from a file in the file's."""
        text = self.text(name, variable)
        return None if text is None else self._resolved(text, variable)

    def paths(self, name: str, variable: str) -> tuple[str, ...]:
        """Return a setting that is a list of paths."""
        return tuple(self._resolved(word, variable) for word in self.words(name, variable))

    def _resolved(self, text: str, variable: str) -> str:
        base = self._folder
        if self._path is not None and not self._environment.get(variable):
            base = os.path.dirname(os.path.abspath(self._path))  # noqa: PTH100, PTH120
        expanded = os.path.expandvars(text.replace("{{CWD}}", self._folder))
        expanded = os.path.expanduser(expanded)  # noqa: PTH111
        return os.path.normpath(os.path.join(base, expanded))  # noqa: PTH118


class Honoured(NamedTuple):
    """One key of Ansible's configuration that gives one of our settings.

    Attributes:
        setting: The name of the setting.
        key: The key in the section `[defaults]` of `ansible.cfg`.
        variable: The environment variable, which wins over the file.
        read: Reads it.
    """

    setting: str
    key: str
    variable: str
    read: Callable[[_Values, str, str], Any]


HONOURED = (
    Honoured("inventory", "inventory", "ANSIBLE_INVENTORY", _Values.paths),
    Honoured("user", "remote_user", "ANSIBLE_REMOTE_USER", _Values.text),
    Honoured("private_key", "private_key_file", "ANSIBLE_PRIVATE_KEY_FILE", _Values.path),
    Honoured("workers", "forks", "ANSIBLE_FORKS", _Values.number),
    Honoured("connect_timeout", "timeout", "ANSIBLE_TIMEOUT", _Values.number),
    Honoured("host_key_policy", "host_key_checking", "ANSIBLE_HOST_KEY_CHECKING", _Values.policy),
    Honoured("vault_password_file", "vault_password_file", "ANSIBLE_VAULT_PASSWORD_FILE", _Values.path),
    Honoured("vault_id", "vault_identity_list", "ANSIBLE_VAULT_IDENTITY_LIST", _Values.words),
)
"""All keys that we honour."""
