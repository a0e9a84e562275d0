"""Messages to the operator: safe lines on stderr that do not mix with the progress line."""

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
from runner.report.progress.progress import NoProgress
from runner.report.terminal import visible_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from runner.report.progress.progress import Progress

__all__ = ["MessageStream", "Warnings", "ask", "leave", "say", "show_warnings", "speaking_around"]

_progress: list[Progress] = [NoProgress()]


def say(text: str) -> None:
    """Print a message that is not a result to stderr, as one safe line."""
    if sys.stderr is None:  # the program was started with stderr closed; print() would use stdout then
        return
    # A signal handler may have interrupted a write to the same stream, which raises RuntimeError.
    with _progress[-1].aside(), suppress(ValueError, RuntimeError):
        try:
            print(visible_line(text), file=sys.stderr, flush=True)
        except OSError:  # the terminal was closed
            leave(sys.stderr)


def leave(stream: TextIO) -> None:
    """Redirect a stream to /dev/null, so that later writes and the final flush raise nothing."""
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


def ask(what: str) -> Secret:
    """Ask the operator for a secret, on the terminal.

    Raises:
        UsageError: Without a terminal, standard input is at its end.
    """
    try:
        with warnings.catch_warnings():
            # Without a terminal, getpass reads standard input and warns; the script that writes there knows.
            warnings.simplefilter("ignore", getpass.GetPassWarning)
            return Secret(getpass.getpass(f"{what}: ", sys.stderr))
    except EOFError:
        say("")  # ends the line of the question
        raise UsageError(
            f"no answer to {what!r}: there is no terminal, and standard input is at its end"
        ) from None


@contextmanager
def speaking_around(progress: Progress) -> Iterator[Progress]:
    """Keep messages apart from a progress line inside the context; close the progress line at its end."""
    _progress.append(progress)
    try:
        yield progress
    finally:
        _progress.remove(progress)
        progress.close()


class MessageStream(io.TextIOBase):
    """A stream for text that a job prints during a run: it goes to stderr, apart from the progress line."""

    def writable(self) -> bool:
        """Return true: the stream can be written to."""
        return True

    def write(self, text: str) -> int:
        """Write the text to stderr; drop it if stderr is closed."""
        with _progress[-1].aside():
            return len(text) if sys.stderr is None else sys.stderr.write(text)

    def flush(self) -> None:
        """Flush stderr."""
        if sys.stderr is not None:
            sys.stderr.flush()


def show_warnings(*, quiet: bool) -> None:
    """Show warnings of the logger `runner` from now on; only its errors if `quiet`."""
    logger = logging.getLogger("runner")
    if not logger.handlers:
        logger.addHandler(Warnings())
    logger.setLevel(logging.ERROR if quiet else logging.WARNING)


class Warnings(logging.Handler):
    """A logging handler that prints each record as a line on stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        say(f"{record.levelname.lower()}: {record.getMessage()}")
