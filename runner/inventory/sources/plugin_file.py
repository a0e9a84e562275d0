"""Files with a `plugin:` key: the configuration of an Ansible inventory plugin, not an inventory."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from runner.errors import InventoryError
from runner.inventory.sources.script import parse_json, read_listing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.inventory.loading import Loading

__all__ = ["read_plugin_file"]

_CONSTRUCTED = frozenset({"constructed", "ansible.builtin.constructed"})


def read_plugin_file(path: str, configuration: dict[Any, Any], loading: Loading) -> None:
    """Do the work of a known plugin, or let `ansible-inventory` run an unknown one.

    Ansible runs programs that the file names: templates in it may hold `lookup('pipe', …)`, and a plugin may
    be a file next to it. So an unknown plugin needs the flag that lets inventories run programs. The known
    plugins are implemented here.

    Raises:
        InventoryError: The configuration is wrong, `ansible-inventory` is not installed or may not be run, or
            the plugin fails.
    """
    plugin = configuration["plugin"]
    if not isinstance(plugin, str):
        raise InventoryError("plugin must be the name of an inventory plugin", path=path, text=str(plugin))
    rules = loading.options.rules
    if not rules.enables(plugin):
        message = f"plugin {plugin!r} is not enabled: add it, or auto, to enable_plugins"
        raise InventoryError(message, path=path, text=f"plugin: {plugin}")
    if plugin in _CONSTRUCTED:
        from runner.inventory.sources.constructed import read_constructed  # noqa: PLC0415 - loads Jinja

        read_constructed(path, configuration, loading)
        return
    program = shutil.which("ansible-inventory")
    if program is None:
        message = (
            f"plugin {plugin!r} is not known here: install Ansible, so that ansible-inventory can read it"
        )
        raise InventoryError(message, path=path, text=f"plugin: {plugin}")
    options = loading.options
    if not options.allow_commands:
        message = (
            f"plugin {plugin!r} is not known here; ansible-inventory may know it, but would run programs "
            "that this file names: to allow that, add --allow-inventory-commands"
        )
        raise InventoryError(message, path=path, text=f"plugin: {plugin}")
    from runner.inventory.processes import output  # noqa: PLC0415 - few inventories run a program

    argv = [program, "-i", path, "--list", "--export"]
    try:
        with _ansible_configuration() as environment:
            printed = output(
                argv,
                timeout_s=options.script_timeout_s,
                max_bytes=options.max_script_bytes,
                environment={"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1", **environment},
            )
        listing = parse_json(printed, path)
    except InventoryError as exc:
        raise InventoryError(f"plugin {plugin!r} by ansible-inventory: {exc.message}", path=path) from exc
    loading.graph.source = path
    read_listing(path, listing, loading)


@contextmanager
def _ansible_configuration() -> Iterator[dict[str, str]]:
    """Keep Ansible from reading an `ansible.cfg` that breaks the owner rule: it may name plugins to run."""
    from runner.inventory.ansible_cfg import ansible_defaults  # noqa: PLC0415 - as above

    found = ansible_defaults()
    if found.ignored is None:
        yield {}
    elif found.path is not None:
        yield {"ANSIBLE_CONFIG": found.path}
    else:
        with tempfile.NamedTemporaryFile(suffix=".cfg") as nothing:
            yield {"ANSIBLE_CONFIG": nothing.name}
