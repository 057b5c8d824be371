"""`set_seed` and `seeded`: every factor of the present process pinned, and put back."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from reprotest.errors import UsageError
from reprotest.factors import Factor, Pinning, all_factors
from reprotest.seeding import later
from reprotest.seeding.report import Said, SeedReport

LARGEST = 2**32 - 1
"""NumPy's global generator takes no larger seed; one range for all keeps equal seeds equal everywhere."""

_current: tuple[int, Pinning] | None = None


def set_seed(
    seed: int,
    deterministic: bool = True,
    warn_only: bool = False,
    *,
    fill_uninitialised: bool = True,
    relaunch: bool = False,
) -> SeedReport:
    """Pin everything random in this process: first thing in the program, before models and data are made.

    Pinned are Python, NumPy, PyTorch on the CPU and all CUDA devices, TensorFlow and Keras, as far as the program has imported them; what it
    imports later is pinned at its import. JAX has no global state: use the key of the result (`set_seed(42).jax_key`).

    Args:
        seed: 0 ≤ seed < 2**32.
        deterministic: also choose algorithms that repeat (PyTorch, cuDNN, cuBLAS, TensorFlow). False leaves the present choice as it is.
        warn_only: where PyTorch has no such algorithm, warn instead of raising an error.
        fill_uninitialised: under deterministic algorithms PyTorch fills new memory, at the price of writing it twice. A program that
            reads only what it has written may say False.
        relaunch: PYTHONHASHSEED counts only before Python starts. When it was not set then, start the same command anew with it, once,
            in the same process; what the program did before this call is done again. Where that is not safe (notebooks, worker
            processes, other threads, …) nothing is started and the result says why.

    Returns:
        What was done and what could not be.

    Raises:
        UsageError: no such seed.
    """
    global _current
    seed = checked_seed(seed)
    how = Pinning(deterministic, warn_only, fill_uninitialised)
    refusal = None
    if relaunch:
        from reprotest.seeding.relaunch import relaunch as start_anew

        refusal = start_anew(seed)
    pinned, missed = _pin(all_factors(), seed, how)
    if refusal is not None:
        missed = [Said(said.factor, refusal) if said.factor == "python.hash" else said for said in missed]
    _current = seed, how
    names = [name for factor in all_factors() for name in factor.reaches]
    waiting = later.wait_for(names, _pin_imported)
    return SeedReport(seed, tuple(pinned), tuple(missed), tuple(waiting), deterministic, warn_only, fill_uninitialised)


@contextmanager
def seeded(
    seed: int, deterministic: bool = True, warn_only: bool = False, *, fill_uninitialised: bool = True
) -> Iterator[SeedReport]:
    """`set_seed` for a block (`with seeded(42):`) or a function (`@seeded(42)`); afterwards all is as it was before.

    Put back are the states of the generators and the settings of every factor that was there at the start. A framework that is first
    imported inside stays pinned: it has no earlier state. The state is the process's, not the thread's.
    """
    global _current
    checked_seed(seed)
    before = _current
    undo: list[Callable[[], None]] = [factor.undo() for factor in all_factors()]
    try:
        yield set_seed(seed, deterministic, warn_only, fill_uninitialised=fill_uninitialised)
    finally:
        _current = before
        for back in reversed(undo):
            back()


def current_seed() -> int | None:
    """The seed of the last `set_seed` that is in force; None without one."""
    return None if _current is None else _current[0]


def checked_seed(seed: object) -> int:
    """The seed as an int. Raises UsageError where it is none, or out of range."""
    try:
        if isinstance(seed, bool):
            raise TypeError
        number = operator.index(seed)  # type: ignore[arg-type]  # NumPy's integers too
    except TypeError:
        raise UsageError(f"the seed is {seed!r}: expected a whole number from 0 to {LARGEST}") from None
    if not 0 <= number <= LARGEST:
        raise UsageError(f"the seed is {number}: expected a whole number from 0 to {LARGEST}, as NumPy takes no other")
    return number


def _pin(factors: tuple[Factor, ...], seed: int, how: Pinning) -> tuple[list[Said], list[Said]]:
    missed = [Said(factor.id, what) for factor in factors for what in factor.unpinned(how)]
    pinned = [Said(factor.id, what) for factor in factors for what in factor.pin(seed, how)]
    return pinned, missed


def _pin_imported(module: str) -> None:
    if _current is not None:
        for factor in all_factors():
            if module in factor.reaches:
                factor.pin_imported(module, *_current)
