"""Fill in variables of a host by ansible-core itself, in this process.

Reads `[inventory, hosts, prefix]` as JSON from stdin and answers `{name: [value] or error}` for each variable
of these hosts whose name begins with the prefix. Types that JSON does not have are written as `{"type": …}`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

# The repository's own folder must not hide packages: this file is run by path.
HERE = Path(__file__).resolve().parent
sys.path[:] = [path for path in sys.path if path != str(HERE)]
os.environ.update(ANSIBLE_CONFIG=str(HERE / "ansible.cfg"), LC_ALL="C.UTF-8", TZ="UTC")

from ansible import constants  # noqa: E402
from ansible.cli import CLI  # noqa: E402
from ansible.inventory.manager import InventoryManager  # noqa: E402
from ansible.parsing.dataloader import DataLoader  # noqa: E402
from ansible.plugins.loader import init_plugin_loader  # noqa: E402
from ansible.template import Templar  # noqa: E402
from ansible.utils.display import Display  # noqa: E402
from ansible.vars.hostvars import HostVars  # noqa: E402
from ansible.vars.manager import VariableManager  # noqa: E402


def plain(value: object) -> object:
    """Return a value as JSON has it."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool):
        return value
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return {"type": type(value).__name__}


def main() -> None:
    """Answer one request."""
    source, names, prefix = json.load(sys.stdin)
    for method in ("warning", "deprecated", "error_as_warning", "display"):
        setattr(Display, method, lambda *_arguments, **_keywords: None)
    init_plugin_loader()
    loader = DataLoader()
    loader.set_basedir(str(Path(source).parent))
    inventory = InventoryManager(loader, sources=[source])
    manager = VariableManager(loader, inventory, version_info=CLI.version_info(gitinfo=False))
    manager.set_inventory(inventory)
    hostvars = HostVars(inventory=inventory, variable_manager=manager, loader=loader)
    answers: dict[str, object] = {}
    for name in names:
        variables = manager.get_vars(host=inventory.get_host(name)) | {"hostvars": hostvars}
        templar = Templar(loader, variables=variables)
        for variable in variables:
            if variable.startswith(prefix):
                answers[variable] = filled(templar, variables[variable])
    json.dump(answers, sys.stdout)


def filled(templar: Templar, template: object) -> object:
    """Return the value of a template in a list, or why there is none."""
    try:
        return [plain(templar.template(template))]
    except Exception as exc:  # noqa: BLE001 - whatever it is, it is Ansible's error
        return " ".join(str(exc).split())


if __name__ == "__main__":
    assert constants.DEFAULT_HASH_BEHAVIOUR == "replace"
    main()
