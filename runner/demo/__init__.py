"""The embedded fleet: simulated devices on loopback, for first steps, tests and benchmarks.

Everything is one process without root. The SSH side is asyncssh, an implementation other than the one
that the program itself speaks, so that a fault of one does not hide behind the same fault of the other.

    with Fleet() as fleet:
        runner.ping(runner.load("inventories/demo"))
"""

from runner.demo.device import Device, Interface, Platform
from runner.demo.devices import DEMO_DEVICES, replicas
from runner.demo.fleet import Fleet

__all__ = ["DEMO_DEVICES", "Device", "Fleet", "Interface", "Platform", "replicas"]
