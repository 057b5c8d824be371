from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reprotest.config import load_config, present
from reprotest.errors import UsageError

BASELINE = """\
# config/baseline.yaml
seed: 42
experiment_name: "baseline_run"

model:
  architecture: "resnet18"
  pretrained: true
  num_classes: 10

training:
  batch_size: 32
  epochs: 50
  learning_rate: 0.001
  optimizer: "adam"
  weight_decay: 0.0001

data:
  dataset: "cifar10"
  train_split: 0.8
  val_split: 0.1
  test_split: 0.1
  augmentation: true

paths:
  data_dir: "./data"
  output_dir: "./outputs"
  checkpoint_dir: "./checkpoints"
"""


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    yield
    present._loaded_secrets.clear()


@pytest.fixture
def baseline(tmp_path: Path) -> Path:
    file = tmp_path / "baseline.yaml"
    file.write_text(BASELINE)
    return file


Load = Callable[..., Any]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Write a text as c.yaml and load it."""
    (tmp_path / ".git").mkdir(exist_ok=True)  # no .env is looked for above

    def load(text: str | bytes, *args: Any, **kwargs: Any) -> Any:
        content = text.encode() if isinstance(text, str) else text
        (tmp_path / "c.yaml").write_bytes(content)
        return load_config("c.yaml", *args, **kwargs)

    return load


@pytest.fixture
def refused(load: Load) -> Callable[..., str]:
    """The message with which a text is refused."""

    def refused(*args: object, **kwargs: object) -> str:
        with pytest.raises(UsageError) as caught:
            load(*args, **kwargs)
        return str(caught.value)

    return refused
