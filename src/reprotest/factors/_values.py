"""Numbers derived from a setting, for what is fixed before the process starts."""

from __future__ import annotations

from reprotest.factors.base import Setting

try:  # an eighth of the import time of hashlib, which loads OpenSSL
    from _blake2 import blake2b
except ImportError:  # pragma: no cover - interpreters built without it
    from hashlib import blake2b


def number(setting: Setting, label: str, *, bits: int = 64, variant: int | None = None) -> int:
    """A number of so many bits that depends on seed, variant and label only; never zero."""
    chosen = setting.variant if variant is None else variant
    digest = blake2b(f"{setting.seed}|{chosen}|{label}".encode(), digest_size=bits // 8).digest()
    return int.from_bytes(digest, "little") or 1


def unsited_variant(setting: Setting) -> int:
    """The variant of what has no call site: 0 where an experiment varies single lines only."""
    return setting.variant_at(None)
