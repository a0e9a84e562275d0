"""Filters, tests and lookups of templates in inventories, with the meaning that they have in Ansible."""
