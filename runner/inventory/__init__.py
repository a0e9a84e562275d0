"""Inventories: those of Ansible, read as Ansible reads them, and other sources of hosts.

`load` reads sources into an `Inventory`; its `select` turns a host pattern into hosts with their variables.
"""

from runner.inventory.inventory import Inventory, load
from runner.inventory.loading import Options

__all__ = ["Inventory", "Options", "load"]
