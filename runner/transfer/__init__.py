"""Send files to hosts, fetch files from hosts, and run scripts on hosts."""
