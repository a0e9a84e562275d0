"""Calls on their way to another process, and what they came to on their way back."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Future

__all__ = ["Answer", "NotBegun", "Outcome", "answer", "not_begun", "outcome", "packed", "settle"]


class NotBegun(RuntimeError):
    """A call could not be read where it was to be done: nothing of it was."""


class Answer(NamedTuple):
    """What a call came to: its value, or what it raised, pickled."""

    raised: bool
    payload: bytes


def packed(fn: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> bytes:
    """Return a call as it travels.

    Raises:
        Exception: It cannot, as `pickle` says.
    """
    return pickle.dumps((fn, args, kwargs))


class Outcome(NamedTuple):
    """The outcome of a call: its value, or the exception that it raised.

    A value may hold outputs that are on disk, and its pickle holds them all: make that when it is sent.
    """

    raised: bool
    value: Any

    def packed(self) -> Answer:
        """Return it as it travels."""
        if not self.raised:
            try:
                return Answer(False, pickle.dumps(self.value))
            except BaseException as exc:  # a value's own pickling may raise anything  # noqa: BLE001
                return Answer(True, _failure(exc))
        return Answer(True, _failure(self.value))


def outcome(payload: bytes) -> Outcome:
    """Do a call that came from another process; whatever happens in it is its outcome."""
    try:
        fn, args, kwargs = pickle.loads(payload)  # noqa: S301 - from whoever started this process
    except BaseException as exc:  # a module may even exit when it is imported  # noqa: BLE001
        return not_begun(_text(exc))
    try:
        return Outcome(False, fn(*args, **kwargs))
    except BaseException as exc:  # the future carries whatever the call raised  # noqa: BLE001
        return Outcome(True, exc)


def answer(payload: bytes) -> Answer:
    """Do a call that came from another process, and return what it came to as it travels."""
    return outcome(payload).packed()


def not_begun(why: str) -> Outcome:
    """Return the outcome of a call of which nothing was done."""
    return Outcome(True, NotBegun(why))


def settle(future: Future[Any], came: Answer) -> None:
    """Give a future what its call came to; a value's own unpickling may raise anything."""
    raised = came.raised
    try:
        value = pickle.loads(came.payload)  # noqa: S301 - from a worker of ours
    except Exception as exc:  # noqa: BLE001 - the future carries it
        raised, value = True, exc
    if raised:
        future.set_exception(value)
    else:
        future.set_result(value)


def _failure(exc: BaseException) -> bytes:
    """Return what a call raised; an exception that does not pickle becomes its text."""
    try:
        found = pickle.dumps(exc)
        pickle.loads(found)  # noqa: S301 - just made here
    except BaseException:  # an exception's own pickling may raise anything  # noqa: BLE001
        return pickle.dumps(RuntimeError(_text(exc)))
    return found


def _text(exc: BaseException) -> str:
    try:
        return f"{type(exc).__name__}: {exc}"
    except Exception:  # noqa: BLE001 - its `__str__` is not ours
        return type(exc).__name__
