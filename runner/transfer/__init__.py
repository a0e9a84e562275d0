"""Files to hosts, files from hosts, and scripts that are sent, run and removed."""
