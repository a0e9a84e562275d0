"""Run NTC Templates in a confined process: their regular expressions backtrack on text that hosts choose."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ntc_templates.parse import parse_output

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["serve"]


def serve(request: bytes, ask: Callable[[bytes], bytes]) -> bytes:  # noqa: ARG001 - the signature of a confined process
    """Return the records of an output, as JSON; an empty list if no template fits.

    Args:
        request: Platform, command and output, as JSON.
        ask: Not used.
    """
    platform, command, text = json.loads(request)
    try:
        records = parse_output(platform=platform, command=command, data=text)
    except Exception:  # noqa: BLE001 - no template, or the output does not fit it: no records
        records = []
    return json.dumps(list(records)).encode()
