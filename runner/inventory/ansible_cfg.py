"""Read Ansible's own configuration, `ansible.cfg` and `ANSIBLE_…`; our own settings override it.

The file is looked up in Ansible's order ("Ansible Configuration Settings"): `$ANSIBLE_CONFIG`, the current
folder, `~/.ansible.cfg`, `/etc/ansible/ansible.cfg`. A file that breaks the owner rule is skipped, except the
first, which the operator has named. The environment overrides the file.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.errors import UsageError
from runner.inventory.rules import (
    IGNORED_EXTENSIONS,
    PRECEDENCE,
    GroupNames,
    Rules,
    ignored_names,
    short_name,
)
from runner.text import owners, reading
from runner.text.origin import Kind, Origin

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "HONOURED",
    "RULE_KEYS",
    "AnsibleDefaults",
    "Honoured",
    "Key",
    "ansible_defaults",
    "inventory_rules",
]

_TRUE = frozenset({"yes", "true", "on", "1", "y", "t"})
_LONGEST = reading.MIB
_FALSE = frozenset({"no", "false", "off", "0", "n", "f"})


class AnsibleDefaults(NamedTuple):
    """The part of Ansible's configuration that we honour as settings.

    Attributes:
        values: The values that it sets, by the name of our setting.
        origins: Where each value comes from.
        path: The file that was read.
        ignored: A file that was not read, because it breaks the owner rule.
        fault: How the file breaks the rule, and how to fix that.
    """

    values: Mapping[str, Any]
    origins: Mapping[str, Origin]
    path: str | None = None
    ignored: str | None = None
    fault: str | None = None


def ansible_defaults(
    environment: Mapping[str, str] | None = None, folder: str | None = None
) -> AnsibleDefaults:
    """Read the part of Ansible's configuration that sets our settings.

    Args:
        environment: Environment variables; None for those of this process.
        folder: The current folder.

    Raises:
        UsageError: The file cannot be read, or a value is not valid.
    """
    values, ignored, fault = _values(environment, folder)
    found = {each: each.read(values, each.key) for each in HONOURED}
    said = {each: value for each, value in found.items() if value not in (None, ())}
    return AnsibleDefaults(
        {each.setting: value for each, value in said.items()},
        {each.setting: values.origin(each.key) for each in said},
        values.path_of_file,
        ignored,
        fault,
    )


def inventory_rules(environment: Mapping[str, str] | None = None, folder: str | None = None) -> Rules:
    """Read the part of Ansible's configuration that decides how inventories are read.

    Args:
        environment: Environment variables; None for those of this process.
        folder: The current folder.

    Raises:
        UsageError: The file cannot be read, a value is not valid, or a key changes how Ansible reads
            inventories in a way that is not supported here.
    """
    values, _, _ = _values(environment, folder)
    for key, accepted in _NOT_HONOURED.items():
        found = values.words(key)
        if found and set(found) != set(accepted):
            raise UsageError(
                f"{values.where(key)} = {', '.join(found)} is not supported here; "
                f"set {key.variable}={','.join(accepted)} to go on without it"
            )
    given = {field: read(values, key) for field, (key, read) in _RULES.items()}
    if values.text(_EXTENSIONS) or values.text(_PATTERNS):
        given["ignored"] = values.ignored()
    return Rules(**{field: value for field, value in given.items() if value})


def _values(
    environment: Mapping[str, str] | None, folder: str | None
) -> tuple[_Values, str | None, str | None]:
    """Return a reader of values, the first file that was skipped, and why it was skipped."""
    environment = os.environ if environment is None else environment
    folder = os.getcwd() if folder is None else folder  # noqa: PTH109
    path, ignored, fault = _find(environment, folder)
    return _Values(_sections(path), environment, path, folder), ignored, fault


def _find(environment: Mapping[str, str], folder: str) -> tuple[str | None, str | None, str | None]:
    """Return the file to use, the first one that was skipped, and why it was skipped."""
    if named := environment.get("ANSIBLE_CONFIG"):
        named = os.path.join(folder, os.path.expanduser(named))  # noqa: PTH111, PTH118
        named = os.path.join(named, "ansible.cfg") if os.path.isdir(named) else named  # noqa: PTH112, PTH118
        if os.path.exists(named):  # noqa: PTH110
            return named, None, None
    home = environment.get("HOME")
    ignored = why = None
    for path in (
        os.path.join(folder, "ansible.cfg"),  # noqa: PTH118
        f"{home}/.ansible.cfg" if home else "",
        "/etc/ansible/ansible.cfg",
    ):
        if path and os.path.exists(path):  # noqa: PTH110
            fault = owners.fault(path)
            if fault is None:
                return path, ignored, why
            ignored, why = ignored or path, why or fault
    return None, ignored, why


def _sections(path: str | None) -> Mapping[str, Mapping[str, str]]:
    """Read every section of the file."""
    if path is None:
        return {}
    import configparser  # noqa: PLC0415 - few have such a file

    parser = configparser.RawConfigParser(inline_comment_prefixes=(";",), strict=False)
    try:
        parser.read_string(reading.contents(path, _LONGEST).decode(), path)
        return {name: dict(parser.items(name)) for name in parser.sections()}
    except (OSError, UnicodeDecodeError, configparser.Error) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else " ".join(str(exc).split())
        raise UsageError(f"{path}: cannot be read: {reason}") from exc


class Key(NamedTuple):
    """One key of Ansible's configuration.

    Attributes:
        name: Its name in the file.
        variable: The environment variable, which overrides the file.
        section: The section of the file.
        older: Its older name in the section `[defaults]`, used if its own section does not have it.
    """

    name: str
    variable: str
    section: str = "defaults"
    older: str | None = None


class _Values:
    """Reads values, from the environment or else from the file.

    Args:
        sections: The sections of the file.
        environment: Environment variables.
        path: The file.
        folder: The current folder.
    """

    def __init__(
        self,
        sections: Mapping[str, Mapping[str, str]],
        environment: Mapping[str, str],
        path: str | None,
        folder: str,
    ) -> None:
        self._sections = sections
        self._environment = environment
        self.path_of_file = path
        self._folder = folder

    def text(self, key: Key) -> str | None:
        """Return a value as it is written."""
        return self._environment.get(key.variable) or self._in_file(key)[1]

    def _in_file(self, key: Key) -> tuple[str, str | None]:
        """Return the name under which the file has a value, and the value."""
        text = self._sections.get(key.section, {}).get(key.name)
        if not text and key.older and (older := self._sections.get("defaults", {}).get(key.older)):
            return key.older, older
        return key.name, text or None

    def origin(self, key: Key) -> Origin:
        """Return the origin of a value."""
        if self._environment.get(key.variable):
            return Origin(Kind.ANSIBLE_ENVIRONMENT, key.variable)
        return Origin(Kind.ANSIBLE_CFG, self._in_file(key)[0], self.path_of_file)

    def where(self, key: Key) -> str:
        """Return the variable, or the file and the key, for messages."""
        named = f"{self.path_of_file}: {self._in_file(key)[0]}"
        return key.variable if self._environment.get(key.variable) else named

    def number(self, key: Key) -> int | None:
        """Return a value that is a whole number above 0."""
        text = self.text(key)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and int(text[:9]) > 0):
            raise UsageError(f"{self.where(key)} must be a whole number above 0, found {text!r}")
        return int(text[:9])

    def policy(self, key: Key) -> str | None:
        """Return the host key policy for a yes or no.

        As in Ansible, a yes gives no value, so that `ssh_config` decides.
        """
        text = self.text(key)
        if text is None:
            return None
        if text.lower() not in _TRUE | _FALSE:
            raise UsageError(f"{self.where(key)} must be true or false, found {text!r}")
        return None if text.lower() in _TRUE else "off"

    def words(self, key: Key) -> tuple[str, ...]:
        """Return a value that is a comma-separated list."""
        words = [word.strip().strip("'\"") for word in (self.text(key) or "").split(",")]
        return tuple([word for word in words if word])

    def path(self, key: Key) -> str | None:
        """Return an absolute path.

        A relative path from the environment begins in the current folder, one from a file in the file's
        folder.
        """
        text = self.text(key)
        return None if text is None else self._resolved(text, key)

    def paths(self, key: Key) -> tuple[str, ...]:
        """Return a value that is a list of paths."""
        return tuple(self._resolved(word, key) for word in self.words(key))

    def _resolved(self, text: str, key: Key) -> str:
        base = self._folder
        if self.path_of_file is not None and not self._environment.get(key.variable):
            base = os.path.dirname(os.path.abspath(self.path_of_file))  # noqa: PTH100, PTH120
        expanded = os.path.expandvars(text.replace("{{CWD}}", self._folder))
        expanded = os.path.expanduser(expanded)  # noqa: PTH111
        return os.path.normpath(os.path.join(base, expanded))  # noqa: PTH118

    def one_of(self, key: Key, choices: tuple[str, ...]) -> str | None:
        """Return a value that is one of a few words."""
        text = self.text(key)
        if text is not None and text not in choices:
            raise UsageError(f"{self.where(key)} must be one of {', '.join(choices)}, found {text!r}")
        return text

    def merges(self, key: Key) -> bool:
        """Return whether mappings are merged."""
        return self.one_of(key, ("replace", "merge")) == "merge"

    def group_names(self, key: Key) -> GroupNames | None:
        """Return how invalid group names are treated."""
        mode = self.one_of(key, GroupNames.MODES)
        return None if mode is None else GroupNames(mode)

    def precedence(self, key: Key) -> tuple[str, ...]:
        """Return the kinds of group variables to use, weakest first."""
        entries = self.words(key)
        for entry in entries:
            if entry not in PRECEDENCE:
                known = ", ".join(PRECEDENCE)
                raise UsageError(f"{self.where(key)}: unknown entry {entry!r}; there are {known}")
        return entries

    def plugins(self, key: Key) -> tuple[str, ...]:
        """Return plugin names; those of Ansible itself without their collection."""
        return tuple([short_name(word) for word in self.words(key)])

    def ignored(self) -> re.Pattern[str]:
        """Return a regular expression for names in a folder that are not sources."""
        extensions = self.words(_EXTENSIONS) if self.text(_EXTENSIONS) else IGNORED_EXTENSIONS
        for pattern in self.words(_PATTERNS):
            try:
                re.compile(pattern)
            except re.error as exc:
                message = f"{self.where(_PATTERNS)}: {pattern!r} is not a regular expression: {exc}"
                raise UsageError(message) from exc
        return ignored_names(extensions, self.words(_PATTERNS))


class Honoured(NamedTuple):
    """One key of Ansible's configuration that sets one of our settings.

    Attributes:
        setting: The name of the setting.
        key: The key.
        read: Reads its value.
    """

    setting: str
    key: Key
    read: Callable[[_Values, Key], Any]


HONOURED = (
    Honoured("inventory", Key("inventory", "ANSIBLE_INVENTORY"), _Values.paths),
    Honoured("user", Key("remote_user", "ANSIBLE_REMOTE_USER"), _Values.text),
    Honoured("private_key", Key("private_key_file", "ANSIBLE_PRIVATE_KEY_FILE"), _Values.path),
    Honoured("workers", Key("forks", "ANSIBLE_FORKS"), _Values.number),
    Honoured("connect_timeout", Key("timeout", "ANSIBLE_TIMEOUT"), _Values.number),
    Honoured("host_key_policy", Key("host_key_checking", "ANSIBLE_HOST_KEY_CHECKING"), _Values.policy),
    Honoured("playbook_dir", Key("playbook_dir", "ANSIBLE_PLAYBOOK_DIR"), _Values.path),
    Honoured("vault_password_file", Key("vault_password_file", "ANSIBLE_VAULT_PASSWORD_FILE"), _Values.path),
    Honoured("vault_id", Key("vault_identity_list", "ANSIBLE_VAULT_IDENTITY_LIST"), _Values.words),
)
"""All keys that set one of our settings."""

_EXTENSIONS = Key(
    "ignore_extensions", "ANSIBLE_INVENTORY_IGNORE", "inventory", older="inventory_ignore_extensions"
)
_PATTERNS = Key(
    "ignore_patterns", "ANSIBLE_INVENTORY_IGNORE_REGEX", "inventory", older="inventory_ignore_patterns"
)

_RULES: dict[str, tuple[Key, Callable[[_Values, Key], Any]]] = {
    "merge": (Key("hash_behaviour", "ANSIBLE_HASH_BEHAVIOUR"), _Values.merges),
    "group_names": (
        Key("force_valid_group_names", "ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS"),
        _Values.group_names,
    ),
    "precedence": (Key("precedence", "ANSIBLE_PRECEDENCE"), _Values.precedence),
    "enabled": (Key("enable_plugins", "ANSIBLE_INVENTORY_ENABLED", "inventory"), _Values.plugins),
}
"""The keys that set a field of `Rules`."""

RULE_KEYS = (_EXTENSIONS, _PATTERNS, *[key for key, _ in _RULES.values()])
"""All keys that decide how inventories are read."""

_NOT_HONOURED: dict[Key, tuple[str, ...]] = {
    Key("vars_plugins_enabled", "ANSIBLE_VARS_ENABLED"): ("host_group_vars",),
    Key("run_vars_plugins", "ANSIBLE_RUN_VARS_PLUGINS"): ("demand",),
    Key("yaml_valid_extensions", "ANSIBLE_YAML_FILENAME_EXT"): (".yml", ".yaml", ".json"),
}
"""Keys that change how Ansible reads inventories, and the only value of each that we support."""
