"""Results of a run: by host, folded, as documents, and the limits to failures."""

from runner.results.folding import Fold
from runner.results.results import Results, Summary

__all__ = ["Fold", "Results", "Summary"]
