"""Programs as text: what is seeded when, whatever way the program takes."""

from __future__ import annotations

import pytest

from reprotest.audit.flow.modules import Modules
from reprotest.audit.flow.programs import find_programs, read_program
from reprotest.audit.flow.vocabulary import Vocabulary

HEAD = "import random\nimport numpy as np\nimport torch\nfrom torch import nn\n"


def found(files: dict[str, str] | str) -> set[tuple[str, str]]:
    """(kind, factor) over all programs of these files; imports that nothing seeds are left out."""
    sources = {"train.py": HEAD + files} if isinstance(files, str) else files
    modules = Modules.read(sources)
    assert not modules.broken
    return {
        (str(problem.kind), problem.factor)
        for program in find_programs(modules)
        for problem in read_program(modules, program, Vocabulary()).problems
        if problem.kind != "unused"
    }


NOTHING: set[tuple[str, str]] = set()
TORCH_LATE = {("late", "torch.random")}
TORCH_MISSING = {("missing", "torch.random")}
TORCH_MAYBE = {("conditional", "torch.random")}
CASES = {
    "seeded before": ("torch.manual_seed(0)\nnn.Linear(2, 1)\n", NOTHING),
    "seeded after": ("nn.Linear(2, 1)\ntorch.manual_seed(0)\n", TORCH_LATE),
    "never": ("nn.Linear(2, 1)\n", TORCH_MISSING),
    "functions run when they are called": ("def f():\n    nn.Linear(2, 1)\ntorch.manual_seed(0)\nf()\n", NOTHING),
    "called too early": ("def f():\n    nn.Linear(2, 1)\nf()\ntorch.manual_seed(0)\n", TORCH_LATE),
    "only on one way": ("import sys\nif sys.argv:\n    torch.manual_seed(0)\nnn.Linear(2, 1)\n", TORCH_MAYBE),
    "on both ways": (
        "import sys\nif sys.argv:\n    torch.manual_seed(0)\nelse:\n    torch.manual_seed(1)\nnn.Linear(2, 1)\n",
        NOTHING,
    ),
    "the other way ends": (
        "import sys\nif sys.argv:\n    torch.manual_seed(0)\nelse:\n    sys.exit()\nnn.Linear(2, 1)\n",
        NOTHING,
    ),
    "an argument with a default": (
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('--seed', type=int, default=1)\na = p.parse_args()\n"
        "if a.seed is not None:\n    torch.manual_seed(a.seed)\nnn.Linear(2, 1)\n",
        NOTHING,
    ),
    "an argument without one": (
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('--seed', type=int)\na = p.parse_args()\n"
        "if a.seed is not None:\n    torch.manual_seed(a.seed)\nnn.Linear(2, 1)\n",
        TORCH_MAYBE,
    ),
    "through a method": (
        "class T:\n    def __init__(self):\n        self.set_up()\n        self.net = nn.Linear(2, 1)\n"
        "    def set_up(self):\n        torch.manual_seed(0)\nT()\n",
        NOTHING,
    ),
    "a method of an object that is passed on": (
        "class T:\n    def build(self):\n        return nn.Linear(2, 1)\ndef run(t):\n    t.build()\n    torch.manual_seed(0)\nrun(T())\n",
        TORCH_LATE,
    ),
    "super": (
        "class A:\n    def __init__(self):\n        torch.manual_seed(0)\nclass B(A):\n    def __init__(self):\n"
        "        super().__init__()\n        nn.Linear(2, 1)\nB()\n",
        NOTHING,
    ),
    "a subclass of a layer": ("class L(nn.Linear):\n    pass\nL(2, 1)\n", TORCH_MISSING),
    "recursion": ("def f(n):\n    if n:\n        f(n - 1)\n    torch.rand(1)\nf(3)\n", TORCH_MISSING),
    "a loop over seeds": ("for seed in (1, 2):\n    torch.manual_seed(seed)\n    nn.Linear(2, 1)\n", NOTHING),
    "a generator runs where it is gone through": (
        "def batches():\n    yield torch.randperm(4)\nb = batches()\ntorch.manual_seed(0)\nfor x in b:\n    pass\n",
        NOTHING,
    ),
    "a generator that is gone through too early": (
        "def batches():\n    yield torch.randperm(4)\nfor x in batches():\n    pass\ntorch.manual_seed(0)\n",
        TORCH_LATE,
    ),
    "seeds of a block end with it": (
        "import reprotest\nwith reprotest.seeded(1):\n    nn.Linear(2, 1)\nnn.Linear(2, 1)\n",
        {("late", "torch.random")},
    ),
    "everything at once": (
        "import reprotest\nreprotest.set_seed(1)\nrandom.random()\nnp.random.rand()\nnn.Linear(2, 1)\n",
        NOTHING,
    ),
    "from the clock": (
        "import time\nrandom.seed(int(time.time()) % 1000)\nrandom.random()\n",
        {("varying", "python.random")},
    ),
    "from nothing": ("np.random.seed()\nnp.random.rand()\n", {("varying", "numpy.random")}),
    "from nothing, by a parameter": (
        "def seed(value=None):\n    np.random.seed(value)\nseed()\nnp.random.rand()\n",
        {("varying", "numpy.random")},
    ),
    "from another generator that is seeded": (
        "random.seed(1)\nnp.random.seed(random.randint(0, 9))\nnp.random.rand()\n",
        NOTHING,
    ),
    "from another generator that is not": (
        "np.random.seed(random.randint(0, 9))\n",
        {("varying", "numpy.random"), ("missing", "python.random")},
    ),
    "from the clock where nothing is given": (
        "import sys, time\nseed = 1\nif sys.argv:\n    seed = time.time_ns()\ntorch.manual_seed(seed)\nnn.Linear(2, 1)\n",
        {("conditional", "torch.random")},
    ),
    "one's own generator": ("g = np.random.default_rng(1)\ng.normal()\nr = random.Random(2)\nr.random()\n", NOTHING),
    "one's own without a seed": ("g = np.random.default_rng()\n", {("own", "numpy.random")}),
    "a loader of one's own is asked later": (
        "from torch.utils.data import DataLoader\nd = DataLoader([], shuffle=True)\ntorch.manual_seed(0)\n",
        NOTHING,
    ),
    "a loader with a generator": (
        "from torch.utils.data import DataLoader\nDataLoader([], shuffle=True, generator=torch.Generator())\n",
        NOTHING,
    ),
    "a dataset's methods run later": (
        "from torch.utils.data import Dataset\nclass D(Dataset):\n    def __getitem__(self, i):\n        return random.random()\nD()\n",
        {("missing", "python.random")},
    ),
    "a split with and without": (
        "from sklearn.model_selection import train_test_split\ntrain_test_split([1], random_state=3)\n",
        NOTHING,
    ),
    "a split without": (
        "from sklearn.model_selection import train_test_split\ntrain_test_split([1], random_state=None)\n",
        {("missing", "numpy.random")},
    ),
    "spawned processes start anew": (
        "import torch.multiprocessing as mp\ndef work(rank):\n    nn.Linear(2, 1)\ntorch.manual_seed(0)\nmp.spawn(work, nprocs=2)\n",
        TORCH_LATE,
    ),
    "spawned processes that seed": (
        "import torch.multiprocessing as mp\ndef work(rank):\n    torch.manual_seed(rank)\n    nn.Linear(2, 1)\nmp.spawn(work, nprocs=2)\n",
        NOTHING,
    ),
    "a package that may be missing": (
        "try:\n    import torch as t\n    t.manual_seed(0)\nexcept ImportError:\n    pass\nnn.Linear(2, 1)\n",
        NOTHING,
    ),
    "finally": ("try:\n    pass\nfinally:\n    torch.manual_seed(0)\nnn.Linear(2, 1)\n", NOTHING),
    "a launcher": ("import fire\ndef main():\n    nn.Linear(2, 1)\nfire.Fire(main)\n", TORCH_MISSING),
    "commands of a group": (
        "import click\n@click.group()\ndef cli():\n    torch.manual_seed(0)\n@cli.command()\ndef train():\n    nn.Linear(2, 1)\n"
        "if __name__ == '__main__':\n    cli()\n",
        TORCH_LATE,
    ),
    "in place": ("w = torch.empty(3)\nw.normal_()\n", TORCH_MISSING),
}


@pytest.mark.parametrize("name", CASES)
def test_one_file(name: str) -> None:
    text, expected = CASES[name]
    assert found(text) == expected


def test_a_helper_in_another_module() -> None:
    helper = (
        HEAD
        + "def seed_everything(seed):\n    random.seed(seed)\n    np.random.seed(seed)\n    torch.manual_seed(seed)\n"
    )
    use = "from torch import nn\n{0}\nseed_everything(1)\nnn.Linear(2, 1)\n"
    for files in (
        {"train.py": use.format("from utils.seeding import seed_everything"), "utils/seeding.py": helper},
        {
            "src/pkg/__main__.py": use.format("from .seeding import seed_everything"),
            "src/pkg/__init__.py": "",
            "src/pkg/seeding.py": helper,
        },
        {"train.py": use.format("from seeding import *"), "seeding.py": helper},
        {
            "train.py": use.format("import a.b as u\nseed_everything = u.seed_everything"),
            "a/__init__.py": "",
            "a/b.py": helper,
        },
    ):
        assert found(files) == NOTHING, files
        draws = {name: text.replace("torch.manual_seed(seed)", "nn") for name, text in files.items()}
        assert found(draws) == TORCH_MISSING, files


def test_drawing_while_a_module_is_imported() -> None:
    files = {
        "train.py": "import torch\nimport model\ntorch.manual_seed(0)\nmodel.net\n",
        "model.py": "from torch import nn\nnet = nn.Linear(2, 1)\n",
    }
    assert found(files) == TORCH_LATE
    assert found({**files, "train.py": "import torch\ntorch.manual_seed(0)\nimport model\n"}) == NOTHING


def test_a_file_named_like_a_library_does_not_hide_it() -> None:
    files = {"train.py": "import random\nrandom.random()\n", "src/pkg/random.py": "def random():\n    pass\n"}
    assert found(files) == {("missing", "python.random")}


def test_imports_that_nothing_seeds() -> None:
    modules = Modules.read({"train.py": HEAD + "torch.manual_seed(0)\nnn.Linear(2, 1)\n"})
    [program] = find_programs(modules)
    problems = read_program(modules, program, Vocabulary()).problems
    assert {(str(p.kind), p.factor, p.place) for p in problems} == {
        ("unused", "numpy.random", ("train.py", 2)),
        ("unused", "python.random", ("train.py", 1)),
    }


def test_a_deep_chain_ends() -> None:
    text = "".join(f"def f{n}(x):\n    f{n + 1}(x)\n    f{n + 1}(not x)\n" for n in range(200))
    assert found(text + "def f200(x):\n    pass\nf0(1)\nnn.Linear(2, 1)\n") == TORCH_MISSING
