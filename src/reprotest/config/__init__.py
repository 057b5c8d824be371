"""Configuration files: typed, strict, with messages that name the place in the file and the next step.

`load_config` reads a training's configuration (docs/configuration.md); `project` reads reprotest's own. Names are imported when
they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reprotest.config.load import load_config
    from reprotest.config.mapping import Config
    from reprotest.config.present import config_digest, format_config, plain_data, print_config

_HOMES = {
    "Config": "reprotest.config.mapping",
    "config_digest": "reprotest.config.present",
    "format_config": "reprotest.config.present",
    "load_config": "reprotest.config.load",
    "plain_data": "reprotest.config.present",
    "print_config": "reprotest.config.present",
}

__all__ = ["Config", "config_digest", "format_config", "load_config", "plain_data", "print_config"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'reprotest.config' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
