"""Keep the operator's host key checks, whatever an inventory says.

An inventory may name files of host keys to read, and make checks stricter. It cannot have a file written,
drop a list of revoked keys, or weaken a policy that the operator has given: by a flag, the environment, a
configuration file, or a line of the operator's own `ssh_config`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.connection.options import KNOWN_HOSTS, Guard, HostKeyPolicy
from runner.connection.ssh_config.config_lines import config_origin
from runner.connection.ssh_config.host_config import host_config
from runner.connection.ssh_config.tokens import Words

if TYPE_CHECKING:
    from runner.connection.options import ConnectionOptions
    from runner.connection.ssh_config.options import SshOptions
    from runner.connection.ssh_config.tokens import Given
    from runner.text.origin import Origin

__all__ = ["Own", "guarded", "known_hosts_of", "own_config"]

_CHECKING = "stricthostkeychecking"
_KEYWORDS = frozenset({_CHECKING, "userknownhostsfile", "globalknownhostsfile", "revokedhostkeys"})
_STRICTEST = (HostKeyPolicy.STRICT, HostKeyPolicy.ACCEPT_NEW, HostKeyPolicy.OFF)


class Own(NamedTuple):
    """The options of the operator's own `ssh_config` for a host.

    Attributes:
        config: Its options.
        said: The same options as they are written.
        path: The file.
    """

    config: SshOptions
    said: Given
    path: str | None


def own_config(name: str, known: Given, said: Given, options: ConnectionOptions) -> Own | None:
    """Return the options of the operator's `ssh_config`, if an inventory gives others for host keys.

    Args:
        name: The host name as it is given to `ssh`.
        known: All options that are given for it.
        said: The options that an inventory gives.
        options: The options of the run, with the `ssh_config` file for this host.

    Raises:
        InvalidVariable: The file cannot be used.
    """
    path = options.guard.ssh_config or options.ssh_config
    if path == options.ssh_config and _KEYWORDS.isdisjoint(said):
        return None
    given = {keyword: words for keyword, words in known.items() if keyword not in _KEYWORDS}
    config, found = host_config(path, name, given)
    return Own(config, found.said, path)


def guarded(chosen: dict[str, Any], own: Own, options: ConnectionOptions) -> tuple[Guard, dict[str, Origin]]:
    """Keep the operator's values if an inventory has chosen others.

    Args:
        chosen: The fields of the options that have been chosen; a policy that is too weak is replaced.
        own: The options of the operator's `ssh_config`.
        options: The options of the run.

    Returns:
        The guard for the options, and the origins of the fields that were replaced.
    """
    config = own.config
    revoked = options.revoked_host_keys or config.revoked or None
    policy = options.host_key_policy if "host_key_policy" in options.origins else config.policy
    origins = {}
    wanted = chosen.get("host_key_policy", options.host_key_policy)
    if policy is not None and _STRICTEST.index(policy) < _STRICTEST.index(wanted):
        chosen["host_key_policy"] = policy
        origins["host_key_policy"] = options.origins.get("host_key_policy") or _origin(own)
    known = _known_hosts(chosen, own, options, has_policy=policy is not None)
    return Guard(options.guard.ssh_config, known, revoked), origins


def _known_hosts(
    chosen: dict[str, Any], own: Own, options: ConnectionOptions, *, has_policy: bool
) -> tuple[str, ...]:
    """Return the operator's files if others were chosen; empty if no new keys are to be recorded."""
    usual = options.known_hosts
    if "known_hosts" not in options.origins:
        usual = known_hosts_of(own.config) or usual
    theirs = chosen.get("known_hosts", usual)
    if theirs == usual:
        return ()
    accepts = chosen.get("host_key_policy") is HostKeyPolicy.ACCEPT_NEW
    if accepts and not has_policy and theirs[0] == os.devnull:  # in an inventory this means no check at all
        return ()
    return usual or (os.devnull,)


def known_hosts_of(config: SshOptions) -> tuple[str, ...] | None:
    """Return the `known_hosts` files that are given, the user's before the system's."""
    if config.known_hosts is None and config.global_known_hosts is None:
        return None
    return (*(config.known_hosts or KNOWN_HOSTS[:1]), *(config.global_known_hosts or KNOWN_HOSTS[1:]))


def _origin(own: Own) -> Origin:
    words = own.said.get(_CHECKING)
    return words.origin if isinstance(words, Words) else config_origin(_CHECKING, own.path)
