"""The decisions of `trust`: which host keys to record, and the status of each host afterwards."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner.connection.host_keys.records import KeyRecord, write_down
from runner.errors import UsageError
from runner.jobs import FunctionJob
from runner.models import Phase, Status
from runner.runs.execution import carry_out
from runner.runs.planning import Plan, Request, plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runner.connection.host_keys.scan import ShownKey
    from runner.jobs import Session
    from runner.models import HostResult
    from runner.runs.questions import Ask
    from runner.settings import Settings

__all__ = ["Choice", "keys", "planned", "record", "scan", "scanned"]

_REASONS = {
    "revoked": ("hostkey-revoked", "revoked"),
    "changed": ("hostkey-changed", "changed"),
    "new": ("hostkey-unknown", "not recorded"),
}
"""Why a host with such a key is not ok: the reason code, and a word for people; the worst is first."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The operator's choice.

    Attributes:
        replace_changed: Whether to record changed keys, too.
    """

    replace_changed: bool = False

    def takes(self, key: ShownKey) -> bool:
        """Return whether to record a key."""
        return key.known == "new" or (key.known == "changed" and self.replace_changed)

    def wanted(self, results: Iterable[HostResult]) -> list[ShownKey]:
        """Return the keys to record, each once."""
        return list(dict.fromkeys(key for result in results for key in keys(result) if self.takes(key)))

    def judged(self, result: HostResult, *, recorded: bool, dry: bool) -> HostResult:
        """Return a host's result after recording; its value is a JSON document of its keys.

        Args:
            result: The result of the scan.
            recorded: Whether the wanted keys have been recorded.
            dry: Whether this is a dry run: the wanted keys would have been recorded.
        """
        shown = keys(result)
        if not shown:
            return result
        result = result._replace(value=[self._document(key, recorded=recorded) for key in shown])
        left = {key.known for key in shown if not ((recorded or dry) and self.takes(key))}
        if "certificate" in left:
            left.discard("new")
        for known, (reason, word) in _REASONS.items():
            if known in left:
                return result._replace(
                    status=Status.HOSTKEY,
                    phase=Phase.HANDSHAKE,
                    reason=reason,
                    error=f"a host key is {word}",
                )
        return result

    def _document(self, key: ShownKey, *, recorded: bool) -> dict[str, object]:
        return {
            "name": key.name,
            "type": key.key_type,
            "fingerprint": key.fingerprint,
            "known": key.known,
            "recorded": recorded and self.takes(key),
            "places": list(key.places),
        }


def scan(session: Session) -> tuple[ShownKey, ...]:
    """Return the keys of one host; this runs in a worker."""
    return session.shown_keys()


def planned(settings: Settings, ask: Ask) -> Plan:
    """Return the plan of a scan. A dry run scans, too, because a scan changes nothing.

    Raises:
        RunnerError: The run cannot start, for a reason that the user can fix.
    """
    found = plan(Request("trust", settings, FunctionJob(scan), recorded=False), ask)
    return replace(found, settings=replace(found.settings, dry_run=False))


def scanned(plan: Plan) -> list[HostResult]:
    """Return each host's result in inventory order; its value is the keys that the host shows."""
    found = {result.host: result for result in carry_out(plan)}
    return [found[host.name] for host in plan.hosts if host.name in found]


def keys(result: HostResult) -> tuple[ShownKey, ...]:
    """Return the keys that a host showed."""
    return result.value if result.ok and result.value else ()


def record(wanted: Sequence[ShownKey], *, hashed: bool) -> Iterator[tuple[str, int]]:
    """Write keys to known_hosts files, one write per file; yield each file and its number of keys.

    Raises:
        UsageError: A file cannot be written, or no file is set.
    """
    for path in dict.fromkeys(key.file for key in wanted):
        mine = [key for key in wanted if key.file == path]
        if path is None:
            raise UsageError("no known_hosts file is set, so nothing can be recorded")
        records = [KeyRecord(key.name, key.key_type, key.blob) for key in mine]
        replaced = {(key.name, key_type) for key in mine for key_type in key.replaces}
        try:
            write_down(path, records, replaced, hashed=hashed)
        except OSError as exc:
            raise UsageError(f"{path}: nothing was recorded, it cannot be written: {exc.strerror}") from exc
        yield path, len(records)
