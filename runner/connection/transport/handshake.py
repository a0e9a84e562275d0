"""Banner, key exchange and host key: all steps before a secret may be sent."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import paramiko

from runner.connection.deadline import LONGEST
from runner.connection.host_keys import known_hosts
from runner.connection.host_keys.judgement import judge
from runner.connection.transport.faults import own_fault
from runner.connection.transport.kexinit import read_offer
from runner.errors import Unreachable
from runner.models import Phase
from runner.text import excerpt

if TYPE_CHECKING:
    from runner.connection.options import ConnectionOptions
    from runner.connection.transport.dial import PeerSocket
    from runner.connection.transport.paramiko_fixes import Transport
    from runner.models import Endpoint

__all__ = ["agree", "no_answer", "what_broke"]

# A server shows a recorded `ssh-rsa` key under these names since SHA-1 signatures are gone (RFC 8332).
_RSA = ("rsa-sha2-512", "rsa-sha2-256")
# Paramiko compares a separate MAC byte by byte in Python, for every packet; these ciphers need no MAC.
_CHEAP_CIPHERS = frozenset({"aes128-gcm@openssh.com", "aes256-gcm@openssh.com"})
_SHOWN = 80
_OLDER = re.compile("sha1|ssh-rsa")
_WITHOUT_SHA1 = 5  # the major version of Paramiko that removed SHA-1 key exchange and `ssh-rsa` signatures
_MARKS = ("kex-strict-", "ext-info-")  # markers in the list of algorithms, not algorithms (RFC 8308)
_PARTS = {"kex": "key_exchange", "host key": "host_key", "cipher": "cipher", "mac": "mac"}


def agree(
    transport: Transport,
    socket: PeerSocket,
    target: Endpoint,
    options: ConnectionOptions,
    types: frozenset[str] = frozenset(),
) -> None:
    """Exchange keys and accept or reject the host key.

    Args:
        transport: A new transport.
        socket: Its socket.
        target: The host.
        options: The known_hosts files, and the policy for unknown keys.
        types: The types of key to ask for first; by default, the types that are likely on record.

    Raises:
        Unreachable: The peer is not an SSH server that we can talk to.
        HostKeyRejected: The host key differs from the recorded one, or is unknown and the policy is strict.
        OtherTypeOnRecord: A key of another type is on record: connect again and ask for its `types`.
    """
    known = known_hosts.load(options.read_known_hosts)
    asked = types or frozenset(known.likely_types(target.address, target.port))
    transport.runner_certificates = bool(known.authorities(target.address, target.port))
    _prefer(transport, asked)
    transport.banner_timeout = LONGEST * options.connect_timeout_s + 1
    try:
        transport.negotiate()
    except Exception as exc:  # a hostile peer can cause any error
        raise _no_handshake(transport, socket, exc) from exc
    socket.settle()
    judge(transport.get_remote_server_key(), known, target, options, asked)


def _prefer(transport: Transport, types: frozenset[str]) -> None:
    """Ask for a key of one of these types first: a server shows only one of its keys.

    Among algorithms that are equally safe, prefer the cheap one: a key exchange with a 4096-bit group takes
    four times the processor time of one with 2048 bits.
    """
    security = transport.get_security_options()
    security.key_types = _first(types.union(_RSA) if "ssh-rsa" in types else types, security.key_types)
    security.ciphers = _first(_CHEAP_CIPHERS, security.ciphers)
    security.kex = _cheap_first(security.kex)


@lru_cache(maxsize=64)
def _first(wanted: frozenset[str], names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(names, key=lambda name: name not in wanted))


@lru_cache(maxsize=1)
def _cheap_first(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(names, key=_kex_cost))


def _kex_cost(name: str) -> int:
    """Order finite-field Diffie-Hellman by its cost, after all other methods, which keep their order."""
    prices = ("diffie-hellman-group14", "diffie-hellman-group-exchange", "diffie-hellman-group16")
    return next((price for price, start in enumerate(prices, 1) if name.startswith(start)), 0)


def _no_handshake(transport: Transport, socket: PeerSocket, exc: Exception) -> Unreachable:
    """Return the error that says what answered instead of a usable SSH server."""
    heard = socket.preamble
    if isinstance(exc, paramiko.ssh_exception.IncompatiblePeer):
        reason, text, passing = _incompatible(transport.remote_version, heard, exc)
    elif not heard:
        reason, text, passing = "closed-early", "closed the connection without an SSH banner", True
    elif not transport.remote_version:
        passing = b"MaxStartups" in heard or b"Not allowed at this time" in heard
        reason = "busy" if passing else "no-banner"
        text = f"no SSH banner, but {excerpt(heard, _SHOWN)!r}"
    else:
        _, words = transport.runner_disconnect or (0, what_broke(exc))
        reason, passing = "kex-failed", True
        text = f"key exchange failed: {excerpt(words) or 'connection closed'}"
    return Unreachable(text, reason=reason, phase=Phase.HANDSHAKE, transient=passing)


def no_answer(seconds: float, preamble: str | bytes, *, heard_banner: bool) -> Unreachable:
    """Return the error of a server that went silent before keys were agreed.

    Args:
        seconds: How long the server had time.
        preamble: What the server sent before its banner.
        heard_banner: Whether the banner came.
    """
    if heard_banner:
        text = f"the key exchange stalled: nothing within {seconds:g} s"
        return Unreachable(text, reason="kex-stalled", phase=Phase.HANDSHAKE)
    heard = f", but {excerpt(preamble, _SHOWN)!r}" if preamble else ""
    return Unreachable(
        f"no SSH banner within {seconds:g} s{heard}", reason="no-banner", phase=Phase.HANDSHAKE
    )


def what_broke(exc: BaseException | None) -> str:
    """Return the text of an exception from Paramiko; for errors caused by invalid data, say so."""
    if exc is None:
        return ""
    fault = own_fault(exc)
    if fault is not None:
        return str(fault)
    if isinstance(exc, (paramiko.SSHException, EOFError, OSError)):
        return str(exc)
    return f"the server sent invalid data ({type(exc).__name__})"


def _incompatible(version: str, heard: bytes, exc: Exception) -> tuple[str, str, bool]:
    """Name what the server offers, so that the operator sees what to enable there or here."""
    if version.startswith("SSH-1.") and not version.startswith("SSH-1.99"):
        return "ssh1", f"speaks only SSH 1, which is not safe: {excerpt(version, _SHOWN)!r}", False
    if "Incompatible version" in str(exc):
        text = f"speaks a version of SSH that is not known here: {excerpt(version, _SHOWN)!r}"
        return "no-common-algorithm", text, False
    offer = read_offer(heard)
    part = next((name for name in _PARTS if name in str(exc)), None)
    if offer is None or part is None:
        return "no-common-algorithm", f"no algorithm in common: {excerpt(str(exc))}", False
    names = [name for name in getattr(offer, _PARTS[part]) if not name.startswith(_MARKS)]
    offered = excerpt(", ".join(names))
    text = f"no {_PARTS[part].replace('_', ' ')} algorithm in common; the server offers only {offered}"
    text += "; to use one anyway, set ansible_connection: openssh for this host"
    if int(paramiko.__version__.partition(".")[0]) >= _WITHOUT_SHA1 and _OLDER.search(offered):
        text += ", or pip install 'paramiko<5'"
    return "no-common-algorithm", text, False
