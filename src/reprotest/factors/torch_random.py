"""PyTorch's CPU generator, which starts from a random seed, and `Generator.seed()`, which takes another one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from reprotest.factors import _own_seeds, _patch
from reprotest.factors._source import OF_SEVERAL, InSource
from reprotest.factors.base import PINNING, Factor, Inside, Pinning, Seen

_FUNCTIONS = (
    "bernoulli",
    "multinomial",
    "normal",
    "poisson",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "randperm",
)
_METHODS = (
    "bernoulli",
    "bernoulli_",
    "cauchy_",
    "exponential_",
    "geometric_",
    "log_normal_",
    "multinomial",
    "normal_",
    "random_",
    "uniform_",
)
_LAYERS = (
    "Linear",
    "Bilinear",
    "LazyLinear",
    "LazyConv*",
    "Conv*",
    "Embedding*",
    "RNN*",
    "LSTM*",
    "GRU*",
    "MultiheadAttention",
    "Transformer*",
)
_SET = ("constant_", "zeros_", "ones_", "eye_", "dirac_", "calculate_gain")
_COMPILER = ("torch._dynamo.callback", "torch._dynamo.config", "torch._dynamo.utils", "torch._dynamo")
"""Whichever of these is imported first: the compiler lists torch's functions, by identity, while it is being imported."""


class TorchRandom(Factor):
    """The default CPU generator until `torch.manual_seed`, and every generator on which `.seed()` is called."""

    id = "torch.random"
    what = "what PyTorch draws on the CPU (initial weights, shuffling, dropout), which differs in every process until it is seeded"
    fix = (
        "call torch.manual_seed(seed) before the model and the data are made, and generator.manual_seed(seed) instead of "
        "generator.seed()"
    )
    repeats = True
    seeded = "torch"
    order = 10
    reaches = ("torch",)
    source = InSource(
        packages=("torch", "torchvision", "lightning", "pytorch_lightning", "accelerate", "transformers", "timm"),
        seeds=(
            "torch.manual_seed",
            "torch.random.manual_seed",
            "torch.set_rng_state",
            "torch.random.set_rng_state",
            "torch.default_generator.manual_seed",
            *OF_SEVERAL,
        ),
        draws=(
            *(f"torch.{name}" for name in _FUNCTIONS),
            *(f"torch.nn.{name}" for name in _LAYERS),
            "torch.nn.init.*",
            "torch.utils.data.random_split",
            "torchvision.models.*",
            "timm.create_model",
        ),
        later=(
            "torch.utils.data.DataLoader(shuffle)",
            "torch.utils.data.RandomSampler",
            "torch.utils.data.WeightedRandomSampler",
            "torch.utils.data.SubsetRandomSampler",
            "torch.nn.Dropout*",
            "torch.nn.AlphaDropout",
            "torchvision.transforms.Random*",
            "torchvision.transforms.v2.Random*",
        ),
        spared=(*(f"torch.nn.init.{name}" for name in _SET), "torchvision.models.get_model_weights"),
        methods=tuple(name for name in _METHODS if name.endswith("_")),
        given=("generator",),
        own=("torch.Generator.seed",),
        values=("torch.seed", "torch.random.seed"),
    )

    def watch(self, inside: Inside) -> None:
        inside.on_import("torch", lambda torch: _Watch(inside, torch).install())
        _own_seeds.watch(inside, self.id)

    def pin(self, seed: int, how: Pinning = PINNING) -> Sequence[str]:
        torch = sys.modules.get("torch")
        if torch is None:
            return ()
        torch.manual_seed(seed)
        return (f"PyTorch: every device's generator seeded with {seed}",)

    def reseed(self, seed: int) -> None:
        torch = sys.modules.get("torch")
        if torch is not None:
            torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed the GPUs too

    def state(self) -> Any:
        torch = sys.modules.get("torch")
        return None if torch is None else torch.default_generator.get_state()

    def restore(self, state: Any) -> None:
        sys.modules["torch"].default_generator.set_state(state)

    def perturb(self, k: int) -> str | None:
        return "another seed for PyTorch's CPU generator" if k == 1 else None

    def variations(self, seen: Seen) -> Sequence[int] | str:
        return super().variations(seen) if "torch" in seen.modules else "PyTorch is not used"


class _Watch:
    """Watches one process's CPU generators, and gives them their setting."""

    def __init__(self, inside: Inside, torch: ModuleType) -> None:
        self._inside = inside
        self._torch: Any = torch
        self._setting = inside.setting(TorchRandom.id)
        self._default: Any = torch.default_generator
        self._kind: Any = torch._C.Generator
        # Straight from the type: what we replace in it must not be asked by ourselves.
        self._manual_seed = self._kind.manual_seed
        self._get_state = self._kind.get_state
        self._undo: list[Callable[[], None]] = []
        self._virgin = True
        """Where it started, as far as we know."""
        self._noted = False
        self._compiling = False

    def install(self) -> None:
        if self._setting is not None:
            self._manual_seed(self._default, self._pinned(None))
        self._remember()
        _patch.patch_type(self._kind, "seed", self._seed(self._kind.seed))
        _patch.patch_type(self._kind, "set_state", self._set_state(self._kind.set_state))
        self._arm()
        for name in _COMPILER:
            self._inside.on_import(name, self._leave_to_compiler)
        self._inside.at_exit(self._look)

    # --- seeding ------------------------------------------------------------------------------------------------

    def _pinned(self, site: str | None) -> int:
        return int.from_bytes(self._inside.stream(TorchRandom.id, site, 8), "little") >> 1

    def _seed(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """`seed()` takes a seed from the system; `torch.seed()` comes down to it too."""

        @_patch.like(original)
        def seed(generator: Any) -> Any:
            if generator.device.type != "cpu":
                return original(generator)
            if generator is self._default:
                self._look()
                self._disarm(gone=True)
            site = self._inside.site()
            self._inside.used(TorchRandom.id, site)
            if self._setting is None:
                return original(generator)
            value = self._pinned(site)
            self._manual_seed(generator, value)
            return value

        return seed

    def _manual(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @_patch.like(original)
        def manual_seed(generator: Any, *args: Any, **kwargs: Any) -> Any:
            if generator is self._default:
                self._look()
                self._disarm(gone=True)
            return original(generator, *args, **kwargs)

        return manual_seed

    def _set_state(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @_patch.like(original)
        def set_state(generator: Any, *args: Any, **kwargs: Any) -> Any:
            if generator is not self._default or self._noted:
                return original(generator, *args, **kwargs)
            self._look()
            result = original(generator, *args, **kwargs)
            # Putting back what was there at the start (fork_rng does) leaves it as badly seeded as it was.
            if not self._torch.equal(self._get_state(generator), self._start):
                self._disarm(gone=True)
            elif not self._virgin and not self._noted:
                self._virgin = True
                self._arm()
            return result

        return set_state

    # --- the default generator while it is untouched ------------------------------------------------------------

    def _remember(self) -> None:
        self._start = self._get_state(self._default)
        self._start_seed = self._default.initial_seed()

    @_patch.harmless
    def _look(self, site: str | None = None) -> bool:
        """Has the generator moved from where it started? Then something drew from it before it was seeded."""
        if not self._virgin or self._default.initial_seed() != self._start_seed:
            return False
        if self._torch.equal(self._get_state(self._default), self._start):
            return False
        self._virgin = False
        self._noted = True
        self._inside.used(TorchRandom.id, site)
        return True

    def _arm(self) -> None:
        self._undo.append(_patch.patch_type(self._kind, "manual_seed", self._manual(self._kind.manual_seed)))
        if self._compiling:
            return
        for name in _METHODS:
            self._undo.append(
                _patch.patch_type(self._torch.Tensor, name, self._method(getattr(self._torch.Tensor, name)))
            )
        for name in _FUNCTIONS:
            self._undo.append(self._replace_function(name))

    def _leave_to_compiler(self, _: ModuleType) -> None:
        """torch.compile must meet the program's own functions, not ours."""
        if self._compiling:
            return
        self._compiling = True
        if self._undo:
            self._disarm()
            self._arm()

    def _disarm(self, gone: bool = False) -> None:
        """Take the traps away; `gone`: nothing is left to look for either."""
        if gone:
            self._virgin = False
        undo, self._undo = self._undo, []
        for one in undo:
            one()

    @_patch.harmless
    def _before(self, site: str | None) -> None:
        only = self._setting.only if self._setting is not None else ()
        if self._virgin and site in only:
            self._manual_seed(self._default, self._pinned(site))
            self._remember()

    def _draw(self, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """One call that may be the first draw."""
        if not self._virgin:
            return original(*args, **kwargs)
        site = self._inside.site()
        self._before(site)
        result = original(*args, **kwargs)
        if self._look(site):
            self._disarm()
        return result

    def _method(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @_patch.like(original)
        def draw(*args: Any, **kwargs: Any) -> Any:
            return self._draw(original, *args, **kwargs)

        return draw

    def _replace_function(self, name: str) -> Callable[[], None]:
        torch = self._torch
        original = getattr(torch, name)

        def draw(_self: object, *args: Any, **kwargs: Any) -> Any:
            return self._draw(original, *args, **kwargs)

        new = _patch.replace(torch, name, draw)
        builtins = sys.modules.get("torch.jit._builtins")
        if builtins is not None and hasattr(builtins, "_register_builtin"):
            builtins._register_builtin(new, f"aten::{name}")  # TorchScript knows functions by identity

        def restore() -> None:
            if getattr(torch, name) is new:
                setattr(torch, name, original)

        return restore
