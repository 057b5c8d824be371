"""The vocabulary of events that probes record and comparison reads."""

from __future__ import annotations

from enum import IntEnum


class Phase(IntEnum):
    """Where in a training program an event belongs. STATE is kept for information and never compared."""

    INIT = 0
    DATA = 1
    FORWARD = 2
    LOSS = 3
    BACKWARD = 4
    UPDATE = 5
    METRIC = 6
    OUTPUT = 7
    STATE = 8


SAVED = "save"
"""Operator of OUTPUT events that show what a program saves. A run that finds the file made already saves nothing, and is the same all the
same: such events are compared apart from all others."""
LEFT = "left over"
"""Operator of OUTPUT events that show what the main module holds at the end."""
UNINITIALISED = "uninitialised memory"
"""Name of an event that shows memory which is read before it was written."""
INPUT, OUTPUT = ".input", ".output"
"""How the operator's name ends of what a process brings to a collective ("all_reduce.input"), and of what it is given by it."""
