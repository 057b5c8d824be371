"""The Nix store: what is missing, adding files, garbage collector roots, bundles."""

import hashlib
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from errors import PrefetchError, full_disk, run

ROOTS = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "reprotest/pins"


def missing(pins):
    """Those pins whose file is not in the store."""
    if not pins:
        return []
    invalid = set(run("nix-store", "--check-validity", "--print-invalid", *(pin.path for pin in pins)).split())
    return [pin for pin in pins if pin.path in invalid]


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def add(pin, path):
    """Add a file; PrefetchError when it is another file than the pinned one."""
    found = sha256(path)
    if found != pin.sha256:
        raise PrefetchError(
            f"{path} has the sha256 {found}, the lock says {pin.sha256}: remove that file and run it again, "
            "or, when the lock is wrong, pin anew (Debian packages: make prefetch UPDATE=1; wheels: poetry lock)"
        )
    add_path(pin, path)


def add_path(pin, path, *options):
    """Add a file or directory by its content; it must land where the pin says."""
    landed = run("nix-store", "--add-fixed", *options, "sha256", path).strip()
    if landed != pin.path:
        raise PrefetchError(f"{pin.file} landed at {landed}, expected {pin.path}: pin anew (make prefetch UPDATE=1)")


def fixed_path(sha256, name):
    """Where a file of this content and name belongs."""
    return run("nix-store", "--print-fixed-path", "sha256", sha256, name).strip()


def register_roots(pins):
    """Keep the garbage collector from the pinned files."""
    roots = {ROOTS / Path(pin.path).name: pin for pin in pins}
    fresh = {root: pin for root, pin in roots.items() if not root.is_symlink()}
    if fresh:
        ROOTS.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(max_workers=4) as pool:
            list(
                pool.map(
                    lambda item: run("nix-store", "--realise", item[1].path, "--add-root", item[0], "--indirect"),
                    fresh.items(),
                )
            )


def export_to(file, pins):
    """Write the pinned files as one stream for `--unbundle` (or `nix-store --import`) elsewhere."""
    try:
        with open(file, "wb") as stream:
            subprocess.run(["nix-store", "--export", *(pin.path for pin in pins)], stdout=stream, check=True)
    except OSError as error:
        raise full_disk(error) from error
    except subprocess.CalledProcessError:
        raise PrefetchError(f"{file} could not be written; see above") from None


def import_from(file):
    """Take a bundle's files into the store."""
    try:
        with open(file, "rb") as stream:
            subprocess.run(["nix-store", "--import"], stdin=stream, stdout=subprocess.DEVNULL, check=True)
    except OSError as error:
        raise full_disk(error) from error
    except subprocess.CalledProcessError:
        raise PrefetchError(f"{file} is not a whole bundle: make it again with `make bundle`") from None
