"""Device platforms as data: their names, their refusals and questions, and how to read them.

Nothing here talks to a device, and nothing needs netmiko, netutils or ntc-templates. The tables are imported
when a host first names a platform.
"""

from runner.platforms.hosts import found, is_device, of_variables
from runner.platforms.names import UnknownPlatform, find, known, platform

__all__ = ["UnknownPlatform", "find", "found", "is_device", "known", "of_variables", "platform"]
