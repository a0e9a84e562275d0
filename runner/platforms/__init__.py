"""Device platforms as data: their names, their refusals and questions, and how to read them.

Nothing here talks to a device, and nothing needs netmiko, netutils or ntc-templates.
"""

from __future__ import annotations

from runner.platforms.definition import Platform
from runner.platforms.hosts import of_variables
from runner.platforms.names import UnknownPlatform, find, known, platform
from runner.platforms.questions import is_pager, pager_key, question
from runner.platforms.refusals import LONGEST_BYTES, refusal

__all__ = [
    "LONGEST_BYTES",
    "Platform",
    "UnknownPlatform",
    "find",
    "is_pager",
    "known",
    "of_variables",
    "pager_key",
    "platform",
    "question",
    "refusal",
]
