"""Functions for hosts that need no network, importable by worker processes."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.jobs import CommandFailed
from runner.models import Phase

if TYPE_CHECKING:
    from runner.jobs import Session


class Unpicklable:
    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("this stays here")


class Unreadable:
    """Leaves its process and cannot be made again in another."""

    def __reduce__(self) -> tuple[Any, ...]:
        return refuse, ()


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class Stubborn(Exception):
    """Pickles, but needs two arguments and remembers one."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one)
        self.two = two


def refuse() -> None:
    raise ValueError("cannot be made again")


def echo(value: Any) -> Any:
    return value


def answer(number: int) -> int:
    """Fail for every twentieth, raise for every hundredth, and say who the others are."""
    if number % 100 == 1:
        raise ValueError(number)
    if number % 20 == 2:
        raise CommandFailed("as was to be", reason="exit-code", phase=Phase.COMMAND)
    return number


def nap(seconds: float, value: Any = None) -> Any:
    time.sleep(seconds)
    return value


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(mark: str) -> str:
    """Kill the worker, unless that has been done before."""
    if not Path(mark).exists():
        Path(mark).touch()
        die()
    return "well"


def note(folder: str) -> None:
    """Leave a file that says which process was here."""
    (Path(folder) / str(os.getpid())).touch()


def mark_and_nap(folder: str, number: int, seconds: float) -> None:
    """Leave a file for each time that this is done, and take a while."""
    (Path(folder) / f"{number}-{os.getpid()}-{time.monotonic_ns()}").touch()
    time.sleep(seconds)


def meet(folder: str, name: str, number: int) -> tuple[int, int]:
    """Wait until this many calls with the same folder have begun; say where this one is."""
    (Path(folder) / name).touch()
    end = time.monotonic() + 60
    while len(list(Path(folder).iterdir())) < number:
        if time.monotonic() > end:
            raise TimeoutError(f"{name} waited for the others in vain")
        time.sleep(0.01)
    return where()


def where() -> tuple[int, int]:
    return os.getpid(), threading.get_ident()


def fail(kind: type[BaseException], *arguments: Any) -> None:
    raise kind(*arguments)


def make(kind: type[Any]) -> Any:
    return kind()


def host_name(session: Session) -> str:
    return session.name


def host_by_name(session: Session) -> Any:
    """Do what the host's variables say."""
    return globals()[session.variables["do"]](*session.variables.get("with", ()))
