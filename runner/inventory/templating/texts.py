"""Ansible's filters for texts, with the arguments that its documentation names."""

from __future__ import annotations

import base64
import hashlib
import json
import ntpath
import posixpath
import re
import shlex
import time
import urllib.parse
import uuid
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import yaml

from runner.inventory.parsing.bounds import FilterError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FILTERS"]

_NAMESPACE = uuid.UUID("361E6D51-FAEC-444A-9079-341386DA8E2E")
"""The namespace of Ansible's `to_uuid`."""

_TRUE = frozenset({"yes", "on", "true", "1"})

_COMMENTS = {
    "plain": {"decoration": "# "},
    "erlang": {"decoration": "% "},
    "c": {"decoration": "// "},
    "cblock": {"beginning": "/*", "decoration": " * ", "end": " */"},
    "xml": {"beginning": "<!--", "decoration": " - ", "end": "-->"},
}
_HASHES = {"md5": "md5_crypt", "blowfish": "bcrypt", "sha256": "sha256_crypt", "sha512": "sha512_crypt"}


def _flags(*, ignorecase: bool, multiline: bool) -> re.RegexFlag:
    return (re.IGNORECASE if ignorecase else re.NOFLAG) | (re.MULTILINE if multiline else re.NOFLAG)


def _regex_replace(  # noqa: PLR0913, PLR0917 - Ansible's arguments
    value: object = "",
    pattern: str = "",
    replacement: str = "",
    ignorecase: bool = False,
    multiline: bool = False,
    count: int = 0,
    mandatory_count: int = 0,
) -> str:
    """Replace the matches of a regular expression."""
    expression = re.compile(pattern, _flags(ignorecase=ignorecase, multiline=multiline))
    text, found = expression.subn(replacement, _text(value), count=count)
    if mandatory_count and mandatory_count != found:
        raise FilterError(f"{pattern!r} should match {mandatory_count} times, but matches {found} times")
    return text


def _regex_findall(value: object, regex: str, multiline: bool = False, ignorecase: bool = False) -> list[Any]:
    """Return all matches of a regular expression."""
    return re.findall(regex, _text(value), _flags(ignorecase=ignorecase, multiline=multiline))


def _regex_search(
    value: object, regex: str, *groups: str, ignorecase: bool = False, multiline: bool = False
) -> Any:
    r"""Return the first match of a regular expression, or the groups that `\1` and `\g<name>` name."""
    wanted: list[int | str] = []
    for group in groups:
        match = re.fullmatch(r"\\(\d+)|\\g<(\S+)>", group)
        if match is None:
            raise FilterError(f"regex_search: {group!r} is not a group: write \\1 or \\g<name>")
        wanted.append(int(match[1]) if match[1] else match[2])
    match = re.search(regex, _text(value), _flags(ignorecase=ignorecase, multiline=multiline))
    if match is None:
        return None
    return [match[group] for group in wanted] if wanted else match[0]


def _regex_escape(value: object, re_type: str = "python") -> str:
    """Escape the characters that have a special meaning in a regular expression."""
    if re_type == "python":
        return re.escape(_text(value))
    if re_type == "posix_basic":
        return re.sub(r"([].[^$*\\])", r"\\\1", _text(value))
    raise FilterError(f"regex_escape: {re_type!r} is not a type that Ansible implements")


def _text(value: object) -> str:
    """Return a value as text."""
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


def _bool(value: object) -> bool:
    """Return whether a value means yes, on, true or 1."""
    if isinstance(value, (str, int)):
        return str(value).lower() in _TRUE
    return value == 1


def _quote(value: object) -> str:
    return shlex.quote("" if value is None else _text(value))


def _comment(text: str, style: str = "plain", **keywords: Any) -> str:
    """Put a decoration before each line."""
    if style not in _COMMENTS:
        raise FilterError(f"comment: invalid style {style!r}; there are {', '.join(_COMMENTS)}")
    edge = keywords.get("decoration", _COMMENTS[style]["decoration"]).rstrip()
    part: dict[str, Any] = {
        "newline": "\n", "beginning": "", "prefix": edge, "prefix_count": 1, "decoration": "",
        "postfix": edge, "postfix_count": 1, "end": "", **_COMMENTS[style], **keywords,
    }  # fmt: skip
    newline, decoration = part["newline"], part["decoration"]
    begin = part["beginning"] + newline if part["beginning"] else ""
    above = part["prefix"] + ("" if part["prefix"] == newline else newline) if part["prefix"] else ""
    lines = (decoration + text.replace(newline, newline + decoration)).replace(
        decoration + newline, decoration.rstrip() + newline
    )
    below = newline.join(["", *[part["postfix"]] * part["postfix_count"]])
    end = newline + part["end"] if part["end"] else ""
    return f"{begin}{above * int(part['prefix_count'])}{lines}{below}{end}"


def _b64encode(value: object, encoding: str = "utf-8", urlsafe: bool = False) -> str:
    encode = base64.urlsafe_b64encode if urlsafe else base64.b64encode
    return encode(_text(value).encode(encoding)).decode()


def _b64decode(value: object, encoding: str = "utf-8", urlsafe: bool = False) -> str:
    decode = base64.urlsafe_b64decode if urlsafe else base64.b64decode
    try:
        return decode(_text(value)).decode(encoding)
    except ValueError as exc:
        raise FilterError("not base64 of a text") from exc


def _hash(value: object, hashtype: str = "sha1") -> str:
    try:
        return hashlib.new(hashtype, _text(value).encode("utf-8", "surrogateescape")).hexdigest()
    except ValueError as exc:
        raise FilterError(f"hash: {exc}") from exc


def _password_hash(
    password: str,
    hashtype: str = "sha512",
    salt: Any = None,
    salt_size: int | None = None,
    rounds: int | None = None,
    ident: str | None = None,
) -> str:
    """Hash a password as crypt(3) does."""
    try:
        import passlib.hash  # noqa: PLC0415 - only for inventories that hash passwords
    except ImportError as exc:
        raise FilterError("password_hash needs passlib: pip install passlib") from exc
    name = _HASHES.get(hashtype, hashtype)
    if name not in _HASHES.values():
        raise FilterError(f"password_hash: {hashtype!r} is not one of {', '.join(_HASHES)}")
    given = {
        "salt": str(salt) if salt else None,
        "salt_size": salt_size,
        "rounds": rounds,
        "ident": ident if name == "bcrypt" else None,
    }
    algorithm = getattr(passlib.hash, name)
    try:
        return str(algorithm.using(**{key: value for key, value in given.items() if value}).hash(password))
    except (ValueError, TypeError, RuntimeError) as exc:
        raise FilterError(f"password_hash: {exc}") from exc


def _json_default(value: object) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not a value of JSON")


def _to_json(value: Any, **keywords: Any) -> str:
    keywords.pop("vault_to_text", None)
    keywords.pop("preprocess_unsafe", None)
    return json.dumps(value, default=_json_default, **keywords)


def _to_nice_json(value: Any, indent: int = 4, sort_keys: bool = True, **keywords: Any) -> str:
    keywords.pop("separators", None)
    return _to_json(value, indent=indent, sort_keys=sort_keys, separators=(",", ": "), **keywords)


def _from_json(value: Any) -> Any:
    try:
        return json.loads(value)
    except (ValueError, TypeError) as exc:
        raise FilterError(f"from_json: {exc}") from exc


class _Dumper(yaml.SafeDumper):
    """YAML without aliases, lists indented, as Ansible writes it."""


def _to_yaml(value: Any, default_flow_style: bool | None = None, **keywords: Any) -> str:
    written: str = yaml.dump(
        value, Dumper=_Dumper, allow_unicode=True, default_flow_style=default_flow_style, **keywords
    )
    return written


def _to_nice_yaml(value: Any, indent: int = 4, default_flow_style: bool = False, **keywords: Any) -> str:
    return _to_yaml(value, default_flow_style=default_flow_style, indent=indent, **keywords)


def _from_yaml(value: Any) -> Any:
    try:
        return yaml.safe_load(value) if isinstance(value, str) else value
    except yaml.YAMLError as exc:
        raise FilterError(f"from_yaml: {' '.join(str(exc).split())}") from exc


def _from_yaml_all(value: Any) -> Any:
    try:
        return list(yaml.safe_load_all(value)) if isinstance(value, str) else value or []
    except yaml.YAMLError as exc:
        raise FilterError(f"from_yaml_all: {' '.join(str(exc).split())}") from exc


def _path_join(paths: Any) -> str:
    return posixpath.join(*([paths] if isinstance(paths, str) else paths))


def _relpath(path: str, start: str) -> str:
    return posixpath.relpath(path, start)


def _urlsplit(value: str, query: str = "") -> Any:
    """Return the parts of a URL, or one of them."""
    split = urllib.parse.urlsplit(value)
    names = ("fragment", "hostname", "netloc", "password", "path", "port", "query", "scheme", "username")
    parts = {name: getattr(split, name) for name in names}
    if query and query not in parts:
        raise FilterError(f"urlsplit: unknown URL component: {query}")
    return parts[query] if query else parts


def _to_uuid(value: object, namespace: Any = _NAMESPACE) -> str:
    try:
        within = namespace if isinstance(namespace, uuid.UUID) else uuid.UUID(namespace)
    except (AttributeError, ValueError) as exc:
        raise FilterError(f"to_uuid: {namespace!r} is not a UUID") from exc
    return str(uuid.uuid5(within, _text(value)))


def _strftime(shape: str, second: Any = None, utc: bool = False) -> str:
    try:
        moment = time.time() if second is None else float(second)
    except (TypeError, ValueError) as exc:
        raise FilterError(f"strftime: {second!r} is not a number of seconds") from exc
    return time.strftime(shape, time.gmtime(moment) if utc else time.localtime(moment))


def _to_datetime(value: str, format: str = "%Y-%m-%d %H:%M:%S") -> datetime:  # noqa: A002 - Ansible's name
    try:
        return datetime.strptime(value, format)  # noqa: DTZ007 - as Ansible
    except ValueError as exc:
        raise FilterError(f"to_datetime: {exc}") from exc


def _type_debug(value: object) -> str:
    return type(value).__name__


FILTERS: dict[str, Callable[..., Any]] = {
    "b64decode": _b64decode,
    "b64encode": _b64encode,
    "basename": posixpath.basename,
    "bool": _bool,
    "checksum": _hash,
    "comment": _comment,
    "commonpath": posixpath.commonpath,
    "dirname": posixpath.dirname,
    "from_json": _from_json,
    "from_yaml": _from_yaml,
    "from_yaml_all": _from_yaml_all,
    "hash": _hash,
    "md5": lambda value: _hash(value, "md5"),
    "normpath": posixpath.normpath,
    "password_hash": _password_hash,
    "path_join": _path_join,
    "quote": _quote,
    "regex_escape": _regex_escape,
    "regex_findall": _regex_findall,
    "regex_replace": _regex_replace,
    "regex_search": _regex_search,
    "relpath": _relpath,
    "sha1": _hash,
    "split": str.split,
    "splitext": posixpath.splitext,
    "strftime": _strftime,
    "to_datetime": _to_datetime,
    "to_json": _to_json,
    "to_nice_json": _to_nice_json,
    "to_nice_yaml": _to_nice_yaml,
    "to_uuid": _to_uuid,
    "to_yaml": _to_yaml,
    "type_debug": _type_debug,
    "urldecode": urllib.parse.unquote_plus,
    "urlsplit": _urlsplit,
    "win_basename": ntpath.basename,
    "win_dirname": ntpath.dirname,
    "win_splitdrive": ntpath.splitdrive,
}
"""Filters by name."""
