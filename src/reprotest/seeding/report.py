"""What `set_seed` did and could not do."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple


class Said(NamedTuple):
    """One sentence about one factor."""

    factor: str
    what: str


@dataclass(frozen=True)
class SeedReport:
    """The outcome of `set_seed` as data; printed, it is for people.

    Attributes:
        seed: the seed.
        pinned: what was done.
        not_pinned: what could not be done, each with the next step.
        later: modules that are installed and not imported yet: they are pinned with the same seed when they are.
        deterministic, warn_only, fill_uninitialised: as asked for.
    """

    seed: int
    pinned: tuple[Said, ...]
    not_pinned: tuple[Said, ...]
    later: tuple[str, ...]
    deterministic: bool
    warn_only: bool
    fill_uninitialised: bool

    @property
    def jax_key(self) -> Any:
        """The JAX key of this seed, equal every time it is asked for: split it for everything that draws.

        Raises:
            RuntimeError: the program has not imported JAX.
        """
        jax = sys.modules.get("jax")
        if jax is None:
            raise RuntimeError("there is no JAX key without JAX: import jax first")
        return jax.random.key(self.seed)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for a log or JSON."""
        found = asdict(self)
        for name in ("pinned", "not_pinned"):
            found[name] = [said._asdict() for said in getattr(self, name)]
        return found | {"later": list(self.later)}

    def __str__(self) -> str:
        lines = [f"seed {self.seed}", *(f"  pinned      {said.what}" for said in self.pinned)]
        if self.later:
            lines.append(f"  later       {', '.join(self.later)}: pinned when imported")
        return "\n".join([*lines, *(f"  not pinned  {said.what}" for said in self.not_pinned)])
