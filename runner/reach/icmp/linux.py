"""Socket constants of the Linux kernel that Python 3.11's `socket` module does not name.

Values from `<asm-generic/socket.h>`, `<linux/in.h>`, `<linux/in6.h>` and `<linux/icmp.h>`. They are used only
where `sys.platform` is `linux`; on other systems the probes work without these features.
"""

from __future__ import annotations

SO_SNDBUFFORCE = 32
SO_RCVBUFFORCE = 33
SO_TIMESTAMPNS = 35
SO_MEMINFO = 55
SK_MEMINFO_DROPS = 8
"""Index of the dropped-datagram count among the 32-bit numbers that `SO_MEMINFO` returns."""
IP_RECVERR = 11
IPV6_RECVERR = 25
SOL_RAW = 255
ICMP_FILTER = 1
SO_EE_ORIGIN_LOCAL = 1
TCP_INFO_RTT_OFFSET = 68
"""Offset of the smoothed round-trip time, in microseconds, in `struct tcp_info`."""
