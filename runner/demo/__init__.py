"""The embedded fleet: simulated devices on loopback, for first steps, tests and benchmarks.

The whole fleet runs in one process and does not need root. Its SSH server is asyncssh, not the implementation
that the program itself uses, so that a bug in one is not hidden by the same bug in the other.

    with Fleet() as fleet:
        runner.ping(runner.load("inventories/demo"))
"""

from runner.demo.device import Device, Interface, Platform
from runner.demo.devices import DEMO_DEVICES, eos_switch, junos_router, replicas
from runner.demo.fleet import Fleet

__all__ = [
    "DEMO_DEVICES",
    "Device",
    "Fleet",
    "Interface",
    "Platform",
    "eos_switch",
    "junos_router",
    "replicas",
]
