"""Where pinned files come from, in order: a directory of the user's, the host's apt or pip, Debian's snapshot archive.

Each file goes into the store as soon as it is there, so that a run which was cut short is simply run again.
"""

from concurrent.futures import ThreadPoolExecutor

import debs
import seed
import store
import wheels
from cache import CACHE, take
from errors import PrefetchError, full_disk


def get(pins, directories):
    """Bring every pin into the store; one PrefetchError names all that could not be had."""
    try:
        CACHE.mkdir(parents=True, exist_ok=True)
        _get(pins, directories)
    except OSError as error:
        raise full_disk(error) from error


def _get(pins, directories):
    seeds = [pin for pin in pins if pin.kind == "seed"]
    files = [pin for pin in pins if pin.kind != "seed"]
    files += store.missing([deb for pin in seeds for deb in seed.debs(pin)])
    rest = [pin for pin in files if not take(pin, directories)]

    failures = debs.get([pin for pin in rest if pin.kind == "deb"])
    with ThreadPoolExecutor(max_workers=4) as pool:
        failures += filter(None, pool.map(wheels.get, [pin for pin in rest if pin.kind == "wheel"]))
    if failures:
        raise PrefetchError("; ".join(failures) + ". Put the files into a directory and run: make prefetch FROM=DIR")
    for pin in seeds:
        seed.make(pin)
