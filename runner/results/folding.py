"""Fold results: show an answer once, with all the hosts that gave it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.models import Status
from runner.text import value_text
from runner.text.hostlist import fold
from runner.text.ignore_patterns import mask

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runner.models import CommandResult, HostResult
    from runner.text.expressions import Expression

__all__ = ["Answer", "Fold", "Folding"]


@dataclass(frozen=True, slots=True)
class Fold:
    """Hosts that gave the same answer.

    Attributes:
        hosts: Their names.
        result: The result of one of them; status, exit codes, output and reason are the same for all. If
            their errors differ, its error names the host it belongs to.
    """

    hosts: tuple[str, ...]
    result: HostResult

    @property
    def name(self) -> str:
        """Their names, folded: `leaf[01-38,40]`."""
        return fold(self.hosts)

    def __str__(self) -> str:
        count = f" ({len(self.hosts)})" if len(self.hosts) > 1 else ""
        said = self.result.stdout or self.result.stderr or self.result.error or ""
        return f"{self.name}{count}: {self.result.status}\n{said}".rstrip("\n")


class Answer:
    """An answer and the hosts that gave it; its outputs are kept once, and may be on disk.

    Attributes:
        hosts: The names of the hosts that gave it, in order of arrival.
        ok: Whether these hosts ended `ok`.
    """

    __slots__ = ("_errors_differ", "_first", "hosts", "ok")

    def __init__(self, result: HostResult) -> None:
        self.hosts = [result.host]
        self.ok = result.ok
        self._first = result
        self._errors_differ = False

    def add(self, result: HostResult) -> None:
        """Add one more host that gave this answer."""
        self.hosts.append(result.host)
        if result.error != self._first.error:
            self._errors_differ = True

    def result(self) -> HostResult:
        """Return one result for all hosts; if their errors differ, its error names the host it belongs to."""
        first = self._first
        if not self._errors_differ:
            return first
        return first._replace(error=f"for example {first.host}: {first.error}")


class Folding:
    """Groups results by answer as they arrive; memory grows with the answers, not with the hosts.

    Args:
        patterns: Patterns for parts of the outputs to ignore when they are compared.
    """

    def __init__(self, patterns: Sequence[Expression] = ()) -> None:
        self._patterns = patterns
        self._answers: dict[tuple[object, ...], Answer] = {}

    def add(self, result: HostResult) -> None:
        """Add a result."""
        key = _key(result, self._patterns)
        answer = self._answers.get(key)
        if answer is None:
            self._answers[key] = Answer(result)
        else:
            answer.add(result)

    def answers(self, order: Mapping[str, int] | None = None) -> list[Answer]:
        """Return the answers: first those that are `ok`, then the others; in each part, the rarest last.

        Args:
            order: The position of each host in the inventory; None keeps the order of arrival.
        """
        found = list(self._answers.values())
        if order is not None:
            for answer in found:
                answer.hosts.sort(key=lambda host: order.get(host, -1))
            found.sort(key=lambda answer: order.get(answer.hosts[0], -1))
        return sorted(found, key=lambda answer: (not answer.ok, -len(answer.hosts)))

    def folds(self) -> Iterator[Fold]:
        """Yield each answer with its result."""
        for answer in self.answers():
            yield Fold(tuple(answer.hosts), answer.result())


def _key(result: HostResult, patterns: Sequence[Expression]) -> tuple[object, ...]:
    """Return a key that is equal for results that look the same to a reader."""
    if not result.commands and result.value is None:
        # The reason for skipping a host is our own text and may differ: another batch, another run.
        return result.status, result.reason, result.error if result.status is Status.SKIPPED else None
    digest = hashlib.blake2b(digest_size=16)
    for item in result.commands:
        out, err = _said(item, patterns, result.host)
        facts = (item.command, item.exit_code, item.signal, item.truncated, item.parse, len(out), len(err))
        digest.update(repr(facts).encode("utf-8", "surrogatepass"))
        digest.update(out)
        digest.update(err)
    return result.status, result.reason, digest.digest(), value_text(result.value)


def _said(item: CommandResult, patterns: Sequence[Expression], host: str) -> tuple[bytes, bytes]:
    if not patterns:
        return item.stdout_bytes, item.stderr_bytes
    texts = (
        mask(text, patterns, host).encode("utf-8", "surrogatepass") for text in (item.stdout, item.stderr)
    )
    return next(texts), next(texts)
