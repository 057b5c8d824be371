"""What one run is to do, as the parent writes it and every process of the run reads it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from reprotest.factors.base import Setting
from reprotest.record.files import write_whole


@dataclass(frozen=True)
class Plan:
    """The plan of one run (`plan.json`).

    Attributes:
        run_dir: the run's folder.
        cwd: working directory in which the command starts; user files are shown relative to it.
        level: steps | modules | operators | lines.
        window: first and last step at which the finer level and the keeping of values are active; None: nowhere.
        values: keep raw values inside the window.
        keep: more steps at which raw values are kept.
        stop_after_step: end the program once this step is complete; None: let it run to its end.
        resume: what the verb `resume` keeps of this run or puts back in it (`reprotest.resume.plans`); None in all other runs.
        factors: how each held factor is held; a factor that is missing is free.
    """

    run_dir: str
    cwd: str
    level: str = "steps"
    window: tuple[int, int] | None = None
    values: bool = False
    keep: tuple[int, ...] = ()
    stop_after_step: int | None = None
    resume: dict[str, Any] | None = None
    factors: dict[str, Setting] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        write_whole(path, json.dumps(asdict(self)))

    @classmethod
    def read(cls, path: str) -> Plan:
        with open(path, encoding="utf-8") as file:
            raw = json.load(file)
        raw["factors"] = {
            name: Setting(**{**setting, "only": tuple(setting["only"])}) for name, setting in raw["factors"].items()
        }
        raw["window"] = tuple(raw["window"]) if raw["window"] else None
        raw["keep"] = tuple(raw.get("keep", ()))
        return cls(**raw)
