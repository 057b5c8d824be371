"""Starts commands in fresh processes. Itself callable: `reprotest.run("train.py")` is the public function of `reprotest.api`.

Importing `reprotest.run.command` makes the name `run` of the package this folder, whatever stood there before; so this
folder has to be the function too.
"""

from __future__ import annotations

import sys
from types import ModuleType

from reprotest import api


class _Callable(ModuleType):
    __call__ = staticmethod(api.run)


sys.modules[__name__].__class__ = _Callable
