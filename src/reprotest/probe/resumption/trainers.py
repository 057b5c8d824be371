"""Stops Hugging Face's Trainer and Lightning's after a step with a checkpoint of their own, and resumes them from it.

Only their documented ways are used: a callback that asks for a checkpoint, and the argument that names one. The checkpoint lies in
reprotest's own folder, whatever the program says about its output.
"""

from __future__ import annotations

import functools
import inspect
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reprotest.probe.child import Child

USED = "checkpoint"
"""Key under which a run says which trainer has left a checkpoint, or has been resumed."""


def install(child: Child, order: dict[str, Any]) -> None:
    """Stop or resume, as `order` says, the first trainer that the program uses."""
    stop: int | None = order.get("stop")
    folder = Path(order["checkpoint"])
    for name in ("lightning.pytorch.trainer.trainer", "pytorch_lightning.trainer.trainer"):
        child.on_import(name, lambda module: _lightning(child, module, folder, stop))
    child.on_import("transformers.trainer", lambda module: _transformers(child, module, folder, stop))


def _transformers(child: Child, module: ModuleType, folder: Path, stop: int | None) -> None:
    kind = module.Trainer
    original = kind.train
    state = {"used": False}

    class Stop(module.TrainerCallback):  # type: ignore[name-defined, misc]
        """Asks for a checkpoint in our folder, and ends the program once it is written."""

        def __init__(self, trainer: Any) -> None:
            self.trainer = trainer
            self.asked = False

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
            if not self.asked and stop is not None and child.step >= stop:
                self.asked = control.should_save = True
                self.trainer._get_output_dir = lambda trial=None: str(folder)
            return control

        def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if self.asked:
                child.put(USED, "transformers")
                child.stop()

    @functools.wraps(original)
    def train(trainer: Any, *args: Any, **kwargs: Any) -> Any:
        if not state["used"]:
            state["used"] = True
            if stop is not None:
                trainer.add_callback(Stop(trainer))
            else:
                args, kwargs = _with(original, (trainer, *args), kwargs, "resume_from_checkpoint", str(_newest(folder)))
                child.put(USED, "transformers")
                return original(*args, **kwargs)
        return original(trainer, *args, **kwargs)

    kind.train = train


def _lightning(child: Child, module: ModuleType, folder: Path, stop: int | None) -> None:
    kind = module.Trainer
    original = kind.fit
    state = {"used": False}
    file = folder / "stop.ckpt"

    class Stop(module.Callback):  # type: ignore[name-defined, misc]
        """Saves a checkpoint where Lightning's own ModelCheckpoint would, and ends the program."""

        def on_train_batch_end(self, trainer: Any, *args: Any, **kwargs: Any) -> None:
            if stop is not None and child.step >= stop:
                trainer.save_checkpoint(file)
                child.put(USED, "lightning")
                child.stop()

    @functools.wraps(original)
    def fit(trainer: Any, *args: Any, **kwargs: Any) -> Any:
        if not state["used"]:
            state["used"] = True
            if stop is not None:
                trainer.callbacks.append(Stop())
            else:
                args, kwargs = _with(original, (trainer, *args), kwargs, "ckpt_path", str(file))
                child.put(USED, "lightning")
                return original(*args, **kwargs)
        return original(trainer, *args, **kwargs)

    kind.fit = fit


def _with(
    function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], name: str, value: Any
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments with one of them given another value, wherever it stands."""
    bound = inspect.signature(function).bind(*args, **kwargs)
    bound.arguments[name] = value
    return bound.args, bound.kwargs


def _newest(folder: Path) -> Path:
    """The trainer's own sub-folder, "checkpoint-12"."""
    return max(folder.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))
