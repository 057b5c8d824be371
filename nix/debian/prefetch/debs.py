"""Debian packages, by the host's apt at the exact version, else from the snapshot archive by Debian's own debsnap."""

import contextlib
import shutil

from cache import CACHE, keep
from errors import PrefetchError, run

QUIET = ("-qq", "-o", "APT::Sandbox::User=root")


def get(pins):
    """Download packages and add them; a sentence for each that could not be had."""
    if pins and shutil.which("apt-get"):
        pins = download(pins, ())
    if pins and shutil.which("apt-get"):
        options = private_lists()
        pins = download(pins, options)
        pins = [pin for pin in pins if download([pin], options)]
    return [why for pin in pins if (why := from_archive(pin))]


def private_lists():
    """apt options for package lists of our own, brought up to date: the machine's may be missing or old."""
    options = []
    for name in ("lists", "archives"):
        (CACHE / "apt" / name / "partial").mkdir(parents=True, exist_ok=True)
    options += ["-o", f"Dir::State::lists={CACHE}/apt/lists", "-o", f"Dir::Cache={CACHE}/apt"]
    try:
        run("apt-get", *QUIET, *options, "update")
    except PrefetchError:
        return ()  # no mirror in reach: what follows says which packages are missing
    return tuple(options)


def download(pins, options):
    """Download with apt, which brings all or nothing; those still missing."""
    names = [f"{pin.name}={pin.version}" for pin in pins]
    with contextlib.suppress(PrefetchError):
        run("apt-get", *QUIET, *options, "download", *names, cwd=CACHE)
    return [pin for pin in pins if not collect(pin)]


def collect(pin):
    """Add the file that apt or debsnap wrote for a pin; the name differs in how it spells the version's colon."""
    for path in sorted(CACHE.glob(f"{pin.name}_*.deb")):
        if path.name.replace("%3a", ":").split("_")[1] in (pin.version, pin.version.split(":")[-1]):
            keep(pin, path)
            return True
    return False


def from_archive(pin):
    """Take one package from Debian's snapshot archive, which keeps every version; a sentence when that fails."""
    gone = f"{pin.name} {pin.version} is not on this host's Debian mirror"
    anew = "Or pin what the mirror has: make prefetch UPDATE=1"
    if not shutil.which("debsnap"):
        return f"{gone}, and debsnap (package devscripts), which asks the snapshot archive, is not installed. {anew}"
    architecture = pin.file.rsplit("_", 1)[1].removesuffix(".deb")
    try:
        run("debsnap", "--force", "--destdir", CACHE, "--architecture", architecture, pin.name, pin.version)
    except PrefetchError as error:
        return f"{gone}, nor in the snapshot archive ({error}). {anew}"
    return None if collect(pin) else f"{gone}, and debsnap brought no such file. {anew}"
