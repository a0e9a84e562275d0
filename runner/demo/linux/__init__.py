"""A small Linux server: enough of a shell, of programs and of files to have honest exit codes."""
