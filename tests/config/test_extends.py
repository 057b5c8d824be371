from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from reprotest.config import load_config
from reprotest.errors import ConfigError


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        file = folder / f"{name.replace('__', '/')}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)


def test_a_file_is_laid_over_the_one_that_it_extends(tmp_path: Path) -> None:
    write(
        tmp_path,
        base="seed: 1\ntraining: {lr: 0.1, epochs: 3, betas: [0.9, 0.99]}\nname: base",
        own="extends: base.yaml\ntraining: {lr: 0.2, betas: [0.5]}\nname: null\nnew: {a: 1}",
    )
    assert load_config("own.yaml") == {
        "seed": 1,
        "training": {"lr": 0.2, "epochs": 3, "betas": [0.5]},
        "name": None,
        "new": {"a": 1},
    }


def test_lists_of_files_chains_and_folders(tmp_path: Path) -> None:
    write(
        tmp_path,
        base__all="a: 1\nb: 1\nc: 1\nd: 1",
        base__gpu="extends: all.yaml\nb: 2\nc: 2\nd: 2",
        big="c: 3\nd: 3",
        own="extends: [base/gpu.yaml, big.yaml]\nd: 4",
    )
    assert load_config("own.yaml") == {"a": 1, "b": 2, "c": 3, "d": 4}


def test_two_ways_to_the_same_base_are_no_circle(tmp_path: Path) -> None:
    write(
        tmp_path,
        base="a: 1",
        x="extends: base.yaml\nx: 1",
        y="extends: base.yaml\ny: 1",
        own="extends: [x.yaml, y.yaml]",
    )
    assert load_config("own.yaml") == {"a": 1, "x": 1, "y": 1}


def test_a_mapping_and_a_value_replace_each_other(tmp_path: Path) -> None:
    write(tmp_path, base="a: {b: 1}\nc: 2", own="extends: base.yaml\na: 3\nc: {d: 4}")
    assert load_config("own.yaml") == {"a": 3, "c": {"d": 4}}


def test_a_circle_is_refused_with_its_chain(tmp_path: Path) -> None:
    write(tmp_path, a="extends: b.yaml", b="x: 1\nextends: [sub/c.yaml]", sub__c="extends: ../a.yaml")
    with pytest.raises(ConfigError) as caught:
        load_config("a.yaml")
    assert str(caught.value) == "sub/c.yaml:1:10: extends goes in a circle: a.yaml → b.yaml → sub/c.yaml → a.yaml"
    write(tmp_path, me="extends: me.yaml")
    with pytest.raises(ConfigError, match=r"me.yaml → me.yaml"):
        load_config("me.yaml")
    (tmp_path / "link.yaml").symlink_to("linked.yaml")
    write(tmp_path, linked="extends: link.yaml")
    with pytest.raises(ConfigError, match="circle"):
        load_config("linked.yaml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("extends: nowhere.yaml", "c.yaml:1:10: extends 'nowhere.yaml', but there is no file nowhere.yaml"),
        ("extends: 3", "c.yaml:1:10: extends takes the path of a file, or a list of such"),
        ("extends: [a.yaml, {b: c}]", "c.yaml:1:19: extends takes the path"),
        ("extends: ''", "c.yaml:1:10: extends takes the path"),
        ("extends: {a: b}", "c.yaml:1:10: extends takes the path"),
    ],
)
def test_what_cannot_be_extended(text: str, said: str, tmp_path: Path, refused: Callable[..., str]) -> None:
    write(tmp_path, a="x: 1")
    assert said in refused(text)


def test_nothing_is_extended_by_an_empty_key(load: Callable[..., Any]) -> None:
    assert load("extends:\na: 1") == {"a": 1}


class Training(BaseModel):
    lr: float
    epochs: int


class Model(BaseModel):
    training: Training


def test_errors_name_the_file_that_says_it(tmp_path: Path) -> None:
    write(
        tmp_path, base="training:\n  epochs: many\n  lr: 0.1", own="extends: base.yaml\ntraining:\n  lr: fast\n  lrr: 1"
    )
    with pytest.raises(ConfigError) as caught:
        load_config("own.yaml", Model)
    assert str(caught.value).splitlines() == [
        "3 things are wrong with the configuration:",
        "  base.yaml:2:11: training.epochs is 'many': expected a whole number",
        "  own.yaml:3:7: training.lr is 'fast': expected a number",
        "  own.yaml:4:3: unknown key training.lrr; did you mean lr?",
    ]


def test_references_see_the_merged_whole(tmp_path: Path) -> None:
    write(tmp_path, base="name: base\nout: runs/${name}", own="extends: base.yaml\nname: own")
    assert load_config("own.yaml").out == "runs/own"
