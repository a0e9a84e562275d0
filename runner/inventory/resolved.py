"""The variables of one host; each is decrypted and its template filled in on first use."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from threading import get_ident
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from runner.errors import HostError, InvalidVariable, InventoryError
from runner.inventory.parsing.bounds import FilterError, Plain
from runner.inventory.parsing.values import UnsafeText, VaultText
from runner.inventory.templating.services import NO_SERVICES, Services
from runner.models import Phase
from runner.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from runner.inventory.vault import Vault

__all__ = ["HostVariables", "Means", "ResolvedVariables"]

_CONNECTION_PREFIX = "ansible_"
_MAX_NESTING = 50


def _no_services(_host: str) -> Services:
    return NO_SERVICES


class Means(NamedTuple):
    """Everything that is needed to compute variables; shared by hosts.

    Attributes:
        magic: Returns the special variables of a host's templates (`inventory_hostname`, …), by the host's
            name.
        vault: Decrypts encrypted values.
        template_all: Whether to fill in every template.
        services: Returns the services for the lookups in a host's templates, by the host's name.
        closed: The reason to report for an encrypted value if there is no vault.
    """

    magic: Callable[[str], Mapping[str, Any]]
    vault: Vault | None = None
    template_all: bool = False
    services: Callable[[str], Services] = _no_services
    closed: str = "no vault password was given (--vault-password-file)"


class ResolvedVariables(Mapping[str, Any]):
    """A mapping of variables that computes each one on first use.

    Templates are filled in for `ansible_…` variables, which say how to reach a host; other variables keep
    their text unless `means.template_all` is set. A value that cannot be computed raises `InvalidVariable`
    when it is used, and affects only this host. A pickled copy has every value computed.

    Args:
        host: The host's name, for messages.
        inherited: The variables from its groups.
        own: Its own variables.
        means: Everything that is needed to compute them.
    """

    __slots__ = ("_active", "_cache", "_failed", "_host", "_inherited", "_means", "_own")

    def __init__(self, host: str, inherited: Mapping[str, Any], own: Mapping[str, Any], means: Means) -> None:
        self._host = host
        self._inherited = inherited
        self._own = own
        self._means = means
        self._cache: dict[tuple[str, bool], Any] = {}
        self._failed: dict[tuple[str, bool], InvalidVariable] = {}
        self._active: dict[tuple[int, str, bool], None] = {}

    def __getitem__(self, name: str) -> Any:
        raw = self._own[name] if name in self._own else self._inherited[name]
        if isinstance(raw, (int, float)) or raw is None:
            return raw
        if isinstance(raw, str) and "{" not in raw:
            return str(raw)
        connecting = isinstance(name, str) and name.startswith(_CONNECTION_PREFIX)
        templated = connecting or self._means.template_all
        return self._resolved(name, raw, templated=templated)

    def get(self, name: str, default: Any = None) -> Any:
        """Return a variable or the default, without the cost of an exception: most are not set."""
        return self[name] if name in self._own or name in self._inherited else default

    def __iter__(self) -> Iterator[str]:
        return iter({**self._own, **self._inherited})

    def __len__(self) -> int:
        return len(self._own.keys() | self._inherited.keys())

    def __contains__(self, name: object) -> bool:
        return name in self._own or name in self._inherited

    def __repr__(self) -> str:
        return f"<variables of {self._host}: {', '.join(map(str, self))}>"

    def __reduce__(self) -> tuple[object, ...]:
        return _Worked, (self._host, *self._worked_out())

    def _worked_out(self) -> tuple[dict[str, Any], dict[str, HostError]]:
        """Compute all variables; return the values, and the error of each that fails."""
        values: dict[str, Any] = {}
        errors: dict[str, HostError] = {}
        for name in self:
            try:
                values[name] = self[name]
            except HostError as exc:
                errors[name] = exc
        return values, errors

    def _resolved(self, name: str, raw: Any, *, templated: bool) -> Any:
        """Compute a variable only once, and cache failures too: a timeout must not be repeated."""
        key = (name, templated)
        if key in self._failed:
            raise self._failed[key].with_traceback(None)
        if key not in self._cache:
            # The key names the thread: two threads that compute the same variable are not a loop.
            active = (get_ident(), name, templated)
            if active in self._active:
                self._fail(name, "refers to itself")
            if len(self._active) > _MAX_NESTING:
                self._fail(name, f"is nested in more than {_MAX_NESTING} templates")
            self._active[active] = None
            try:
                self._cache[key] = self._value(name, raw, templated=templated)
            except InvalidVariable as exc:
                self._failed[key] = exc
                raise
            finally:
                del self._active[active]
        return self._cache[key]

    def _value(self, name: str, raw: Any, *, templated: bool, all_in_all: Plain | None = None) -> Any:
        """Compute a value, including the values inside it.

        Args:
            name: The variable.
            raw: The value as it was written.
            templated: Whether to fill in templates.
            all_in_all: Counts the results of the variable's templates, if there may be several.
        """
        if isinstance(raw, (dict, list)):
            work_out = partial(self._value, name, templated=templated, all_in_all=all_in_all or Plain())
            if isinstance(raw, dict):
                return {key: work_out(value) for key, value in raw.items()}
            return [work_out(value) for value in raw]
        if isinstance(raw, VaultText):
            return self._opened(name, raw)
        if isinstance(raw, UnsafeText):
            return str(raw)
        if not isinstance(raw, str) or not templated or "{" not in raw:
            return raw
        value = self._rendered(name, raw)
        return value if all_in_all is None else self._counted(name, value, all_in_all)

    def _counted(self, name: str, value: Any, all_in_all: Plain) -> Any:
        """Count the result of one of several templates of a variable."""
        try:
            return all_in_all.of(value)
        except FilterError as exc:
            self._fail(name, f"has templates that give {exc}")

    def _opened(self, name: str, encrypted: VaultText) -> str:
        if self._means.vault is None:
            self._fail(name, f"is encrypted, and {self._means.closed}")
        try:
            return self._means.vault.decrypt(encrypted.ciphertext, f"{self._host}: {name}").decode(
                "utf-8", "replace"
            )
        except InventoryError as exc:
            self._fail(name, f"is encrypted: {exc.message}")

    def _rendered(self, name: str, text: str) -> Any:
        from runner.inventory.templating import TemplateError, render  # noqa: PLC0415 - loads Jinja

        try:
            services = self._means.services(self._host)
            return render(text, self.lookup, services._replace(names=self._names))
        except TemplateError as exc:
            self._fail(name, f"{exc}, in {text[:80]!r}")

    def _names(self) -> list[str]:
        return [str(name) for name in self]

    def lookup(self, name: str) -> Any:
        """Return the value of a name in a template, with its own template filled in.

        Raises:
            KeyError: The name does not exist.
        """
        if name in self._own or name in self._inherited:
            raw = self._own[name] if name in self._own else self._inherited[name]
            return self._resolved(name, raw, templated=True)
        return self._means.magic(self._host)[name]

    def _fail(self, name: str, why: str) -> NoReturn:
        message = printable(f"{self._host}: {name} {why}")
        raise InvalidVariable(message, reason="bad-variable", phase=Phase.RESOLVE)


class TemplateVariables(ResolvedVariables):
    """The variables of a host as templates of other hosts see them, `inventory_hostname` included."""

    __slots__ = ()

    def __getitem__(self, name: str) -> Any:
        return self.lookup(name)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self._means.magic(self._host)


class HostVariables(Mapping[str, ResolvedVariables]):
    """The mapping that templates see as `hostvars`: the variables of any host, by its name.

    Args:
        names: The names of all hosts.
        variables: Returns the variables of one host; called once for each.
    """

    __slots__ = ("_known", "_names", "_variables")

    def __init__(self, names: Collection[str], variables: Callable[[str], ResolvedVariables]) -> None:
        self._names = names
        self._variables = variables
        self._known: dict[str, ResolvedVariables] = {}

    def __getitem__(self, name: str) -> ResolvedVariables:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._known:
            self._known[name] = self._variables(name)
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class _Worked(Mapping[str, Any]):
    """A pickled copy: plain values, and the errors of those that could not be computed."""

    __slots__ = ("_errors", "_host", "_values")

    def __init__(self, host: str, values: dict[str, Any], errors: dict[str, HostError]) -> None:
        self._host = host
        self._values = values
        self._errors = errors

    def __getitem__(self, name: str) -> Any:
        if name in self._errors:
            raise self._errors[name]
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        yield from self._values
        yield from self._errors

    def __len__(self) -> int:
        return len(self._values) + len(self._errors)

    def __repr__(self) -> str:
        return f"<variables of {self._host}: {', '.join(map(str, self))}>"

    def __reduce__(self) -> tuple[object, ...]:
        return _Worked, (self._host, self._values, self._errors)
