"""Fingerprints (16 bytes) and sketches (two numbers) of tensors, arrays and objects, at the speed of memory.

    digest_tensor(t), digest_array(a), digest_object(anything) -> bytes
    fingerprint(anything) -> (digest, dtype, shape)
    sketch(anything) -> (a, b)
    tensor_row(t) -> (digest, a, b)
    walk(anything) -> (path, leaf), …

Works with the standard library and xxhash alone; torch and NumPy are used only where the program has imported them.
"""

from __future__ import annotations

from reprotest.digest.algorithm import ALGORITHM
from reprotest.digest.array import digest_array
from reprotest.digest.objects import digest_object, fingerprint, sketch
from reprotest.digest.tensor import digest_tensor, tensor_row
from reprotest.digest.walk import Leaf, Overlooked, walk

__all__ = [
    "ALGORITHM",
    "Leaf",
    "Overlooked",
    "digest_array",
    "digest_object",
    "digest_tensor",
    "fingerprint",
    "sketch",
    "tensor_row",
    "walk",
]
