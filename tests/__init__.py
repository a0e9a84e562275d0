"""The tests; their folders mirror those of the package. `tests.lab` is a separate program."""
