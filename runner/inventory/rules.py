"""The part of Ansible's configuration that decides how inventories are read.

The defaults are those of ansible-core 2.19. Each key is described in Ansible's "Configuration Settings".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "ADVANCED_HOST_LIST",
    "ANSIBLE_FORMATS",
    "IGNORED_EXTENSIONS",
    "PRECEDENCE",
    "GroupNames",
    "Rules",
    "merged",
]

IGNORED_EXTENSIONS = (
    ".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".cfg", ".retry",
)  # fmt: skip
"""Endings of names in a folder that are not sources (`INVENTORY_IGNORE_EXTS`)."""

PRECEDENCE = (
    "all_inventory",
    "groups_inventory",
    "all_plugins_inventory",
    "all_plugins_play",
    "groups_plugins_inventory",
    "groups_plugins_play",
)
"""The kinds of group variables, weakest first (`VARIABLE_PRECEDENCE`)."""

ANSIBLE_FORMATS = ("host_list", "script", "yaml", "ini", "toml")
"""Our formats that are also inventory plugins of Ansible, which `enable_plugins` can leave out or reorder."""

ADVANCED_HOST_LIST = "advanced_host_list"
"""Ansible's plugin for host lists with ranges; it is used only if `enable_plugins` names it."""

_ALWAYS_IGNORED = r"^\.|^(?:host_vars|group_vars|vars_plugins)$"
_INVALID_IN_NAMES = re.compile(r"^[\d\W]|[^\w]")


def ignored_names(
    extensions: Iterable[str] = IGNORED_EXTENSIONS, patterns: Iterable[str] = ()
) -> re.Pattern[str]:
    """Return a regular expression for names in a folder that are not sources.

    Args:
        extensions: Endings of such names.
        patterns: Regular expressions for further such names.

    Raises:
        re.error: A pattern is not a regular expression.
    """
    endings = [f"{re.escape(ending)}$" for ending in extensions]
    return re.compile("|".join([_ALWAYS_IGNORED, *patterns, *endings]))


IGNORED = ignored_names()
"""The default expression for names in a folder that are not sources."""


def valid_group_name(name: str) -> str:
    """Return a group name with `_` for each character that a variable's name cannot have."""
    return _INVALID_IN_NAMES.sub("_", name)


class GroupNames:
    """How group names that are not valid as variable names are treated (`force_valid_group_names`).

    Args:
        mode: `never` and `ignore` keep names as they are; `always` and `silently` replace each invalid
            character with `_`.
    """

    MODES = ("never", "ignore", "always", "silently")

    def __init__(self, mode: str = "never") -> None:
        self.replaces = mode in {"always", "silently"}
        self.warns = mode == "always"

    def __call__(self, name: Any) -> Any:
        """Return the name under which a group is stored."""
        return valid_group_name(name) if self.replaces and isinstance(name, str) else name


@dataclass(frozen=True, slots=True)
class Rules:
    """How to read inventories, according to Ansible's configuration.

    Attributes:
        ignored: Matches names in a folder that are not sources.
        merge: Whether a mapping is merged into a weaker one of the same name (`hash_behaviour`).
        group_names: How group names that are not valid as variable names are treated.
        precedence: The kinds of group variables to use, weakest first.
        enabled: The names of the inventory plugins that may read, in order; None for all our formats.
    """

    ignored: re.Pattern[str] = IGNORED
    merge: bool = False
    group_names: GroupNames = field(default_factory=GroupNames)
    precedence: tuple[str, ...] = PRECEDENCE
    enabled: tuple[str, ...] | None = None

    def enables(self, plugin: str) -> bool:
        """Return whether an inventory plugin may read a file that names it."""
        return self.enabled is None or "auto" in self.enabled or short_name(plugin) in self.enabled

    @property
    def ranges_in_lists(self) -> bool:
        """Whether a host list may have ranges: `web[1:3],db`."""
        lists = [name for name in self.enabled or () if name in {"host_list", ADVANCED_HOST_LIST}]
        return lists[:1] == [ADVANCED_HOST_LIST]

    def combined(self, layers: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """Combine variables from several places into one mapping; later places override earlier ones."""
        result: dict[str, Any] = {}
        for layer in layers:
            if self.merge:
                result = merged(result, layer)
            else:
                result.update(layer)
        return result


def short_name(plugin: str) -> str:
    """Return the name of a plugin, without the collection name of Ansible's own plugins."""
    return plugin.removeprefix("ansible.builtin.").removeprefix("ansible.legacy.")


def merged(weaker: Mapping[str, Any], stronger: Mapping[str, Any]) -> dict[str, Any]:
    """Merge two mappings: a mapping in both is merged the same way, any other value is replaced."""
    result = dict(weaker)
    for key, value in stronger.items():
        before = result.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            value = merged(before, value)  # noqa: PLW2901 - the merged value
        result[key] = value
    return result
