# ruff: noqa: E402 - the environment comes first
"""What the functions that people use to seed a training do, measured by calling them. Prints JSON: {function: {fact: bool}}."""

import contextlib
import io
import json
import logging
import os
import random
import sys
import tempfile
import warnings

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", HF_HUB_OFFLINE="1", JAX_PLATFORMS="cpu")
os.environ.pop("CUBLAS_WORKSPACE_CONFIG", None)
warnings.filterwarnings("ignore")

import accelerate
import lightning.pytorch as pl
import numpy as np
import tensorflow as tf
import torch
import transformers
from torch.utils.data import DataLoader, Dataset

import reprotest

logging.getLogger("lightning.fabric.utilities.seed").setLevel(logging.ERROR)


class Augmented(Dataset):
    def __init__(self):
        self.rng = np.random.default_rng(0)

    def __len__(self):
        return 8

    def __getitem__(self, index):
        return torch.tensor([index, torch.rand(()), random.random(), np.random.rand()], dtype=torch.float64)


class OwnGenerator(Augmented):
    def __getitem__(self, index):
        return torch.tensor(self.rng.random())


def ordinary(dataset, workers, init=None):
    return DataLoader(dataset, 2, num_workers=workers, worker_init_fn=init)


def of_lightning(dataset, workers):
    """Lightning seeds workers by a function that its Trainer hands to the loader."""
    from lightning.fabric.utilities.data import _auto_add_worker_init_fn

    loader = ordinary(dataset, workers)
    _auto_add_worker_init_fn(loader, 0)
    return loader


def of_ours(dataset, workers):
    return reprotest.dataloader(dataset, 2, num_workers=workers)


PEERS = {
    "reprotest `set_seed`": (reprotest.set_seed, of_ours),
    "Lightning `seed_everything`": (lambda seed: pl.seed_everything(seed, workers=True), of_lightning),
    "accelerate `set_seed`": (lambda seed: accelerate.utils.set_seed(seed, deterministic=True), ordinary),
    "transformers `set_seed`": (lambda seed: transformers.set_seed(seed, deterministic=True), ordinary),
    "transformers `enable_full_determinism`": (transformers.enable_full_determinism, ordinary),
}


def seeds(call, draw):
    call(5)
    one = draw()
    call(5)
    return bool(np.all(one == draw()))


def says_hash(call):
    """Does it say that hash() is not pinned, or pin it, rather than keep silent?"""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        result = call(5)
    return "PYTHONHASHSEED" in said.getvalue() + str(result)


def batches(loader):
    return list(loader)


def same_batches(call, make):
    found = []
    for workers in (1, 2):
        call(5)
        found.append(torch.cat(batches(make(Augmented(), workers))))
    return torch.equal(*found)


def no_copies(call, make):
    """Two workers that hold copies of one generator deliver the same numbers."""
    call(5)
    drawn = torch.cat(batches(make(OwnGenerator(), 2))).tolist()
    return len(set(drawn)) == len(drawn)


def facts(call, make):
    found = {
        "Python, NumPy, PyTorch on the CPU": all(
            seeds(call, draw) for draw in (random.random, np.random.rand, lambda: torch.rand(2).numpy())
        ),
        "TensorFlow": seeds(call, lambda: tf.random.uniform([2]).numpy()),
        "returns a JAX key": hasattr(call(5), "jax_key"),
        "says that `hash()` is not pinned": says_hash(call),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "no autotuning in cuDNN": torch.backends.cudnn.deterministic and not torch.backends.cudnn.benchmark,
        "cuBLAS workspace": os.environ.get("CUBLAS_WORKSPACE_CONFIG") in (":4096:8", ":16:8"),
        "filling of memory is a setting of its own": "fill_uninitialised" in call.__code__.co_varnames,
        "same batches for any number of workers": same_batches(call, make),
        "a dataset's own generator is not copied": no_copies(call, make),
    }
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    call(5)
    found["keeps a workspace that repeats"] = os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    return found


def in_a_process_of_its_own(call, make):
    with tempfile.TemporaryFile("w+") as file:
        pid = os.fork()
        if not pid:
            code = 1
            try:
                torch.backends.cudnn.benchmark = True
                json.dump(facts(call, make), file)
                file.flush()
                code = 0
            finally:
                os._exit(code)
        if os.waitpid(pid, 0)[1]:
            sys.exit("a process failed")
        file.seek(0)
        return json.load(file)


print(json.dumps({name: in_a_process_of_its_own(*peer) for name, peer in PEERS.items()}))
