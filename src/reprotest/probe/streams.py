"""Seeded streams of bytes that stand in for entropy: the same place asks, the same bytes come, in every run."""

from __future__ import annotations

from collections.abc import Iterator

try:  # an eighth of the import time of hashlib, which loads OpenSSL
    from _blake2 import blake2b
except ImportError:  # pragma: no cover - interpreters built without it
    from hashlib import blake2b

from reprotest.factors.base import Setting


class SeededStreams:
    """One endless stream per factor and call site; its bytes depend on seed, variant, factor, process and site only."""

    def __init__(self) -> None:
        self._blocks: dict[tuple[str, str, int], _blocks] = {}

    def reset(self) -> None:
        self._blocks.clear()

    def take(self, setting: Setting, factor_id: str, process_key: str, site: str | None, n: int) -> bytes:
        variant = setting.variant_at(site)
        if setting.constant:
            blocks = _blocks(f"{setting.seed}|{variant}|{factor_id}||{site}")
        else:
            key = (factor_id, site or "", variant)
            found = self._blocks.get(key)
            if found is None:
                label = f"{setting.seed}|{variant}|{factor_id}|{process_key}|{site}"
                found = self._blocks.setdefault(key, _blocks(label))
            blocks = found
        taken = b""
        while len(taken) < n:
            taken += next(blocks)
        return taken[:n]


class _blocks(Iterator[bytes]):
    """blake2b in counter mode. Each `next` is one 64-byte block; safe to share between threads."""

    def __init__(self, label: str) -> None:
        from itertools import count

        self._label = label.encode()
        self._counter = count()

    def __next__(self) -> bytes:
        return blake2b(self._label + b"|%d" % next(self._counter)).digest()
