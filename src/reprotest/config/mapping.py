"""A configuration without a model: a dict and its lists, read-only, with attribute access."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from reprotest.config.suggest import did_you_mean
from reprotest.secrets import MASK, is_secret_name


def _read_only(self: object, *args: object, **kwargs: object) -> NoReturn:
    raise TypeError(
        "a configuration is read-only: change the file, use an override, or work on a copy made by to_dict()"
    )


class Config(dict[Any, Any]):
    """Keys and values: `config["model"]["depth"]` is `config.model.depth`. A dict that cannot be changed.

    A key that is also the name of a dict's method (`items`, `keys`, `values`, …) is reached by brackets alone. `to_dict()` gives an
    ordinary dict of ordinary dicts and lists.
    """

    __slots__ = ()

    def __init__(self, items: Mapping[Any, Any] | Iterable[tuple[Any, Any]] = ()) -> None:
        super().__init__((key, frozen(value)) for key, value in dict(items).items())

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # copy, pickle and others ask for what may be there
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(error.args[0]) from None

    def __missing__(self, key: object) -> NoReturn:
        raise KeyError(f"no key {key} in the configuration; {did_you_mean(str(key), map(str, self))}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(key for key in self if isinstance(key, str) and key.isidentifier())]

    def __repr__(self) -> str:
        shown = ", ".join(f"{key!r}: {_shown(key, value)}" for key, value in self.items())
        return f"Config({{{shown}}})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Config, (dict(self),)

    def to_dict(self) -> dict[Any, Any]:
        """The same as ordinary dicts and lists, which may be changed."""
        return {key: _thawed(value) for key, value in self.items()}

    def copy(self) -> Config:
        return self

    def __or__(self, other: Any) -> Any:
        return {**self, **other} if isinstance(other, Mapping) else NotImplemented

    __setitem__ = __delitem__ = __setattr__ = __delattr__ = __ior__ = _read_only
    update = setdefault = pop = popitem = clear = _read_only


class FrozenList(list[Any]):
    """A list that cannot be changed."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenList, (list(self),)

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _read_only
    append = extend = insert = remove = pop = clear = sort = reverse = _read_only


def frozen(value: Any) -> Any:
    if isinstance(value, Config | FrozenList):
        return value
    if isinstance(value, Mapping):
        return Config(value)
    if isinstance(value, list | tuple):
        return FrozenList(frozen(item) for item in value)
    return value


def _thawed(value: Any) -> Any:
    if isinstance(value, Config):
        return value.to_dict()
    return [_thawed(item) for item in value] if isinstance(value, FrozenList) else value


def _shown(key: object, value: object) -> str:
    return MASK if isinstance(value, str) and value and is_secret_name(str(key)) else repr(value)
