"""The options of `ssh_config` for a host: read as `ssh` reads them, or obtained from `ssh -G`."""
