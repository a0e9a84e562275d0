"""Plugins for Ansible itself; set `inventory_plugins` in `ansible.cfg` to this folder."""
