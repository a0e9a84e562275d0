"""Find hosts whose keys are checked less strictly than by default, and the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from runner.connection import kind
from runner.connection.options import HostKeyPolicy
from runner.connection.ssh_config.arguments import ARGUMENTS
from runner.connection.ssh_config.config_lines import config_origin, given_options
from runner.connection.ssh_config.host_config import mentions
from runner.connection.ssh_config.options import POLICIES
from runner.connection.ssh_config.reader import JUDGE
from runner.connection.target.access import CHECKING, LoginTarget, access
from runner.connection.target.destination import Destinations
from runner.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runner.connection.options import ConnectionOptions
    from runner.connection.ssh_config.tokens import Words
    from runner.models import Host
    from runner.text.origin import Origin

__all__ = ["Weakened", "weakened"]

_DECIDING = ARGUMENTS.union(CHECKING)
_CHECKING = "stricthostkeychecking"
_NO_FILE = "/dev/null"


class Weakened(NamedTuple):
    """One reason why the keys of some hosts are checked less strictly than by default.

    Attributes:
        policy: The policy for unknown keys; `off` also if no accepted key is recorded.
        origins: The origins of the values that decide the policy.
        hosts: The hosts.
    """

    policy: HostKeyPolicy
    origins: tuple[Origin, ...]
    hosts: tuple[Host, ...]


def weakened(hosts: Sequence[Host], options: ConnectionOptions) -> Iterator[Weakened]:
    """Yield each reason why keys of hosts, or of their jump hosts, are checked less strictly.

    If only `ssh` can judge hosts, it is asked about many of them at once; the ping then uses the cached
    answers.

    Args:
        hosts: The hosts.
        options: The options for connecting to them.
    """
    weak = [words.origin for words in given_options(options.ssh_config) if _is_weak(words)]
    is_judged = mentions(options.ssh_config, JUDGE) is not False
    if "host_key_policy" in options.origins:  # `ssh_config` can still say that no accepted key is recorded
        matters = options.host_key_policy is HostKeyPolicy.ACCEPT_NEW
    else:
        matters = is_judged or bool(weak)
    destinations = Destinations(options, hosts) if is_judged else None
    # `ssh -G` does not print line numbers. If only one line weakens the check, it must be this line.
    exact = {config_origin(_CHECKING, options.ssh_config): weak[0]} if len(weak) == 1 else {}
    found: dict[tuple[HostKeyPolicy, tuple[Origin, ...]], dict[str, Host]] = {}
    for host in hosts:
        if _is_local(host, options):
            continue
        asked = matters or not _DECIDING.isdisjoint(host.variables)
        for chosen in _options(host, options, destinations) if asked else (options,):
            if chosen.host_key_policy is not HostKeyPolicy.STRICT:
                found.setdefault(_reason(chosen, exact), {})[host.name] = host
    for (policy, origins), meant in found.items():
        yield Weakened(policy, origins, tuple(meant.values()))


def _is_local(host: Host, options: ConnectionOptions) -> bool:
    try:
        return kind(host, options.connection) == "local"
    except HostError:  # the run reports it as the result of the host
        return True


def _is_weak(words: Words) -> bool:
    """Tell whether a line of `ssh_config` weakens the check."""
    is_about_it = words.origin.name.lower() == _CHECKING
    return is_about_it and POLICIES[words[0].lower()] is not HostKeyPolicy.STRICT


def _options(
    host: Host, options: ConnectionOptions, destinations: Destinations | None
) -> Iterator[ConnectionOptions]:
    """Yield the options for a host and for each jump host; none if the host has an error."""
    try:
        if destinations is not None:
            destinations.of(host)
        route = access(host, options)
        yield route.options
        seen = set()
        while route.jumps and route.jumps not in seen:  # the run reports a loop as the error of the host
            seen.add(route.jumps)
            route = LoginTarget.of_jump(route.jumps, route.given)
            yield route.options
    except HostError:  # the run reports it as the result of the host
        return


def _reason(
    options: ConnectionOptions, exact: Mapping[Origin, Origin]
) -> tuple[HostKeyPolicy, tuple[Origin, ...]]:
    """Return the effective policy of options, and the origins of the values that decide it."""
    policy, names = options.host_key_policy, ["host_key_policy"]
    if policy is HostKeyPolicy.ACCEPT_NEW and set(options.read_known_hosts) <= {_NO_FILE}:
        policy = HostKeyPolicy.OFF
        names.append("known_hosts")
    origins = (options.origins[name] for name in names if name in options.origins)
    return policy, tuple(exact.get(origin, origin) for origin in origins)
