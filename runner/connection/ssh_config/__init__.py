"""What the user's `ssh_config` says of a host: asked of `ssh -G`, or read as `ssh` reads it."""
