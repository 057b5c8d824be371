from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reprotest.config import Config, load_config
from reprotest.config.mapping import FrozenList


@pytest.fixture
def config(baseline: Path) -> Config:
    return load_config(baseline)


def test_the_articles_configuration(config: Config, baseline: Path) -> None:
    assert config == yaml.safe_load(baseline.read_text())
    assert config.model.architecture == config["model"]["architecture"] == "resnet18"
    assert config["seed"] == 42
    assert config.training.learning_rate == 0.001
    assert dict(**config.training)["epochs"] == 50


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.__setitem__("seed", 1),
        lambda c: c.update(seed=1),
        lambda c: c.pop("seed"),
        lambda c: c.clear(),
        lambda c: c.setdefault("x", 1),
        lambda c: c.__delitem__("seed"),
        lambda c: setattr(c, "seed", 1),
        lambda c: delattr(c, "seed"),
        lambda c: c.model.__setitem__("depth", 1),
        lambda c: c.__ior__({"a": 1}),
    ],
)
def test_it_cannot_be_changed(change: Any, config: Config) -> None:
    before = config.to_dict()
    with pytest.raises(TypeError, match="read-only: change the file, use an override"):
        change(config)
    assert config == before


def test_lists_cannot_be_changed() -> None:
    config = Config({"a": [1, [2], {"b": [3]}]})
    assert config.a == [1, [2], {"b": [3]}]
    assert isinstance(config.a, list)
    for change in (
        lambda a: a.append(1),
        lambda a: a.__setitem__(0, 1),
        lambda a: a.sort(),
        lambda a: a[1].extend([1]),
    ):
        with pytest.raises(TypeError, match="read-only"):
            change(config.a)
    assert [*config.a[2].b, 4] == [3, 4]


def test_keys_that_are_not_there(config: Config) -> None:
    with pytest.raises(AttributeError, match=r"no key modle in the configuration; did you mean model\?"):
        config.modle  # noqa: B018
    with pytest.raises(KeyError, match="did you mean model"):
        config["modle"]
    assert not hasattr(config, "modle")
    assert config.get("modle") is None
    assert config.get("seed") == 42
    assert "seed" in dir(config)


def test_keys_named_like_methods_are_reached_by_brackets() -> None:
    config = Config({"items": 1, "keys": 2})
    assert config["items"] == 1
    assert list(config.items()) == [("items", 1), ("keys", 2)]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickling(protocol: int, config: Config) -> None:
    back = pickle.loads(pickle.dumps(config, protocol))
    assert back == config
    assert type(back.model) is Config


def test_copies(config: Config) -> None:
    assert copy.deepcopy(config) == copy.copy(config) == config.copy() == config
    assert type(copy.deepcopy(config).model) is Config
    merged = config | {"seed": 1}
    assert merged["seed"] == 1
    assert config.seed == 42


data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), data))
def test_to_dict_gives_ordinary_data_back(values: dict[str, Any]) -> None:
    config = Config(values)
    plain = config.to_dict()
    assert plain == values == config
    assert json.dumps(plain) == json.dumps(config) == json.dumps(values)
    assert type(plain) is dict

    def ordinary(value: Any) -> bool:
        if isinstance(value, dict):
            return type(value) is dict and all(map(ordinary, value.values()))
        return not isinstance(value, FrozenList) and (not isinstance(value, list) or all(map(ordinary, value)))

    assert ordinary(plain)


def test_secrets_are_not_shown() -> None:
    config = Config({"db": {"password": "hunter2", "host": "h"}, "num_tokens": 5, "pad_token": "<pad>"})
    assert repr(config) == str(config)
    assert (
        repr(config) == "Config({'db': Config({'password': ***, 'host': 'h'}), 'num_tokens': 5, 'pad_token': '<pad>'})"
    )
    assert config.db.password == "hunter2"
