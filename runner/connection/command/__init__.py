"""One command on one host: its options, the loop that serves it, and the process that runs it."""

from runner.connection.command.options import (
    PLAIN,
    CommandOptions,
    Terminal,
    checked_command,
    commands_of_file,
    environment,
    question_answers,
    standard_input,
    terminal,
)

__all__ = [
    "PLAIN",
    "CommandOptions",
    "Terminal",
    "checked_command",
    "commands_of_file",
    "environment",
    "question_answers",
    "standard_input",
    "terminal",
]
