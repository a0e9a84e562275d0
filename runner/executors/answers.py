"""Serialise calls for another process, and their outcomes on the way back."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Future

__all__ = ["Answer", "NotBegun", "Outcome", "answer", "not_begun", "outcome", "packed", "settle"]


class NotBegun(RuntimeError):
    """The worker could not unpickle or start a call, so nothing of it was done."""


class Answer(NamedTuple):
    """The pickled outcome of a call: its value, or the exception that it raised."""

    raised: bool
    payload: bytes


def packed(fn: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> bytes:
    """Return a call as pickled bytes.

    Raises:
        Exception: `pickle` cannot serialise it.
    """
    return pickle.dumps((fn, args, kwargs))


class Outcome(NamedTuple):
    """The outcome of a call: its value, or the exception that it raised.

    A value may refer to outputs on disk, and its pickle contains them in full: pickle it only for sending.
    """

    raised: bool
    value: Any

    def packed(self) -> Answer:
        """Return the pickled outcome."""
        if not self.raised:
            try:
                return Answer(False, pickle.dumps(self.value))
            except BaseException as exc:  # pickling a value may raise anything  # noqa: BLE001
                return Answer(True, _failure(exc))
        return Answer(True, _failure(self.value))


def outcome(payload: bytes) -> Outcome:
    """Run a call from another process; return its value, or any exception, as its outcome."""
    try:
        fn, args, kwargs = pickle.loads(payload)  # noqa: S301 - from the process that started this one
    except BaseException as exc:  # importing a module may even exit  # noqa: BLE001
        return not_begun(_text(exc))
    try:
        return Outcome(False, fn(*args, **kwargs))
    except BaseException as exc:  # the future carries any exception of the call  # noqa: BLE001
        return Outcome(True, exc)


def answer(payload: bytes) -> Answer:
    """Run a call from another process, and return its pickled outcome."""
    return outcome(payload).packed()


def not_begun(why: str) -> Outcome:
    """Return the outcome of a call that was not begun."""
    return Outcome(True, NotBegun(why))


def settle(future: Future[Any], came: Answer) -> None:
    """Set a future to the outcome of its call, or to the exception if the outcome cannot be unpickled."""
    raised = came.raised
    try:
        value = pickle.loads(came.payload)  # noqa: S301 - from our own worker
    except Exception as exc:  # noqa: BLE001 - the future carries it
        raised, value = True, exc
    if raised:
        future.set_exception(value)
    else:
        future.set_result(value)


def _failure(exc: BaseException) -> bytes:
    """Return a pickled exception; one that does not pickle is replaced by a `RuntimeError` with its text."""
    try:
        found = pickle.dumps(exc)
        pickle.loads(found)  # noqa: S301 - just made here
    except BaseException:  # pickling an exception may raise anything  # noqa: BLE001
        return pickle.dumps(RuntimeError(_text(exc)))
    return found


def _text(exc: BaseException) -> str:
    try:
        return f"{type(exc).__name__}: {exc}"
    except Exception:  # noqa: BLE001 - a foreign `__str__` may raise anything
        return type(exc).__name__
