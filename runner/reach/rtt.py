"""The round-trip time of a TCP handshake."""

from __future__ import annotations

import socket
import sys
import time

from runner.reach.icmp import linux

__all__ = ["handshake_ms"]


def handshake_ms(sock: socket.socket, began: float) -> float:
    """Return the round-trip time of a connection's handshake, in milliseconds.

    Linux measures it in the kernel (`TCP_INFO` in tcp(7)), without the delay until this process handles the
    event. If the first packet had to be repeated, or on other systems, the time since `began` is returned.

    Args:
        sock: A socket that has just become connected.
        began: The monotonic time at which the connection was begun.
    """
    if sys.platform == "linux":
        end = linux.TCP_INFO_RTT_OFFSET + 4
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, end)
        microseconds = int.from_bytes(info[linux.TCP_INFO_RTT_OFFSET : end], sys.byteorder)
        if microseconds:
            return microseconds / 1000
    return (time.monotonic() - began) * 1000
