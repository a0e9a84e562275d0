"""A small simulated Linux server: enough of a shell, programs and files for realistic exit codes."""
