"""Results of a run: by host, folded by answer, as documents; and the limits that stop a run."""
