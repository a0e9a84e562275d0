"""The measurements of `bench/fanout.py`, as tables of a page and as a plot."""

from __future__ import annotations

import json
import re
import statistics
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Cost", "Found", "medians", "plot", "put_on_page", "table"]


@dataclass(frozen=True)
class Cost:
    """The figures of one run of one tool.

    Attributes:
        tool: Its name.
        hosts: The number of hosts.
        workers: The number of hosts at once; 0 is the program's default.
        ok: The number of hosts that succeeded; None if the tool did not report it.
        wall_s: Seconds, start-up included.
        cpu_s: Processor seconds of the tool and its descendants.
        server_s: Processor seconds of the server.
        peak_mb: The most memory that the tool and its descendants used at once.
        ended: Whether it was killed because its time was over.
    """

    tool: str
    hosts: int
    workers: int
    ok: int | None
    wall_s: float
    cpu_s: float
    server_s: float
    peak_mb: float
    ended: bool = False


@dataclass(frozen=True)
class Found:
    """The measurements over one fleet.

    Attributes:
        label: The label of their table.
        own_s: Seconds that one host alone takes with `runner thread`; 0 if no ideal time follows from it.
        costs: Every run.
    """

    label: str
    own_s: float
    costs: tuple[Cost, ...]

    @classmethod
    def read(cls, file: str) -> Found:
        """Read a file that `write` wrote."""
        said: dict[str, Any] = json.loads(Path(file).read_text())
        return cls(said["label"], said["own_s"], tuple(Cost(**cost) for cost in said["costs"]))

    def write(self, file: str) -> None:
        """Write the measurements to a file, as JSON."""
        said = vars(self) | {"costs": [vars(cost) for cost in self.costs]}
        Path(file).write_text(json.dumps(said, indent=1))


def medians(costs: Sequence[Cost]) -> list[Cost]:
    """Return one cost for each tool, size and number at once: medians, and the lowest count of ok hosts."""
    groups: dict[tuple[int, int, str], list[Cost]] = {}
    for cost in costs:
        groups.setdefault((cost.hosts, cost.workers, cost.tool), []).append(cost)
    return [_median(same) for _, same in sorted(groups.items(), key=lambda group: group[0][:2])]


def _median(same: Sequence[Cost]) -> Cost:
    numbers = ("wall_s", "cpu_s", "server_s", "peak_mb")
    middle = {name: statistics.median(getattr(cost, name) for cost in same) for name in numbers}
    told = [cost.ok for cost in same if cost.ok is not None]
    ok = min(told) if len(told) == len(same) else None
    return replace(same[0], ok=ok, ended=any(cost.ended for cost in same), **middle)


def table(found: Found) -> Iterator[str]:
    """Yield the lines of a table; `of ours` is relative to our fastest run with as many hosts and workers."""
    costs = medians(found.costs)
    heads = ["hosts", "at once", "tool", "ok", "wall", "of ours", "client CPU", "server CPU", "peak memory"]
    if found.own_s:
        heads.insert(6, "of the ideal")
    yield f"| {' | '.join(heads)} |"
    yield f"| {' | '.join('---' if head == 'tool' else '--:' for head in heads)} |"
    for cost in costs:
        alike = [each for each in costs if (each.hosts, each.workers) == (cost.hosts, cost.workers)]
        ours = [each.wall_s for each in alike if each.tool.startswith("runner") and not each.ended]
        yield f"| {' | '.join(_cells(cost, min(ours, default=None), found.own_s))} |"


def _cells(cost: Cost, ours_s: float | None, own_s: float) -> Iterator[str]:
    more = "> " if cost.ended else ""
    yield from (f"{cost.hosts:,}", f"{cost.workers:,}" if cost.workers else "its own", cost.tool)
    yield "?" if cost.ok is None else f"{cost.ok:,}"
    yield f"{more}{cost.wall_s:.1f} s"
    yield f"{more}{cost.wall_s / ours_s:.2f}x" if ours_s else ""
    if own_s:
        yield f"{more}{cost.wall_s / (own_s * max(1.0, cost.hosts / cost.workers)):.2f}x"
    yield from (f"{more}{cost.cpu_s:.1f} s", f"{more}{cost.server_s:.1f} s", f"{cost.peak_mb:.0f} MB")


def merged(found: Sequence[Found]) -> dict[str, Found]:
    """Merge the measurements of each table, in the order of the files."""
    tables: dict[str, Found] = {}
    for each in found:
        before = tables.get(each.label)
        costs = (*before.costs, *each.costs) if before else each.costs
        tables[each.label] = Found(each.label, before.own_s if before else each.own_s, costs)
    return tables


def put_on_page(page: str, found: Sequence[Found]) -> None:
    """Replace each table of the page: the text between `<!-- LABEL -->` and `<!-- end of LABEL -->`.

    Raises:
        ValueError: The page does not have this pair of labels exactly once.
    """
    text = Path(page).read_text()
    for label, each in merged(found).items():
        begin, end = f"<!-- {label} -->", f"<!-- end of {label} -->"
        place = re.compile(rf"(?<={re.escape(begin)}\n).*?(?={re.escape(end)})", re.DOTALL)
        own = ("", f"One host alone takes {each.own_s:.2f} s.") if each.own_s else ()
        lines = "\n".join([*own, "", *table(each), "", ""])
        text, number = place.subn(lambda _match, lines=lines: lines, text)
        if number != 1:
            raise ValueError(f"{page}: expected one {begin} and {end}, found {number}")
    Path(page).write_text(text)


def plot(target: str, found: Sequence[Found]) -> None:
    """Draw wall time over the number of hosts, a panel for each table."""
    import matplotlib as mpl  # noqa: PLC0415 - only plots need it

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "runner"  # the same picture is the same file
    from matplotlib import pyplot as plt  # noqa: PLC0415

    tables = merged(found)
    figure, panels = plt.subplots(1, len(tables), figsize=(6 * len(tables), 5), squeeze=False)
    for panel, (title, each) in zip(panels[0], tables.items(), strict=True):
        costs = [cost for cost in medians(each.costs) if not cost.ended]
        for tool, workers in dict.fromkeys((cost.tool, cost.workers) for cost in costs):
            mine = [cost for cost in costs if (cost.tool, cost.workers) == (tool, workers)]
            style = {"linewidth": 2.5} if tool.startswith("runner") else {"linewidth": 1, "linestyle": "--"}
            hosts, walls = [cost.hosts for cost in mine], [cost.wall_s for cost in mine]
            label = f"{tool}, {workers:,} at once" if workers else tool
            panel.plot(hosts, walls, marker="o", label=label, **style)
        panel.set(xscale="log", yscale="log", xlabel="hosts", ylabel="wall, seconds", title=title)
        panel.grid(visible=True, which="both", alpha=0.3)
        panel.legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(target, metadata={"Date": None})
