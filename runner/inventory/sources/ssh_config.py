"""The hosts of an OpenSSH client configuration, such as `~/.ssh/config`.

Each name on a `Host` line that is not a pattern is a host. Its only variable names the file, so that all
`ssh_config(5)` settings for the host apply, as with `ssh -F`.
"""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from runner.errors import InvalidVariable, InventoryError
from runner.inventory.graph import UNGROUPED
from runner.inventory.parsing.values import UnsafeText

if TYPE_CHECKING:
    from runner.inventory.loading import Loading

__all__ = ["SSH_CONFIG", "SshConfig"]


class SshConfig:
    """A file `config` in a folder `.ssh`, or one named `ssh_config`."""

    order = 35

    def claims(self, source: str) -> bool:
        """Accept a file by its name."""
        folder, name = os.path.split(source)
        return (name == "ssh_config" or (name == "config" and os.path.basename(folder) == ".ssh")) and (  # noqa: PTH119
            os.path.isfile(source)  # noqa: PTH113
        )

    def read(self, source: str, loading: Loading) -> None:
        """Add a host for each name.

        Raises:
            InventoryError: A line cannot be read, or files include each other endlessly.
        """
        from runner.connection.options import SSH_CONFIG as OWN  # noqa: PLC0415 - few inventories need it
        from runner.connection.ssh_config.reader import config  # noqa: PLC0415 - as above

        loading.read_text(source)  # within the limits of inventories, and UTF-8
        path = os.path.abspath(source)  # noqa: PTH100 - as `Loading` has it
        try:
            found = config(((path, False),))
            names, doubt = found.names(), found.doubt
        except InvalidVariable as exc:
            raise InventoryError(str(exc), path=source) from exc
        if doubt is not None and path != os.path.expanduser(OWN):  # noqa: PTH111 - `ssh` reads that one
            raise InventoryError(doubt.why, path=doubt.path or source, line=doubt.line or None)
        loading.graph.source = source
        variables = {"ansible_ssh_common_args": UnsafeText(f"-F {shlex.quote(path)}")}
        for name in names:
            loading.graph.add_host(name, loading.graph.groups[UNGROUPED])
            loading.graph.set_variables(name, variables, path=source)


SSH_CONFIG = SshConfig()
