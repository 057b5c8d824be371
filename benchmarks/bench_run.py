"""The wall time of `run` over twice the bare script's, and of `--help`: what the harness itself costs."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from _harness import Row, measure, show

_SCRIPT = """
import torch
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(64, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(100):
    loss = torch.nn.functional.cross_entropy(model(torch.randn(32, 64)), torch.randint(0, 10, (32,)))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""


def rows() -> list[Row]:
    """Seconds that `run` takes beyond two bare runs, by rounds in turns; and the start of the command line."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "train.py").write_text(_SCRIPT)

        def program(*words: str) -> None:
            subprocess.run([sys.executable, *words], cwd=folder, check=True, stdout=subprocess.DEVNULL)

        found = measure(
            {
                "bare": lambda: program("train.py"),
                "run": lambda: program("-m", "reprotest", "run", "--quiet", "train.py"),
                "help": lambda: program("-m", "reprotest", "--help"),
            },
            rounds=5,
            seconds=0,
        )
    bare, whole = found.seconds("bare"), found.seconds("run")
    return [
        Row("run", f"two runs, identical, of a script of {bare:.1f} s: beyond 2 T", whole - 2 * bare, "s", 2.5, 1.2),
        Row("run", "the same / bare script", found.ratio("run", "bare"), "x"),
        Row("run", "--help", found.seconds("help"), "s", 0.3),
    ]


if __name__ == "__main__":
    show(rows())
