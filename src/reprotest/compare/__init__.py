"""Aligns two records and finds the first difference, while a run goes on or afterwards."""

from __future__ import annotations

from reprotest.compare.growth import Divergence, growth
from reprotest.compare.lockstep import Lockstep
from reprotest.compare.output import output_difference
from reprotest.compare.records import first_difference

__all__ = ["Divergence", "Lockstep", "first_difference", "growth", "output_difference"]
