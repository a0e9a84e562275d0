"""`trust`: show the host keys of hosts and record them in known_hosts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from runner.errors import UsageError
from runner.settings.heeded import TASKS
from runner.tasks.fleet import FleetTask

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runner.connection.host_keys.scan import ShownKey
    from runner.models import HostResult
    from runner.tasks.fleet import Call

__all__ = ["trust"]

_WORDS = {"changed": "CHANGED", "revoked": "REVOKED", "certificate": "known by certificate"}
_FORMATS = ("folded", "text", "json")


def _trust(call: Call, yes: bool = False, hash: bool = False, replace_changed: bool = False) -> int:  # noqa: A002 - the flag's name
    """Show the host keys of hosts, all at once, and record those that are not known yet."""
    import json  # noqa: PLC0415 - loaded only when a task runs

    from runner.report.messages import ask, say  # noqa: PLC0415
    from runner.report.output import write  # noqa: PLC0415
    from runner.report.terminal import visible_line  # noqa: PLC0415
    from runner.results.results import Results  # noqa: PLC0415
    from runner.runs import trusting  # noqa: PLC0415
    from runner.tasks.settings import say_settings  # noqa: PLC0415

    settings = call.settings
    if settings.format not in _FORMATS:
        raise UsageError(f"--format {settings.format}: trust shows {', '.join(_FORMATS)}")
    say_settings(settings)
    choice = trusting.Choice(replace_changed)
    plan = trusting.planned(settings, ask)
    results = trusting.scanned(plan)
    if settings.format != "json":
        write(f"{visible_line(line)}\n" for line in _lines(results))
    wanted = choice.wanted(results)
    recorded = bool(wanted) and not settings.dry_run and (yes or _agreed(wanted))
    if recorded:
        for path, count in trusting.record(wanted, hashed=hash):
            say(f"recorded {_many(count, 'key')} in {path}")
    judged = [choice.judged(result, recorded=recorded, dry=settings.dry_run) for result in results]
    everything = Results(judged, plan.run.ended(), plan.hosts)
    if settings.format == "json":
        write([json.dumps(everything.to_dict(), indent=2, ensure_ascii=False), "\n"])
    return everything.exit_code


def _lines(results: Iterable[HostResult]) -> Iterator[str]:
    from runner.runs.trusting import keys  # noqa: PLC0415 - as above

    for result in results:
        shown = keys(result)
        if not shown:
            yield f"{result.host}: {result.status}"
            yield f"  {result.error}"
            continue
        name = "" if shown[0].name == result.host else f" {shown[0].name}"
        yield f"{result.host}:{name}"
        for key in shown:
            other = f" ({', '.join(key.places)} has another)" if key.known == "changed" else ""
            known = _WORDS.get(key.known, key.known)
            yield f"  {known:8} {key.key_type} {key.fingerprint}{other}"


def _agreed(wanted: Sequence[ShownKey]) -> bool:
    """Ask the operator once whether to record the keys; return whether the answer is yes.

    Raises:
        UsageError: Standard input is not a terminal.
    """
    from runner.report.messages import say  # noqa: PLC0415 - as above

    names = {key.name for key in wanted}
    files = sorted({key.file or "no file" for key in wanted})
    changed = sum(key.known == "changed" for key in wanted)
    note = f", {changed} of them in place of another" if changed else ""
    what = f"{_many(len(wanted), 'key')} of {_many(len(names), 'host')}"
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError("nothing was recorded: there is no terminal to ask on; --yes records without asking")
    say(f"Record {what} in {', '.join(files)}{note}? [y/N]")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _many(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


trust = FleetTask(
    _trust,
    name="trust",
    heeded=TASKS["trust"],
    help={
        "yes": "record them without asking",
        "hash": "write the names of hosts hashed",
        "replace-changed": "also record a key that has changed, in place of the recorded one",
    },
)
