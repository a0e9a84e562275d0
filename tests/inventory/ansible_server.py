"""Ansible's own commands, kept warm: one fork for each request, so that none sees another's caches.

Reads one JSON array a line from stdin, `[folder, [argument, …]]`, and answers `[exit code, stdout, stderr]`.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

# The repository's own folder must not hide packages: this file is run by path.
HERE = Path(__file__).resolve().parent
sys.path[:] = [path for path in sys.path if path != str(HERE)]

os.environ.update(
    ANSIBLE_NOCOLOR="1",
    ANSIBLE_CONFIG=str(HERE / "ansible.cfg"),
    ANSIBLE_DEPRECATION_WARNINGS="0",
    LC_ALL="C.UTF-8",
)

from ansible.cli.adhoc import AdHocCLI  # noqa: E402
from ansible.cli.inventory import InventoryCLI  # noqa: E402
from ansible.errors import AnsibleError  # noqa: E402
from ansible.plugins.loader import init_plugin_loader, inventory_loader  # noqa: E402
from ansible.utils.display import Display  # noqa: E402

PROGRAMS = {"ansible": AdHocCLI, "ansible-inventory": InventoryCLI}


def run(arguments: list[str]) -> int:
    """Run one command in this process."""
    try:
        return int(PROGRAMS[arguments[0]](arguments).run() or 0)
    except SystemExit as exc:
        return int(exc.code or 0)
    except AnsibleError as exc:
        Display().error(str(exc), wrap_text=False)
        return 1
    except Exception as exc:  # noqa: BLE001 - whatever else it is, it is Ansible's failure
        sys.stderr.write(f"{type(exc).__name__}: {exc}\n")
        return 250


def answer(folder: str, arguments: list[str]) -> list[object]:
    """Run one command in a child."""
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        child = os.fork()
        if child == 0:
            os.chdir(folder)
            os.dup2(stdout.fileno(), 1)
            os.dup2(stderr.fileno(), 2)
            code = run(arguments)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code & 0xFF)
        _, status = os.waitpid(child, 0)
        printed = []
        for file in (stdout, stderr):
            file.seek(0)
            printed.append(file.read().decode("utf-8", "replace"))
    return [os.waitstatus_to_exitcode(status), *printed]


def main() -> None:
    """Answer until stdin ends."""
    init_plugin_loader()
    for name in ("host_list", "script", "auto", "yaml", "ini", "toml", "constructed"):
        inventory_loader.get(name)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(*json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
