"""What a factor is: anything that can make two runs of one program differ.

Every factor is one file of this folder holding one subclass of `Factor`. The same object answers five questions: its present
state (`read`), how to hold it still (`pin`), what other values it could have had (`perturb`), who uses it (`watch`) and what to
tell the user (`what`, `fix`). Those that are about random numbers also save and restore the state of their generators. Nothing outside this folder lists the factors; `reprotest.factors.all_factors()` finds them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, ClassVar, Protocol

from reprotest.factors._source import InSource

SCRATCH = "{scratch}"
OWN_SEEDS = 99
"""The variant in which the seeds that the program itself sets are others, and all else is held as in variant 0."""
Json = Any
"""Plain data: None, bool, int, float, str, lists and string-keyed mappings of them."""


@dataclass(frozen=True)
class Setting:
    """How one factor is held during one run. No setting at all means: left free, only watched.

    Attributes:
        seed: the experiment's base seed; equal seeds and variants give equal values in every process that asks in the same place.
        variant: 0 is *the* pinned value; k > 0 the factor's k-th other value (`perturb`).
        only: call sites ("train.py:12"); when not empty, these alone see `variant`, all others see variant 0. Lets an
            experiment vary one line of the program.
        constant: streams start anew at every request and are the same in every process, so that who asks first does not
            matter. For the one experiment that frees the order of threads and processes while entropy is held.
        identity: also hash objects of the user's classes by creation order instead of by address (memory.address), so that
            other factors, which move allocations, can be judged apart from addresses.
        native: also have the threads of OpenMP, which only native code sees, run one after the other (threads.schedule).
    """

    seed: int = 0
    variant: int = 0
    only: tuple[str, ...] = ()
    constant: bool = False
    identity: bool = False
    native: bool = False

    def variant_at(self, site: str | None) -> int:
        """The variant that a call from `site` is to see."""
        if self.variant == OWN_SEEDS:
            return 0
        return self.variant if not self.only or site in self.only else 0


@dataclass(frozen=True)
class Launch:
    """What must be true of a process before it starts, because it cannot be changed from inside.

    Attributes:
        env: environment variables to set; None removes one. `SCRATCH` in a value stands for a folder below `.reprotest/`, which is made.
        fixed_addresses: start with ADDR_NO_RANDOMIZE (as `setarch -R` does).
        getrandom_seed: answer the getrandom(2) system call from a stream with this seed.
        shift_addresses: bytes of padding that move the stack and heap, deterministically.
        umask: of the process; None: ours.
    """

    env: Mapping[str, str | None] = field(default_factory=dict)
    fixed_addresses: bool = False
    getrandom_seed: int | None = None
    shift_addresses: int = 0
    umask: int | None = None


@dataclass(frozen=True)
class Seen:
    """What an unvaried run showed of a program, as far as it says which variations can reach it.

    Attributes:
        modules: top-level modules that it imported, the standard library's left out.
        used: did it use the factor in question?
        told: what its processes left under the factor's id (`put`).
    """

    modules: frozenset[str] = frozenset()
    used: bool = False
    told: Sequence[Json] = ()


@dataclass(frozen=True)
class Pinning:
    """What seed control was asked for besides the seed.

    Attributes:
        deterministic: also choose algorithms that repeat; False leaves the present choice alone.
        warn_only: where there is no such algorithm, warn instead of raising.
        fill_uninitialised: fill new memory that nobody has written, which PyTorch does under deterministic algorithms only.
    """

    deterministic: bool = True
    warn_only: bool = False
    fill_uninitialised: bool = True


PINNING = Pinning()
"""What is asked for when nobody asks for anything else."""


class Inside(Protocol):
    """What a factor (or a probe) may use inside the process under test. Implemented by `reprotest.probe.child.Child`."""

    @property
    def process_key(self) -> str:
        """Names this process the same way in every run: "main", "rank1", "main/SpawnProcess-2"."""

    def setting(self, factor_id: str) -> Setting | None:
        """How the factor is to be held in this run; None when it is free."""

    def on_import(self, module: str, then: Callable[[ModuleType], None]) -> None:
        """Call `then(module)` right after `module` was executed (at once if it is imported already)."""

    def site(self) -> str | None:
        """The innermost line of the user's own code on the current stack, as "path:line"; None if there is none."""

    def caller_is_user(self, depth: int = 2) -> bool:
        """Is the function that called the wrapper (`depth` frames up) the user's own code, not a library's?"""

    def used(self, factor_id: str, site: str | None = None, calls: int = 1) -> None:
        """Note that the run used the factor in a way that may vary (an unseeded draw, a clock reading)."""

    def stream(self, factor_id: str, site: str | None, n: int) -> bytes:
        """The next n bytes of the factor's seeded stream for this process and site (only when it has a setting)."""

    def note(self, sentence: str) -> None:
        """Say something in the report, under what could not be observed."""

    def put(self, key: str, value: Json) -> None:
        """Leave plain data for those who read the run's record, under a key of its own."""

    def save(self, *, now: bool = True) -> None:
        """Write the notes; they are lost where a process is killed before. With now=False only once in a while."""

    def at_exit(self, then: Callable[[], None]) -> None:
        """Call `then()` before the notes are written for the last time, however Python ends the process."""


class Factor:
    """One thing that can make two runs differ."""

    id: ClassVar[str]
    """From the closed vocabulary of DESIGN.md."""
    what: ClassVar[str]
    """One sentence for a report: what varies."""
    fix: ClassVar[str]
    """One sentence: what the user should change."""
    repeats: ClassVar[bool] = False
    """Can it vary between two runs on one machine with one command? Only such factors are candidates of `run`."""
    unseen: ClassVar[bool] = False
    """Can it act without a use that `watch` can see? Such factors are tried even when no use was noted."""
    frees: ClassVar[int] = 0
    """How often the experiment *leaves it free* before calling it harmless; 0: perturbing it once is decisive."""
    tries: ClassVar[int] = 1
    """How many other values (variants 1 to `tries`) it takes to call it harmless: a set of two has one order in two anyway."""
    tries_unseen: ClassVar[int] = 1
    """The same where it can only have acted in native code, whose hash maps may by chance come in the same order again."""
    inside: ClassVar[bool] = False
    """Does its reading say more inside the program, where the libraries are loaded (threads in use, capability chosen)?"""
    order: ClassVar[int] = 50
    """Likelihood rank in experiments: small ones are tried first."""
    seeded: ClassVar[str | None] = None
    """The module whose generators programs seed by themselves, "" for the standard library; `vary --seeds` gives them other seeds."""
    reaches: ClassVar[tuple[str, ...]] = ()
    """The modules that `pin` works on; `pin_imported` is called when one of them is imported later."""
    source: ClassVar[InSource] = InSource()
    """The names by which source text shows its use, for `doctor`."""
    start: ClassVar[int | None] = 0
    """The variant from which `vary` starts; None: it stays free."""
    likely: ClassVar[bool] = False
    """Does it often change results? `vary` tries such factors one by one, the others many at a time."""

    def acts_unseen(self, modules: frozenset[str]) -> bool:
        """May it have acted without a trace in a program that imported these top-level modules?"""
        return self.unseen

    def fixed(self, environ: Mapping[str, str]) -> str | None:
        """Why it cannot vary between repeats in this environment (the user has set PYTHONHASHSEED, say); None when it can."""
        return None

    def read(self) -> Mapping[str, Json]:
        """Its present state as plain data, for the manifest. Never a secret, never an import of a framework that is not loaded."""
        return {}

    def facet(self, reading: Mapping[str, Json], modules: frozenset[str]) -> str | None:
        """What of a reading can change a result, in a few words; None: it does not tell one class of machines from another.

        Args:
            reading: what `read` gave, here or on another machine.
            modules: top-level modules that the program imported; empty when that is not known.
        """
        return None

    def emulate(self, reading: Mapping[str, Json]) -> Mapping[str, str | None] | None:
        """Environment variables that make this machine compute as the reading's (None removes one); None: that cannot be done."""
        return None

    def launch(self, setting: Setting) -> Launch:
        """What must be set before the process starts to give it this setting."""
        return Launch()

    def watch(self, inside: Inside) -> None:
        """Inside a run: note every use with its site, and carry out `inside.setting(self.id)` if there is one."""

    def pin(self, seed: int, how: Pinning = PINNING) -> Sequence[str]:
        """Seed control in the present process (what `set_seed` does). Returns what was done, in words; empty when not applicable."""
        return ()

    def pin_imported(self, module: str, seed: int, how: Pinning = PINNING) -> Sequence[str]:
        """`pin`, right after one of the modules that it `reaches` was imported. What was there before must not start again."""
        return self.pin(seed, how)

    def unpinned(self, how: Pinning = PINNING) -> Sequence[str]:
        """What `pin` cannot reach in the present process, in words; asked right before it is called."""
        return ()

    def undo(self) -> Callable[[], None]:
        """A function that takes back what `pin` is about to do."""
        state = self.state()
        return (lambda: None) if state is None else (lambda: self.restore(state))

    def state(self) -> Any:
        """The state of its global generators, as their library hands it out; None when there is none in this process."""
        return None

    def restore(self, state: Any) -> None:
        """Put back what `state` returned, in this or in another process.

        Raises:
            ValueError: the generators of this process cannot take it; says why.
        """

    def reseed(self, seed: int) -> None:
        """Seed the generators that code on the CPU draws from, and nothing else: what comes before every sample of a data loader.

        Args:
            seed: 0 ≤ seed < 2**64.
        """

    def perturb(self, k: int) -> str | None:
        """Describe the k-th other value ("2 threads", "PYTHONHASHSEED=1"); None when there is no such value (on this machine)."""
        return f"variant {k}" if k <= 1 else None

    def variations(self, seen: Seen) -> Sequence[int] | str:
        """The variants that `vary` tries on a program of which this was seen; or a clause that says why there are none."""
        most = self.tries if self.repeats else 9
        found = [k for k in range(1, most + 1) if self.perturb(k) is not None]
        return found or "there is no other value of it on this machine"

    def remedy(self, variant: int) -> str:
        """`fix`, where only this variant changes the result."""
        return self.fix

    def compiles(self, variant: int) -> bool:
        """Is the program compiled under this variant, which takes long and nearly always changes something?"""
        return False

    def other_operators(self, variant: int) -> bool:
        """Does the program call other operators under this variant, or compiled ones, so that they are not to be compared one by one?"""
        return False

    def may_fail(self, variant: int) -> bool:
        """Does it say nothing when the program fails under this variant, as one that it did not ask for and need not support?"""
        return False

    def conceals(self, variant: int) -> bool:
        """May the program not come to what other variations change under this one, as where it finds its results ready made?"""
        return False

    def presumes_stable(self, variant: int) -> bool:
        """Does this variant say nothing of a program that differs when it is merely repeated? `vary` tries such variants last."""
        return False

    def usual(self, seen: Seen) -> str:
        """Describes where `vary` starts from, in the words of `perturb`."""
        return self.perturb(0) or "as it is"
