"""Parse the values of inventories: YAML, JSON and INI, and the types that Python does not have."""
