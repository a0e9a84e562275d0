"""Sources of vault passwords: files, programs and prompts, as `--vault-id LABEL@SOURCE` names them."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from runner.errors import InventoryError, UsageError
from runner.inventory.processes import output
from runner.inventory.vault import DEFAULT_ID, Vault
from runner.models import Secret
from runner.text import owners, reading

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

__all__ = ["vault_of"]

_PROMPTS = frozenset({"prompt", "prompt_ask_vault_pass"})
_MAX_PASSWORD_BYTES = 1 << 16
_PROGRAM_TIMEOUT_S = 30.0


def vault_of(
    identities: Sequence[str], ask: Callable[[str], Secret] | None = None, found: Collection[str] = ()
) -> Vault | None:
    """Return a vault with these passwords; None if there are none.

    No file is read, no program is run and no question is asked before a text must be decrypted.

    Args:
        identities: Each is `LABEL@FILE`, `FILE` or `LABEL@prompt`. A file with the execute bit is run and
            prints the password; one whose name ends in `-client` gets the label as an argument.
        ask: Asks the operator for the password of a label; None if asking is impossible.
        found: The identities that a file names instead of a flag: a program among them is run only if it
            passes the owner rule.

    Raises:
        UsageError: A password has to be asked for, but `ask` is None.
    """
    passwords: dict[str, Callable[[], Secret]] = {}
    for identity in identities:
        label, at, source = identity.partition("@")
        if not at:
            label, source = DEFAULT_ID, identity
        # Several passwords may have the same label, but each needs its own key in `passwords`.
        name = label if label not in passwords else f"{label}@{source}"
        if source not in _PROMPTS:
            passwords[name] = partial(_from_file, os.path.expanduser(source), label, identity in found)  # noqa: PTH111
        elif ask is None:
            raise UsageError(f"the vault password of {label!r} cannot be asked for here; name a file")
        else:
            passwords[name] = partial(ask, label)
    return Vault(passwords) if passwords else None


def _from_file(path: str, label: str, found: bool) -> Secret:
    """Read a password from a file, or from a program's output; `found` programs must pass the owner rule."""
    if os.path.isfile(path) and os.access(path, os.X_OK):  # noqa: PTH113
        fault = owners.fault(path) if found else None
        if fault is not None:
            raise InventoryError(
                f"this program is not run: {fault}, or name it with --vault-password-file", path=path
            )
        is_client = os.path.splitext(os.path.basename(path))[0].endswith("-client")  # noqa: PTH119, PTH122
        program = os.path.join(os.getcwd(), path)  # noqa: PTH109, PTH118 - the very path that was checked
        argv = [program, *(["--vault-id", label] if is_client else [])]
        text = output(argv, timeout_s=_PROGRAM_TIMEOUT_S, max_bytes=_MAX_PASSWORD_BYTES).strip("\r\n")
    else:
        text = _text(path).strip()
    if not text:
        raise InventoryError("the vault password is empty", path=path)
    return Secret(text)


def _text(path: str) -> str:
    try:
        return reading.contents(path, _MAX_PASSWORD_BYTES, pipes=True).decode()
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "not UTF-8"
        raise InventoryError(f"the vault password cannot be read: {reason}", path=path) from exc
