"""The progress of a run, on stderr."""
