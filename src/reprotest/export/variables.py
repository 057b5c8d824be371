"""The environment variables that hold factors still, as the factors themselves name them."""

from __future__ import annotations

import os

from reprotest.factors import Setting, all_factors

ONLY_IN_EXPERIMENTS = {
    "memory.uninitialised": "fills every allocation, which costs a third of a small training's time",
    "threads.schedule": "leaves one thread to libraries that are meant for many",
}
"""Factors that an environment does not hold still, since that costs more than it gives outside of an experiment."""


def held() -> dict[str, str]:
    """What each factor sets at a process's start to be held at its pinned value, sorted by name.

    The same on every machine: what the present environment has set already plays no part.
    """
    present = dict(os.environ)
    found: dict[str, str] = {}
    try:
        os.environ.clear()
        os.environ.update({name: present[name] for name in ("PATH", "HOME") if name in present})
        for factor in all_factors():
            if factor.id not in ONLY_IN_EXPERIMENTS:
                found |= {name: value for name, value in factor.launch(Setting()).env.items() if value is not None}
    finally:
        os.environ.clear()
        os.environ.update(present)
    return dict(sorted(found.items()))
