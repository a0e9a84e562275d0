"""What the operator is told beside the results: on stderr, as safe lines, around the progress line."""

from __future__ import annotations

import getpass
import io
import logging
import os
import sys
import warnings
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from runner.errors import UsageError
from runner.models import Secret
from runner.report.progress import NoProgress
from runner.report.terminal import visible_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from runner.report.progress import Progress

__all__ = ["MessageStream", "Warnings", "ask", "leave", "say", "show_warnings", "speaking_around"]

_progress: list[Progress] = [NoProgress()]


def say(text: str) -> None:
    """Tell the operator something that is no result: on stderr, as one safe line."""
    if sys.stderr is None:  # the program was started with it closed; print() would take stdout then
        return
    # A signal handler may have interrupted a write to the same stream, which raises RuntimeError.
    with _progress[-1].aside(), suppress(ValueError, RuntimeError):
        try:
            print(visible_line(text), file=sys.stderr, flush=True)
        except OSError:  # the terminal was closed
            leave(sys.stderr)


def leave(stream: TextIO) -> None:
    """Let what is still written to a stream go nowhere, so that its end raises nothing."""
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


def ask(what: str) -> Secret:
    """Ask the operator for a secret, on the terminal.

    Raises:
        UsageError: There is nobody to ask.
    """
    try:
        with warnings.catch_warnings():
            # Without a terminal, standard input is read; that is no news to the script that writes to it.
            warnings.simplefilter("ignore", getpass.GetPassWarning)
            return Secret(getpass.getpass(f"{what}: ", sys.stderr))
    except EOFError:
        say("")  # ends the line of the question
        raise UsageError(
            f"no answer to {what!r}: there is no terminal, and standard input is at its end"
        ) from None


@contextmanager
def speaking_around(progress: Progress) -> Iterator[Progress]:
    """Keep what is said apart from a progress line while the context lasts, and end the line with it."""
    _progress.append(progress)
    try:
        yield progress
    finally:
        _progress.remove(progress)
        progress.close()


class MessageStream(io.TextIOBase):
    """A stream for what a job prints while the run is shown: to stderr, apart from the progress."""

    def writable(self) -> bool:
        """Return that it can be written to."""
        return True

    def write(self, text: str) -> int:
        """Write it; where stderr is closed, nowhere."""
        with _progress[-1].aside():
            return len(text) if sys.stderr is None else sys.stderr.write(text)

    def flush(self) -> None:
        """Write what is held back."""
        if sys.stderr is not None:
            sys.stderr.flush()


def show_warnings(*, quiet: bool) -> None:
    """Show warnings of our own parts from now on, or none of them if `quiet`."""
    logger = logging.getLogger("runner")
    if not logger.handlers:
        logger.addHandler(Warnings())
    logger.setLevel(logging.ERROR if quiet else logging.WARNING)


class Warnings(logging.Handler):
    """Warnings of our own parts as lines on stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        """Say it."""
        say(f"{record.levelname.lower()}: {record.getMessage()}")
