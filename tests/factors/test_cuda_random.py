"""CUDA generators. The rules are tested on a stand-in for torch; the last test needs a device."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from reprotest.factors import Setting
from reprotest.factors.cuda_random import _Watch


class Generator:
    """A counter-based generator, as CUDA's are: its offset tells how far it got."""

    def __init__(self, kind: str = "cuda") -> None:
        self.device = SimpleNamespace(type=kind)
        self.value: int | None = None
        self.offset = 0

    def manual_seed(self, value: int) -> None:
        self.value, self.offset = value, 0

    def seed(self) -> int:
        self.manual_seed(99)
        return 99

    def get_offset(self) -> int:
        return self.offset


class Cuda(SimpleNamespace):
    """Two devices that are initialised by the first draw."""

    def __init__(self) -> None:
        super().__init__(ready=False, default_generators=[Generator(), Generator()])
        for name in ("manual_seed", "manual_seed_all", "seed", "seed_all"):
            setattr(self, name, getattr(type(self), f"_{name}").__get__(self))
        self.random = SimpleNamespace(
            **{n: getattr(self, n) for n in ("manual_seed", "manual_seed_all", "seed", "seed_all")}
        )

    def is_initialized(self) -> bool:
        return self.ready

    def current_device(self) -> int:
        return 0

    def draw(self, device: int = 0) -> None:
        self.ready = True
        self.default_generators[device].offset += 4

    def _manual_seed(self, value: int) -> None:
        self.default_generators[0].manual_seed(value)

    def _manual_seed_all(self, value: int) -> None:
        for generator in self.default_generators:
            generator.manual_seed(value)

    def _seed(self) -> None:
        self.default_generators[0].seed()

    def _seed_all(self) -> None:
        for generator in self.default_generators:
            generator.seed()


class Inside:
    """Notes uses; streams are the name of the site."""

    def __init__(self, setting: Setting | None) -> None:
        self._setting = setting
        self.uses: list[str | None] = []
        self.exits: list[Any] = []

    def setting(self, _: str) -> Setting | None:
        return self._setting

    def site(self) -> str:
        return "train.py:1"

    def used(self, _: str, site: str | None = None, calls: int = 1) -> None:
        self.uses.append(site)

    def stream(self, _: str, site: str | None, n: int) -> bytes:
        return str(site).encode().ljust(n, b".")[:n]

    def at_exit(self, then: Any) -> None:
        self.exits.append(then)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Any:
    def watch(setting: Setting | None = None) -> tuple[Inside, Cuda]:
        class Kind(Generator):
            pass

        inside, cuda = Inside(setting), Cuda()
        cuda.default_generators = [Kind(), Kind()]
        torch = SimpleNamespace(cuda=cuda, _C=SimpleNamespace(Generator=Kind))
        _Watch(inside, torch).install()  # type: ignore[arg-type]
        return inside, cuda

    return watch


def finished(inside: Inside) -> list[str | None]:
    for then in inside.exits:
        then()
    return inside.uses


def test_an_unseeded_draw_is_noted_once(watched: Any) -> None:
    inside, cuda = watched()
    cuda.draw()
    cuda.manual_seed_all(0)
    cuda.draw()
    assert finished(inside) == [None]


def test_a_seeded_or_idle_device_is_not(watched: Any) -> None:
    inside, cuda = watched()
    cuda.random.manual_seed_all(0)
    cuda.draw()
    assert finished(inside) == []
    inside, cuda = watched()
    cuda.ready = True
    assert finished(inside) == []


def test_seeding_one_device_says_nothing_about_the_other(watched: Any) -> None:
    inside, cuda = watched()
    cuda.ready = True
    cuda.manual_seed(0)
    cuda.draw(1)
    assert finished(inside) == [None]


def test_seeds_from_the_system_are_noted_with_their_line_and_held(watched: Any) -> None:
    inside, cuda = watched()
    cuda.seed_all()
    assert cuda.default_generators[1].value == 99
    assert inside.uses == ["train.py:1"]
    inside, cuda = watched(Setting())
    assert cuda.default_generators[1].value not in (None, 99), "the start is not pinned"
    cuda.seed_all()
    pinned = cuda.default_generators[1].value
    assert pinned == int.from_bytes(b"train.py", "little") >> 1
    assert cuda.default_generators[0].seed() == pinned


@pytest.mark.gpu
def test_a_real_device(play) -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    source = "import torch\nprint(torch.rand(2, device='cuda'))\n"
    first = play(source, {"cuda.random": 0})
    assert first.uses["cuda.random"] == {"": 1}
    assert play(source, {"cuda.random": 0}).out == first.out
    assert play(source, {"cuda.random": 1}).out != first.out
    assert "cuda.random" not in play(f"import torch\ntorch.manual_seed(1)\n{source}").uses
