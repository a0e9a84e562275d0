"""One command on one host: what it is given, the loop that serves it, and the process that it drives."""

from runner.connection.command.options import (
    PLAIN,
    CommandOptions,
    Terminal,
    checked_command,
    environment,
    standard_input,
    terminal,
)

__all__ = [
    "PLAIN",
    "CommandOptions",
    "Terminal",
    "checked_command",
    "environment",
    "standard_input",
    "terminal",
]
