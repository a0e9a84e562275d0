"""The `ssh` connection: Paramiko, with a deadline on every step."""

from runner.connection.ssh.connection import SshConnection, connect

__all__ = ["SshConnection", "connect"]
