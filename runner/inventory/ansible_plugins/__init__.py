"""Plugins for Ansible itself: a folder to name in `ansible.cfg` under `inventory_plugins`."""
