"""Check configuration files before Invoke reads them.

Invoke copies a configuration many times and follows every YAML alias each time, so a file of one kilobyte can
keep it busy forever. Invoke also reads any file with the right name, even a device or a pipe.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from invoke.config import Config

from runner.errors import UsageError
from runner.text import reading

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

__all__ = ["BoundedConfig", "bound"]

_LOADERS = ("_load_yaml", "_load_yml", "_load_json")
_LONGEST = reading.MIB
_MOST_VALUES = 100_000
"""Maximum number of values in a file; an alias counts as all the values that it refers to."""


def bound(config: Config) -> None:
    """Make a configuration check each file before it reads the file; see `BoundedConfig`."""
    for name in _LOADERS:
        setattr(config, name, _bounded(getattr(config, name)))


class BoundedConfig(Config):
    """Invoke's configuration, but it refuses files that would keep it busy forever.

    Loading raises `UsageError` if a file is not a regular file, is too large, or has aliases that multiply.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        bound(self)
        super().__init__(*arguments, **options)


def _bounded(load: Callable[[str], Any]) -> Callable[[str], Any]:
    def loaded(path: str) -> Any:
        try:
            content = reading.contents(path, _LONGEST)
        except FileNotFoundError:
            raise  # Invoke then tries the next file name
        except OSError as exc:
            raise UsageError(f"{path}: cannot be read: {exc.strerror or exc}") from exc
        if b"*" in content and not str(path).endswith(".json"):
            _check_aliases(content, path)
        return load(path)

    return loaded


def _check_aliases(content: bytes, path: str | os.PathLike[str]) -> None:
    """Refuse YAML whose aliases refer to too many values."""
    import yaml  # noqa: PLC0415 - few files have aliases

    sizes: dict[int, int] = {}

    def size(node: yaml.Node | None) -> int:
        if not isinstance(node, yaml.CollectionNode):
            return 1
        if id(node) not in sizes:
            sizes[id(node)] = _MOST_VALUES  # a node that contains itself
            parts: list[yaml.Node] = node.value
            if isinstance(node, yaml.MappingNode):
                parts = [part for pair in node.value for part in pair]
            sizes[id(node)] = 1 + sum(map(size, parts))
        return sizes[id(node)]

    if size(yaml.compose(content, Loader=yaml.SafeLoader)) > _MOST_VALUES:
        raise UsageError(
            f"{path}: its aliases expand to more than {_MOST_VALUES:,} values: write the values out"
        )
