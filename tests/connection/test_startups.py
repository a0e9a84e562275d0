"""Not too many at once that have not logged in yet."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from runner.connection.access import access
from runner.connection.deadline import Deadline, abort
from runner.connection.options import ConnectionOptions
from runner.connection.startups import turn
from runner.models import Host

if TYPE_CHECKING:
    from runner.connection.access import Access


def target(address: str, port: int = 22, most: int = 2) -> Access:
    host = Host("h", {"ansible_host": address, "ansible_port": port})
    return access(host, ConnectionOptions(startups=most, ssh_config=None))


def most_at_once(targets: list[Access]) -> int:
    """How many of these were in their turn together."""
    inside, most, lock = 0, 0, threading.Lock()

    def take(each: Access) -> None:
        nonlocal inside, most
        with turn(each, Deadline()):
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.02)
            with lock:
                inside -= 1

    threads = [threading.Thread(target=take, args=(each,)) for each in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return most


@pytest.mark.parametrize(
    ("targets", "most"),
    [
        ([target("192.0.2.1")] * 8, 2),
        ([target("192.0.2.1", port) for port in range(1000, 1008)], 2),
        ([target(f"192.0.2.{last}") for last in range(1, 9)], 8),
        ([target("192.0.2.1", most=0)] * 8, 8),
        ([target("127.0.0.1", port) for port in range(1000, 1008)], 8),
        ([target("127.0.0.1", 1000)] * 8, 2),
    ],
)
def test_so_many_begin_at_one_address_and_on_this_machine_at_one_port(
    targets: list[Access], most: int
) -> None:
    assert most_at_once(targets) == most


def test_a_jump_host_and_what_stands_behind_it_wait_for_their_own_kind_only() -> None:
    plain = target("192.0.2.9", most=1)
    host = Host("behind", {"ansible_host": "192.0.2.9", "ansible_ssh_common_args": "-J 192.0.2.1"})
    behind = access(host, ConnectionOptions(startups=1, ssh_config=None))
    assert behind.jumps
    with turn(behind, Deadline()), turn(plain, Deadline()):
        pass


def test_neither_the_hosts_deadline_nor_the_end_of_the_run_waits_for_a_turn() -> None:
    one = replace(target("192.0.2.77", most=1))
    with turn(one, Deadline()):
        begin = time.monotonic()
        with turn(one, Deadline.after(0.1)):
            pass
        abort("ended-while-waiting")
        with turn(one, Deadline(run="ended-while-waiting")):
            pass
        assert time.monotonic() - begin < 20
