"""A project's named experiments: `[tool.reprotest]` in pyproject.toml, or reprotest.yaml.

[tool.reprotest]
runs = 3                                 # for every experiment that does not say otherwise

[tool.reprotest.experiments.digits]
command = "train.py --epochs 2"          # as after `python -m reprotest run`; also a list of words
steps = 100
"""

from __future__ import annotations

import difflib
import reprlib
import shlex
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reprotest.config.doctor import DoctorSettings
from reprotest.errors import ConfigError
from reprotest.options import RunOptions

YAML = "reprotest.yaml"
TOML = "pyproject.toml"
_LIMIT = 1_000_000
"""Bytes: a larger file is no configuration of ours."""
_SHORT = reprlib.Repr()
_SHORT.maxlevel = _SHORT.maxlist = _SHORT.maxdict = 2
_SHORT.maxstring = 60


@dataclass(frozen=True)
class NamedExperiment:
    """A configured experiment.

    Attributes:
        name: as the project calls it.
        words: the command, as after `run`; a leading "--" included.
        options: how to repeat it.
    """

    name: str
    words: tuple[str, ...]
    options: RunOptions


@dataclass(frozen=True)
class Project:
    """A project's configuration: where it stands and what it asks for. Commands run in `root`.

    Attributes:
        root, file: its folder, and the file that configures it.
        experiments: by name.
        doctor: what `doctor` is told.
        mlflow: where verdicts are logged, as written: `${NAME}` is not yet filled in.
    """

    root: Path
    file: Path
    experiments: tuple[NamedExperiment, ...]
    doctor: DoctorSettings = field(default_factory=DoctorSettings)
    mlflow: str | None = None


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    runs: Annotated[int, Field(ge=2)] | None = None
    steps: Annotated[int, Field(ge=1)] | None = None
    timeout: Annotated[float, Field(gt=0)] | None = None
    diagnose: bool | None = None
    keep: bool | None = None
    seed: Annotated[int, Field(ge=0)] | None = None


class _Experiment(_Options):
    command: str | list[str]


class _Project(_Options):
    experiments: dict[str, _Experiment] = {}
    doctor: DoctorSettings = DoctorSettings()
    mlflow: Annotated[str, Field(min_length=1)] | None = None
    MLFLOW_TRACKING_URI: Annotated[str, Field(min_length=1)] | None = None  # the same, by MLflow's own name


def find(start: Path | None = None) -> Project | None:
    """The configuration of the folder or of the nearest one above it, up to the repository's root; None when there is none.

    Raises:
        ConfigError: a file that cannot be understood, or two of them side by side.
    """
    start = (start or Path.cwd()).absolute()
    for folder in (start, *start.parents):
        yaml_file, toml_file = folder / YAML, folder / TOML
        table = _table(toml_file) if toml_file.is_file() else None
        if yaml_file.is_file():
            if table is not None:
                raise ConfigError(f"{folder} has {YAML} and [tool.reprotest] in {TOML}: keep one of them")
            return _project(yaml_file, _read_yaml(yaml_file))
        if table is not None:
            return _project(toml_file, table)
        if (folder / ".git").exists():
            return None
    return None


def _read(file: Path) -> str:
    try:
        if file.stat().st_size > _LIMIT:
            raise ConfigError(f"{file} is larger than {_LIMIT:,} bytes: expected a short list of experiments")
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not UTF-8 ({error.reason} at byte {error.start}): save it as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror or error}") from error


def _table(file: Path) -> Any:
    text = _read(file)
    if "reprotest" not in text:  # most projects' files, and faster than parsing
        return None
    try:
        return tomllib.loads(text).get("tool", {}).get("reprotest")
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not valid TOML: {error}") from error


def _read_yaml(file: Path) -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        """Refuses a key given twice: the first would be lost without a word."""

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            seen = set()
            for key, _ in node.value:
                if isinstance(key, yaml.ScalarNode) and key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {key.value!r} is given twice", key.start_mark
                    )
                seen.add(key.value if isinstance(key, yaml.ScalarNode) else None)
            return super().construct_mapping(node, deep)

    try:
        return yaml.load(_read(file), Loader)  # a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        at = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ConfigError(f"{file}{at}: not valid YAML: {error.problem}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{file}: not valid YAML: {error}") from error


def _project(file: Path, content: Any) -> Project:
    where = f"{file}, [tool.reprotest]" if file.name == TOML else str(file)
    try:
        model = _Project.model_validate({} if content is None else content)
    except ValidationError as error:
        raise ConfigError(
            f"{where}:\n" + "\n".join(dict.fromkeys(f"  {_said(item)}" for item in error.errors()))
        ) from error
    defaults = model.model_dump(include=set(_Options.model_fields), exclude_none=True)
    experiments = []
    for name, item in model.experiments.items():
        own = item.model_dump(exclude={"command"}, exclude_none=True)
        experiments.append(NamedExperiment(name, _words(where, name, item.command), RunOptions(**(defaults | own))))
    return Project(file.parent, file, tuple(experiments), model.doctor, model.mlflow or model.MLFLOW_TRACKING_URI)


def _words(where: str, name: str, command: str | list[str]) -> tuple[str, ...]:
    try:
        words = shlex.split(command) if isinstance(command, str) else command
    except ValueError as error:
        raise ConfigError(
            f"{where}:\n  experiments.{name}.command: {error}; quote it as in a shell, or give a list"
        ) from error
    if not [word for word in words if word != "--"]:
        raise ConfigError(f"{where}:\n  experiments.{name}.command is empty: expected what comes after `run`")
    return tuple(words)


def _said(error: Any) -> str:
    """One of pydantic's errors, for people: the key, what was expected, what stands there."""
    path = [str(part) for part in error["loc"] if part not in ("str", "list[str]")]
    key = ".".join(path)
    if error["type"] == "extra_forbidden":
        known = list(_KNOWN.get(path[0], _Project).model_fields)
        near = difflib.get_close_matches(path[-1], known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known keys are {', '.join(sorted(known))}"
        return f"{key} is not a key of ours; {hint}"
    if error["type"] == "missing":
        return f'{key} is missing: expected what comes after `run`, such as "train.py --epochs 2"'
    if "command" in path and error["type"] in ("string_type", "list_type"):
        return f"{key} is {_SHORT.repr(error['input'])}: expected a string, or a list of strings"
    expected = _EXPECTED.get(error["type"]) or error["msg"].removeprefix("Input should be ")
    return f"{key or 'the whole'} is {_SHORT.repr(error['input'])}: expected {expected}"


_KNOWN: dict[str, type[BaseModel]] = {"experiments": _Experiment, "doctor": DoctorSettings}
_EXPECTED = {
    "bool_type": "true or false",
    "float_type": "a number",
    "int_type": "a whole number",
    "model_type": "keys and values",
    "dict_type": "keys and values",
    "string_too_short": "a reason, in words",
}
