"""Results of a run: by host, folded, as documents, and their outputs in files."""
