"""What `trust` does: scan, show, ask once, record once."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner import runs
from runner.connection.host_keys.records import KeyRecord, write_down
from runner.errors import UsageError
from runner.jobs import FunctionJob
from runner.models import Phase, Status
from runner.report.messages import ask, say
from runner.report.output import write
from runner.report.terminal import visible_line
from runner.results import Results
from runner.tasks.present import prepare

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runner.connection.scan import ShownKey
    from runner.jobs import Session
    from runner.models import HostResult
    from runner.runs import Plan
    from runner.settings import Settings

__all__ = ["Choice", "carry_out", "scan"]

_WORDS = {"changed": "CHANGED", "revoked": "REVOKED", "certificate": "known by certificate"}
_FORMATS = ("folded", "text", "json")


@dataclass(frozen=True, slots=True)
class Choice:
    """What the operator chose.

    Attributes:
        yes: Record without asking.
        hashed: Write names hashed.
        replace_changed: Record keys that have changed, too.
    """

    yes: bool = False
    hashed: bool = False
    replace_changed: bool = False

    def takes(self, key: ShownKey) -> bool:
        """Whether a key is to be recorded."""
        return key.known == "new" or (key.known == "changed" and self.replace_changed)


def scan(session: Session) -> tuple[ShownKey, ...]:
    """Ask one host for its keys; this is what is done in a worker."""
    return session.shown_keys()


def carry_out(settings: Settings, choice: Choice) -> int:
    """Scan the hosts that the flags name, and record what the operator agrees to; return the exit code.

    Raises:
        RunnerError: Something that the user can mend kept it from starting, or from being recorded.
    """
    if settings.format not in _FORMATS:
        raise UsageError(f"--format {settings.format}: trust shows {', '.join(_FORMATS)}")
    prepare(settings)
    plan = runs.plan(runs.Request("trust", settings, FunctionJob(scan), recorded=False), ask)
    results = _scanned(
        replace(plan, settings=replace(plan.settings, dry_run=False))
    )  # looking changes nothing
    if settings.format != "json":
        write(f"{visible_line(line)}\n" for line in _lines(results))
    shown = (key for result in results for key in _keys(result))
    wanted = list(dict.fromkeys(key for key in shown if choice.takes(key)))
    recorded = bool(wanted) and not settings.dry_run and _agreed(wanted, choice)
    if recorded:
        _record(wanted, choice)
    judged = [_judged(result, choice, recorded=recorded, dry=settings.dry_run) for result in results]
    everything = Results(judged, plan.run.ended(), plan.hosts)
    if settings.format == "json":
        write([json.dumps(everything.to_dict(), indent=2, ensure_ascii=False), "\n"])
    return everything.exit_code


def _scanned(plan: Plan) -> list[HostResult]:
    """Return each host's result in the order of the inventory; its value is what the host shows."""
    found = {result.host: result for result in runs.carry_out(plan)}
    return [found[host.name] for host in plan.hosts if host.name in found]


def _keys(result: HostResult) -> tuple[ShownKey, ...]:
    return result.value if result.ok and result.value else ()


def _lines(results: Iterable[HostResult]) -> Iterator[str]:
    for result in results:
        keys = _keys(result)
        if not keys:
            yield f"{result.host}: {result.status}"
            yield f"  {result.error}"
            continue
        name = "" if keys[0].name == result.host else f" {keys[0].name}"
        yield f"{result.host}:{name}"
        for key in keys:
            other = f" ({', '.join(key.places)} has another)" if key.known == "changed" else ""
            known = _WORDS.get(key.known, key.known)
            yield f"  {known:8} {key.key_type} {key.fingerprint}{other}"


def _agreed(wanted: Sequence[ShownKey], choice: Choice) -> bool:
    """Ask, once; whether the operator agrees.

    Raises:
        UsageError: There is nobody to ask.
    """
    if choice.yes:
        return True
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


def _record(wanted: Sequence[ShownKey], choice: Choice) -> None:
    """Write the keys down, each file at once.

    Raises:
        UsageError: A file cannot be written, or there is none.
    """
    for path in dict.fromkeys(key.file for key in wanted):
        mine = [key for key in wanted if key.file == path]
        if path is None:
            raise UsageError("no known_hosts file is set, so that nothing can be recorded")
        records = [KeyRecord(key.name, key.key_type, key.blob) for key in mine]
        replaced = {(key.name, key_type) for key in mine for key_type in key.replaces}
        try:
            write_down(path, records, replaced, hashed=choice.hashed)
        except OSError as exc:
            raise UsageError(f"{path}: nothing was recorded, it cannot be written: {exc.strerror}") from exc
        say(f"recorded {_many(len(records), 'key')} in {path}")


def _judged(result: HostResult, choice: Choice, *, recorded: bool, dry: bool) -> HostResult:
    """Return a host's result as it stands now, its keys as a document."""
    keys = _keys(result)
    if not keys:
        return result
    document = [
        {
            "name": key.name,
            "type": key.key_type,
            "fingerprint": key.fingerprint,
            "known": key.known,
            "recorded": recorded and choice.takes(key),
            "places": list(key.places),
        }
        for key in keys
    ]
    reason = _reason(keys, choice, recorded=recorded or dry)
    if reason is None:
        return result._replace(value=document)
    words = {"hostkey-unknown": "not recorded", "hostkey-changed": "changed", "hostkey-revoked": "revoked"}
    return result._replace(
        status=Status.HOSTKEY,
        phase=Phase.HANDSHAKE,
        reason=reason,
        error=f"a host key is {words[reason]}",
        value=document,
    )


def _reason(keys: Sequence[ShownKey], choice: Choice, *, recorded: bool) -> str | None:
    left = {key.known for key in keys if not (recorded and choice.takes(key))}
    for known, reason in (
        ("revoked", "hostkey-revoked"),
        ("changed", "hostkey-changed"),
        ("new", "hostkey-unknown"),
    ):
        if known in left and not (known == "new" and "certificate" in left):
            return reason
    return None
