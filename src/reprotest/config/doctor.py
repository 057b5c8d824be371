"""`[tool.reprotest.doctor]`: checks that do not apply to a project, with the reason, and files that are not its own code."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3)]


class DoctorSettings(BaseModel):
    """What `doctor` is told.

    Attributes:
        ignore: check id → why it does not apply.
        exclude: globs of source files that are not checked, such as copies of others' code.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    ignore: dict[str, Reason] = Field(default_factory=dict)
    exclude: list[str] = Field(default_factory=list)
