"""Read the configuration: the environment, then `invoke.yaml`, then Ansible's configuration; the first wins.

Tasks and scripts read it the same way, so that a setting means the same in both.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.errors import InventoryError, UsageError
from runner.settings import Settings
from runner.settings.invoke_log import hide_secrets
from runner.settings.invoked import running
from runner.text import owners
from runner.text.origin import Kind, Origin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from invoke.config import Config

    from runner.inventory.loading import Options

__all__ = [
    "Configured",
    "inventory_options",
    "inventory_sources",
    "of_caller",
    "of_config",
    "of_folder",
    "project_file",
    "reading",
]

DEFAULT_SOURCE = "inventories"
"""The folder that is read if no inventory is named."""

_LEVELS = ("_modifications", "_overrides", "_runtime", "_project", "_user", "_system")
"""Attributes of Invoke's configuration with the values of each source, in order of precedence."""
_SOUGHT = ("_project", "_user", "_system")
"""The sources whose files Invoke finds by searching."""

_PROJECT_FILES = ("invoke.yaml", "invoke.yml", "invoke.json")
_PATHS = (
    "inventory",
    "known_hosts",
    "private_key",
    "ssh_config",
    "vault_password_file",
    "output_dir",
    "playbook_dir",
    "spill_dir",
    "templates",
    "history",
)
_PATH_LISTS = ("known_hosts", "private_key", "vault_password_file")


def project_file(start: Path) -> Path | None:
    """Return the nearest configuration file, in a folder or its parents.

    `invoke.py` is skipped: a script, or `runner`, may run in any folder, so files found there are read but
    never executed.
    """
    for folder in (start, *start.parents):
        for name in _PROJECT_FILES:
            if (folder / name).is_file():
                return folder / name
    return None


class Configured(NamedTuple):
    """The configured settings, as `Settings.resolve` takes them.

    Attributes:
        values: Each value as written, by the name of its setting.
        origins: The source of each value.
    """

    values: dict[str, Any]
    origins: dict[str, Origin]


def of_caller() -> Configured:
    """Return the configured settings for a call from a script.

    In an Invoke task, use the task's configuration: `-f`, `-r`, `namespace.configure`. Elsewhere, use that of
    the current folder.

    Raises:
        UsageError: A file cannot be read.
    """
    program = running()
    if program is None or program.collection is None:
        return of_folder(Path.cwd())
    typed = [context.name for context in getattr(program, "tasks", ())]
    config = program.config.clone()
    config.load_collection(program.collection.configuration(typed[0] if len(typed) == 1 else None))
    return of_config(config)


def of_folder(start: Path) -> Configured:
    """Return the configured settings for a folder.

    Raises:
        UsageError: A file cannot be read.
    """
    from runner.settings.configuration_files import BoundedConfig  # noqa: PLC0415 - imports Invoke

    hide_secrets()
    file = project_file(start)
    with reading():
        config = BoundedConfig()
        if file is not None:
            owners.check("the configuration", file, named="change to another folder")
            config.set_project_location(str(file.parent))
            config.load_project()
    return of_config(config)


@contextmanager
def reading() -> Iterator[None]:
    """Turn every error that Invoke raises while it reads configurations into a `UsageError`.

    Raises:
        UsageError: A configuration cannot be read.
    """
    try:
        yield
    except UsageError:
        raise
    except Exception as exc:  # each loader raises different errors: of YAML, JSON, the system
        place = (project_file(Path.cwd()) or Path.cwd() / "invoke.yaml").parent  # the error may lack the path
        raise UsageError(f"the configuration for {place} cannot be read: {_why(exc)}") from exc


def _why(exc: Exception) -> str:
    """Describe an error of Invoke in one line that says how to fix it."""
    from invoke.exceptions import UncastableEnvVar  # noqa: PLC0415 - as above

    text = " ".join(str(exc).split())
    if isinstance(exc, AttributeError):
        return f"expected a mapping at the top of a file, such as `runner:` ({text})"
    if isinstance(exc, UncastableEnvVar):
        variables = ", ".join(sorted(name for name in os.environ if name.startswith("INVOKE_")))
        return f"a list in a file cannot be replaced from the environment; unset one of: {variables}"
    return text


def of_config(config: Config) -> Configured:
    """Return the settings of a configuration that Invoke has loaded.

    Raises:
        UsageError: The `runner:` section is not a mapping, another user may have written its file, or
            Ansible's configuration cannot be read.
    """
    from runner.inventory.ansible_cfg import ansible_defaults  # noqa: PLC0415 - not needed to list tasks

    _refuse_foreign(config)
    section = config.get("runner") or {}
    if not hasattr(section, "items"):
        raise UsageError("`runner:` in the configuration must be a mapping of settings")
    root = getattr(config, "_project_prefix", None)  # Invoke has no public attribute for it
    ours = {name: value for name, value in section.items() if value is not None}
    source, ansible, environment = _default_source(root), ansible_defaults(), _environment()
    origins = dict.fromkeys(source, Origin(Kind.PROJECT, DEFAULT_SOURCE)) | dict(ansible.origins)
    origins |= {name: _level_of(config, name) for name in ours}
    origins |= {name: Origin(Kind.ENVIRONMENT, _variable(name)) for name in environment}
    return Configured({**source, **ansible.values, **_rooted(ours | environment, root)}, origins)


def _refuse_foreign(config: Config) -> None:
    """Refuse the `runner:` section of a file found by searching, if another user may have written the file.

    By now, Invoke has read the whole file and imported the `tasks.py` next to it.
    """
    named = getattr(config, "_runtime_path", None)
    for level in _SOUGHT:
        path = getattr(config, f"{level}_path", None)
        if path is None or not (getattr(config, level, None) or {}).get("runner"):
            continue
        if not (named and Path(named).exists() and Path(named).samefile(path)):
            owners.check("the section `runner:` of", path, named="name the file with invoke -f")


def _level_of(config: Config, name: str) -> Origin:
    """Return the origin of a setting among the sources that Invoke has merged."""
    for level in _LEVELS:
        section: Any = (getattr(config, level, None) or {}).get("runner")
        if hasattr(section, "get") and section.get(name) is not None:
            path = getattr(config, f"{level}_path", None)
            return Origin(Kind.FILE, name, str(path)) if path else Origin(Kind.CODE, name)
    return Origin(Kind.CODE, name)


def inventory_sources(settings: Settings) -> tuple[str, ...]:
    """Return the sources of the inventory: those that the settings name, else `inventories/`.

    Raises:
        InventoryError: No source is named, and there is no `inventories/`.
        UsageError: Another user may have written a file in `inventories/`.
    """
    origin = settings.origins.get("inventory")
    if settings.inventory and (origin is None or origin.kind is not Kind.PROJECT):
        return settings.inventory
    folder = settings.inventory[0] if settings.inventory else DEFAULT_SOURCE
    if Path(folder).exists():
        owners.check_tree("the inventory", folder, named="name it with -i")
        return (folder,)
    raise InventoryError("no inventory: give one with -i, or as `runner: inventory:` in invoke.yaml")


def inventory_options(settings: Settings, *, traced: bool = False) -> Options:
    """Return the options for reading inventories.

    Args:
        settings: The settings.
        traced: Whether to remember where everything was set.

    Raises:
        UsageError: Ansible's configuration cannot be read, or has a key that cannot be honoured.
    """
    from runner.inventory.ansible_cfg import inventory_rules  # noqa: PLC0415 - not needed to list tasks
    from runner.inventory.loading import Options  # noqa: PLC0415

    options = Options(
        allow_commands=settings.allow_inventory_commands,
        named=settings.is_named("inventory"),
        traced=traced,
        rules=inventory_rules(),
    )
    if settings.playbook_dir is None:
        return options
    folder = os.path.abspath(os.path.expanduser(settings.playbook_dir))  # noqa: PTH100, PTH111
    if not os.path.isdir(folder):  # noqa: PTH112
        raise UsageError(f"playbook_dir: {settings.playbook_dir} is not a folder")
    return replace(options, playbook_dir=folder, playbook_given=True)


def _environment() -> dict[str, str]:
    """Return the settings in the environment.

    Invoke does this only for keys that the configuration has. To declare the other keys to Invoke beforehand
    would cause a traceback if the section is not a mapping.
    """
    variables = {name: _variable(name) for name in Settings.flags()}
    return {name: os.environ[variable] for name, variable in variables.items() if variable in os.environ}


def _variable(name: str) -> str:
    return f"INVOKE_RUNNER_{name.upper()}"


def _default_source(root: str | None) -> dict[str, Any]:
    """Return the project's inventory folder if the current folder is below the project and has none."""
    folder = Path(root or "", DEFAULT_SOURCE)
    elsewhere = bool(root) and folder.exists() and not Path(DEFAULT_SOURCE).exists()
    return {"inventory": str(folder)} if elsewhere else {}


def _rooted(configured: dict[str, Any], root: str | None) -> dict[str, Any]:
    """Return the configuration with its relative paths resolved against the project folder."""
    if not root:
        return configured
    if isinstance(configured.get("credentials"), list):
        configured["credentials"] = [_rooted_credential(root, item) for item in configured["credentials"]]
    for name in _PATHS:
        value = configured.get(name)
        if isinstance(value, str) and name in _PATH_LISTS:
            configured[name] = [_root(root, item) for item in value.split(os.pathsep)]
        elif isinstance(value, str):
            configured[name] = _root(root, value)
        elif isinstance(value, (list, tuple)):
            configured[name] = [_root(root, str(item)) for item in value]
    return configured


def _rooted_credential(root: str, item: Any) -> Any:
    """Return a credential with its relative paths resolved against the project folder."""
    if not isinstance(item, dict):
        return item
    rooted = dict(item)
    key, password = item.get("private_key"), item.get("password")
    if isinstance(key, str):
        rooted["private_key"] = _root(root, key)
    if isinstance(password, str) and password.startswith("file:"):
        rooted["password"] = f"file:{_root(root, password.removeprefix('file:'))}"
    return rooted


def _root(root: str, path: str) -> str:
    if "," in path or path.startswith("~") or path == "none":
        return path
    full = Path(root) / path
    try:
        return str(full.relative_to(Path.cwd()))
    except ValueError:
        return str(full)
