"""A fleet of simulated devices in this process: a background thread with its own event loop."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from runner.demo.clock import utc_now
from runner.demo.devices import DEMO_DEVICES
from runner.errors import MissingExtra, RunnerError, UsageError
from runner.models import Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from runner.demo.device import Device
    from runner.demo.server import DeviceServer

__all__ = ["Fleet"]


class Fleet:
    """Simulated devices that answer from the return of `start` until the return of `stop`.

        with Fleet() as fleet:
            fleet.endpoint("r1")

    A big fleet needs a file descriptor for each device and one for each connection (`ulimit -n`).

    Args:
        devices: The devices; by default those of `inventories/demo`.
        now: The clock of the devices, which a test can move forward.

    Raises:
        UsageError: Two devices have the same name, or a device would be reachable from other machines.
    """

    def __init__(
        self, devices: Sequence[Device] = DEMO_DEVICES, *, now: Callable[[], datetime] = utc_now
    ) -> None:
        self.devices = tuple(devices)
        self._now = now
        self._named = {device.name: device for device in self.devices}
        if len(self._named) != len(self.devices):
            raise UsageError("two devices of a demo fleet have the same name: give each a different one")
        for device in self.devices:
            _check_address(device)
        self._servers: dict[str, DeviceServer] = {}
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._settled = threading.Event()
        self._failure: Exception | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def start(self) -> Self:
        """Start every device; return when all of them answer.

        Raises:
            MissingExtra: asyncssh is not installed.
            RunnerError: A port cannot be opened, or the fleet is already running. After a failed start, no
                device is left running.
        """
        try:
            from runner.demo.server import DeviceServer  # noqa: PLC0415 - asyncssh is an extra
        except ModuleNotFoundError as exc:
            raise MissingExtra("the demo fleet", "demo") from exc
        if self._thread is not None:
            raise RunnerError("this demo fleet is already running: stop it before starting it again")
        self._servers = {device.name: DeviceServer(device, self._now) for device in self.devices}
        self._failure = None
        self._settled.clear()
        self._thread = threading.Thread(target=self._run, name="demo-fleet", daemon=True)
        self._thread.start()
        self._settled.wait()
        if self._failure is not None:
            self.stop()
            raise self._failure
        return self

    def stop(self) -> None:
        """Close every connection and port, and end the thread. A second call does nothing."""
        if self._thread is None:
            return
        if self._loop is not None and self._stopping is not None:
            # The loop has already ended if a port was in use.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._thread = self._loop = self._stopping = None

    def wait(self) -> None:
        """Block until another thread stops the fleet, or a KeyboardInterrupt ends the wait."""
        while self._thread is not None and self._thread.is_alive():
            self._thread.join(timeout=1.0)

    def endpoint(self, name: str) -> Endpoint:
        """Return a device's address and port; a port that the system picks is known after the start.

        Raises:
            KeyError: The fleet has no device with this name.
        """
        device, server = self._named[name], self._servers.get(name)
        return Endpoint(device.address, server.port if server is not None else device.port)

    def known_hosts(self) -> str:
        """Return the lines of a `known_hosts` file for the fleet, in the order of its devices."""
        from runner.demo.keys import known_hosts_line  # noqa: PLC0415 - cryptography loads slowly

        places = {name: self.endpoint(name) for name in self._named}
        return "".join(known_hosts_line(name, *place) + "\n" for name, place in places.items())

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as exc:
            if self._settled.is_set():
                raise
            self._failure = exc  # `start` raises it in the caller's thread
        finally:
            self._settled.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        try:
            for server in self._servers.values():
                await _open(server)
            self._settled.set()
            await self._stopping.wait()
        finally:
            for server in self._servers.values():
                await server.close()


async def _open(server: DeviceServer) -> None:
    try:
        await server.open()
    except (OSError, OverflowError) as exc:
        raise RunnerError(_refusal(server.device, exc)) from exc


def _check_address(device: Device) -> None:
    """Reject an address that is not loopback: the password of these devices is public."""
    try:
        loopback = ipaddress.IPv4Address(device.address).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        place = f"demo device {device.name} cannot listen on {device.address}"
        raise UsageError(f"{place}: give it an address in 127.0.0.0/8")


def _refusal(device: Device, exc: OSError | OverflowError) -> str:
    """Return one line that says why a port could not be opened and what to do."""
    place = f"demo device {device.name} cannot listen on {device.address}:{device.port}"
    code = exc.errno if isinstance(exc, OSError) else None
    if code == errno.EADDRINUSE:
        return f"{place}: the port is in use; stop the program there (another demo fleet?), then try again"
    if code in {errno.EMFILE, errno.ENFILE}:
        return f"{place}: too many open files; raise the limit (`ulimit -n`) or start fewer devices"
    return f"{place}: {os.strerror(code) if code else exc}"
