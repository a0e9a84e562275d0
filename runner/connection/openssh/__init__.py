"""The `openssh` connection: the system's `ssh` does the talking, and stays one login for all commands."""
