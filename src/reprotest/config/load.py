"""`load_config`: from a file, its bases, the environment and the command line to one checked configuration."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, overload

from reprotest.config import overrides as laid_over
from reprotest.config.environment import Environment
from reprotest.config.extends import read_extended, shown
from reprotest.config.interpolate import resolve
from reprotest.config.mapping import Config
from reprotest.config.node import Mapping as Tree
from reprotest.config.node import Node, Scalar, dotted, scalars
from reprotest.config.node import Sequence as TreeSequence
from reprotest.config.present import canonical, config_digest, hide, print_config, remember_secrets
from reprotest.errors import ConfigError

T = TypeVar("T")

_MOST_RECORDED = 2_000
"""Values; a larger configuration is recorded by its digest alone."""


@overload
def load_config(
    path: str | os.PathLike[str],
    model: None = None,
    *,
    overrides: Iterable[str] | Mapping[str, Any] = (),
    argv: bool | Sequence[str] = False,
    env_file: str | os.PathLike[str] | bool = True,
    required: Iterable[str] = (),
    environ: Mapping[str, str] | None = None,
    export: bool = False,
) -> Config: ...


@overload
def load_config(
    path: str | os.PathLike[str],
    model: type[T],
    *,
    overrides: Iterable[str] | Mapping[str, Any] = (),
    argv: bool | Sequence[str] = False,
    env_file: str | os.PathLike[str] | bool = True,
    required: Iterable[str] = (),
    environ: Mapping[str, str] | None = None,
    export: bool = False,
) -> T: ...


def load_config(
    path: str | os.PathLike[str],
    model: Any = None,
    *,
    overrides: Iterable[str] | Mapping[str, Any] = (),
    argv: bool | Sequence[str] = False,
    env_file: str | os.PathLike[str] | bool = True,
    required: Iterable[str] = (),
    environ: Mapping[str, str] | None = None,
    export: bool = False,
) -> Any:
    """Read a YAML configuration: its bases (`extends:`), references (`${…}`), overrides, and a model that checks it.

    Args:
        path: the file.
        model: a pydantic model or a dataclass; None for a read-only mapping with attribute access (`config.model.depth`).
        overrides: "training.lr=0.1" and the like, or a mapping of dotted keys to values. Without a model a key that the files do not
            have is refused; "+key=value" adds one.
        argv: True: the words of the program's own command line are overrides, `--config FILE` (instead of `path`) and
            `--print-config` (print the result and exit); a list: these words (what your own parser left over).
        env_file: a .env file whose variables count where the process does not set them. True: the nearest one, from the working
            directory up to the repository; False: none.
        required: environment variables that the program needs besides those that the configuration names.
        environ: environment variables; `os.environ` when None.
        export: put what the .env file sets into `os.environ`, where it is not set yet. Otherwise nothing global changes.

    Returns:
        The model's instance, or a `Config`.

    Raises:
        ConfigError: anything wrong with what was read, with file, line and column.
        UsageError: a wrong argument or word of the command line.
        SystemExit: after `--print-config`, with code 0.
    """
    words = sys.argv[1:] if argv is True else list(argv or ())
    line = laid_over.read_command_line(words)
    file = line.file or Path(path)
    laid = [*laid_over.read_overrides(overrides), *laid_over.read_overrides(line.words)]
    environment = Environment(env_file, environ)
    try:
        tree = laid_over.apply(read_extended(file), laid, typed=model is not None)
        tree = resolve(tree, environment)
        remember_secrets(scalar.text for _, scalar in scalars(tree) if scalar.secret)
        for name in required:
            environment.need(name, "the program")
        environment.refuse_missing()
        config = _checked(tree, model)
    except ConfigError as error:
        raise ConfigError(hide(str(error))) from None
    except RecursionError:
        raise ConfigError(f"{shown(file)}: nested too deeply for what is left of Python's stack") from None
    if export:
        environment.export()
    if line.show:
        print_config(config)
        raise SystemExit(0)
    _record(file, config, tree)
    return config


def _checked(tree: Tree, model: Any) -> Any:
    if model is None:
        for path, scalar in scalars(tree):
            if scalar.doubt is not None:
                raise ConfigError(f"{scalar.mark}: {dotted(path)}: {scalar.doubt}")
        return Config(_values(tree))
    from reprotest.config.typed import typed

    return typed(tree, model)


def _values(node: Node) -> Any:
    """The tree as plain data in which a secret variable's text is of pydantic's secret type, so that no print shows it."""
    if isinstance(node, Scalar):
        if not node.secret:
            return node.value
        from pydantic import SecretStr

        return SecretStr(node.text)
    if isinstance(node, TreeSequence):
        return [_values(item) for item in node.items]
    return {key: _values(item) for key, item in node.items.items()}


def _record(file: Path, config: Any, tree: Tree) -> None:
    """Inside of a run: leave the configuration for the record, without secrets."""
    child = getattr(sys.modules.get("reprotest.probe.child"), "current", None)
    if child is None:
        return
    entry: dict[str, Any] = {"file": shown(file), "digest": config_digest(config)}
    if sum(1 for _ in scalars(tree)) <= _MOST_RECORDED:
        entry["values"] = canonical(config)
    loaded.append(entry)
    child.put(RECORDED, list(loaded))


RECORDED = "config"
"""The key under which a record keeps what its processes loaded: `record.extras("config")`."""
loaded: list[dict[str, Any]] = []
"""What this process has loaded inside of a run: file, digest and, where it is not too large, the values."""
