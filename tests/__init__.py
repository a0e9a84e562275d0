"""The tests mirror the package; `tests.lab` is a program of its own."""
