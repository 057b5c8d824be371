from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from reprotest.config.overrides import read_command_line
from reprotest.errors import UsageError

Load = Callable[..., Any]
Refused = Callable[..., str]

TEXT = "training: {lr: 0.1, epochs: 3}\nlist: [1, {a: 2}]\nnothing:\nsame: ${training}\n1: one"


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("training.lr=1e-3", ("training", "lr"), 0.001),
        ("training.lr='1e-3'", ("training", "lr"), "1e-3"),
        ("training.lr=", ("training", "lr"), None),
        ("training.lr=a b=c: d", ("training", "lr"), "a b=c: d"),
        ("training.lr=[1, x]", ("training", "lr"), [1, "x"]),
        ('training.lr="a\\tb"', ("training", "lr"), "a\tb"),
        ("training.lr=yes", ("training", "lr"), True),
        ("training={a: {b: 1}}", ("training",), {"a": {"b": 1}}),
        ("training.lr=${training.epochs}", ("training", "lr"), 3),
        ("training.lr=x-${V}", ("training", "lr"), "x-v"),
        ("list.0=7", ("list", 0), 7),
        ("list.1.a=7", ("list", 1, "a"), 7),
        ("1=eins", (1,), "eins"),
        ("+new=7", ("new",), 7),
        ("+training.new.deep=7", ("training", "new", "deep"), 7),
        ("+nothing.a=7", ("nothing", "a"), 7),
    ],
)
def test_words(override: str, path: tuple[Any, ...], value: object, load: Load) -> None:
    config = load(TEXT, overrides=[override], environ={"V": "v"})
    for part in path:
        config = config[part]
    assert config == value
    assert type(config) is type(value) or isinstance(value, dict | list)


def test_only_the_key_that_is_named_changes(load: Load) -> None:
    changed = load(TEXT, overrides=["training.lr=5"]).to_dict()
    assert changed["same"]["lr"] == changed["training"]["lr"] == 5
    changed["training"]["lr"] = changed["same"]["lr"] = 0.1
    assert changed == load(TEXT)


def test_later_ones_win_and_the_command_line_is_last(load: Load) -> None:
    assert load(TEXT, overrides=["training.lr=1", "training.lr=2"]).training.lr == 2
    assert load(TEXT, overrides=["training.lr=1"], argv=["training.lr=3"]).training.lr == 3


def test_a_mapping_of_values(load: Load) -> None:
    config = load(
        TEXT, overrides={"training.lr": 0.5, "list": (1, {"b": None}), "+path": Path("x"), "training.epochs": "7"}
    )
    assert config.training == {"lr": 0.5, "epochs": "7"}
    assert config.list == [1, {"b": None}]
    assert config.path == Path("x")


@pytest.mark.parametrize(
    ("override", "said"),
    [
        (
            "training.lrr=1",
            "override training.lrr: no key lrr under training; did you mean lr? (+training.lrr=… adds it)",
        ),
        ("trainig.lr=1", "override trainig.lr: no key trainig; did you mean training?"),
        ("training.lr.x=1", "override training.lr.x: training.lr has no keys, written at c.yaml:1:16"),
        ("same.lr=1", "override same.lr: same has no keys (it is ${training}), written at c.yaml:4:7"),
        ("list.2=1", "override list.2: list is a list of 2: expected an index below that, not 2"),
        ("list.x=1", "expected an index below that, not x"),
        ("nothing.a=1", "override nothing.a: nothing has no keys"),
        ("training.lr=[1", "not valid YAML"),
        ("training.lr=012", "override training.lr: training.lr: 012 reads as another number"),
        ("training.lr=!!float x", None),
        ("training..lr=1", "has an empty part"),
        ("lr", "the override 'lr' is not understood: expected key=value"),
        ("=1", "is not understood"),
    ],
)
def test_overrides_that_are_refused(override: str, said: str | None, load: Load, refused: Refused) -> None:
    if said is None:
        assert load(TEXT, overrides=[override]).training.lr == "!!float x"
    else:
        assert said in refused(TEXT, overrides=[override])


def test_a_single_text_is_no_list_of_overrides(refused: Refused) -> None:
    assert "expected a list" in refused(TEXT, overrides="training.lr=1")


class Optimizer(BaseModel):
    lr: float = 0.1
    name: str = "adam"
    warmup: int | None = None


class Model(BaseModel):
    optimizer: Optimizer = Optimizer()


def test_the_model_decides_about_keys_and_types(load: Load, refused: Refused) -> None:
    assert load("", Model, overrides=["optimizer.lr=1e-3", "optimizer.name=1.10", "optimizer.warmup=5"]) == Model(
        optimizer=Optimizer(lr=0.001, name="1.10", warmup=5)
    )
    assert (
        refused("", Model, overrides=["optimizer.lrr=1"])
        == "override optimizer.lrr: unknown key optimizer.lrr; did you mean lr?"
    )
    assert (
        refused("", Model, overrides=["optimizer.lr=fast"])
        == "override optimizer.lr: optimizer.lr is 'fast': expected a number"
    )


def test_the_value_of_a_secret_override_is_not_shown(refused: Refused) -> None:
    message = refused("password: x", Model, overrides=["password=hunter2secret"])
    assert "unknown key password" in message
    assert "hunter2" not in message


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["a.b=1", "+c=x=y"], (["a.b=1", "+c=x=y"], None, False)),
        (["--config", "x.yaml", "a=1"], (["a=1"], Path("x.yaml"), False)),
        (["--config=x.yaml"], ([], Path("x.yaml"), False)),
        (["--print-config"], ([], None, True)),
        ([], ([], None, False)),
    ],
)
def test_command_lines(words: list[str], expected: object) -> None:
    line = read_command_line(words)
    assert (line.words, line.file, line.show) == expected


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--lr", "3"], "'--lr' is not understood: expected lr=VALUE, --config FILE or --print-config"),
        (["--lr=3"], "expected lr=VALUE"),
        (["train"], "'train' is not understood: expected training.lr=0.1"),
        (["--config"], "--config needs a file"),
        (["-"], "'-' is not understood"),
    ],
)
def test_command_lines_that_are_refused(words: list[str], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_command_line(words)
    assert said in str(caught.value)
