"""The last resort for a program of which nothing else was observed: the arrays and models that its main module holds at the end.

They may miss what the program printed, so that its output is compared as well.
Numbers are left out, since many are times and speeds, and so is what is named like one.
"""

from __future__ import annotations

import re
import sys
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TYPE_CHECKING

from reprotest.probe.leaves import arrays, is_time
from reprotest.record.event import LEFT, Phase

if TYPE_CHECKING:
    from reprotest.probe.child import Child

_GENERATOR_STATE = re.compile(r"\.state($|[\[.])|bit_generator")
_MOST_ARRAYS = 1000


def put_leftovers(child: Child) -> None:
    """Record them, if this process has left no event yet."""
    writer = child.writer()
    if writer is None or writer.frames or writer.pending or not child.in_main_thread():
        return
    program = vars(sys.modules["__main__"])
    count = 0
    for name, value in sorted(program.items()):
        if (
            name.startswith("_")
            or is_time(name)
            or isinstance(value, (ModuleType, FunctionType, BuiltinFunctionType, type))
        ):
            continue
        for path, leaf in arrays(value, f"__main__.{name}"):
            if count < _MOST_ARRAYS and not is_time(path) and not _GENERATOR_STATE.search(path):
                child.observe(path, Phase.OUTPUT, leaf, op=LEFT)
                count += 1
    child.commit()
