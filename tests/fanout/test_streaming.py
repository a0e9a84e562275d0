"""Silent hosts do not delay a run: it logs in to the others meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.connection.connections import Connections
from runner.fanout import FanoutOptions, stream
from runner.jobs import CommandJob
from runner.models import Host
from runner.reach import ReachOptions
from tests.reach.servers import listening, says_nothing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.connection.sshd import Sshd


def test_the_first_login_starts_before_the_last_ping_ends(sshd: Sshd) -> None:
    happened: list[str] = []

    def starting(names: Sequence[str]) -> None:
        happened.extend(f"login {name}" for name in names)

    with listening(says_nothing) as port:
        silent = [
            Host(f"silent{number}", {"ansible_host": "127.0.0.1", "ansible_port": port})
            for number in range(5)
        ]
        results = stream(
            [*silent, *(sshd.host(f"good{number}") for number in range(3))],
            CommandJob(("echo up",)),
            run="r",
            connecting=Connections(sshd.options()),
            options=FanoutOptions(workers=2),
            reach=ReachOptions(method="ssh", timeout_s=3, tries=2),
            starting=starting,
        )
        for result in results:
            happened.append(f"{result.status} {result.host}")  # noqa: PERF401 - logins are added in between
    pings_end = [index for index, what in enumerate(happened) if what.startswith("unreachable")]
    logins = [index for index, what in enumerate(happened) if what.startswith("login")]
    assert (len(pings_end), len(logins)) == (5, 3)
    assert logins[0] < pings_end[0]
    assert sum(what.startswith("ok good") for what in happened) == 3
