"""NTC's templates at work, in a confined process: their patterns backtrack, and hosts write the text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ntc_templates.parse import parse_output

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["serve"]


def serve(request: bytes, ask: Callable[[bytes], bytes]) -> bytes:  # noqa: ARG001 - what is asked of a confined process
    """Return the records of an output, as JSON; none if there is no template, or none that fits.

    Args:
        request: Platform, command and output, as JSON.
        ask: Not used.
    """
    platform, command, text = json.loads(request)
    try:
        records = parse_output(platform=platform, command=command, data=text)
    except Exception:  # noqa: BLE001 - no template, or one that the output does not fit: then it is no record
        records = []
    return json.dumps(list(records)).encode()
