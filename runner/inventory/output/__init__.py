"""Show an inventory: as ansible-inventory does, as one file, or the origin of a variable."""
