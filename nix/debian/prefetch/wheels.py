"""Wheels, by the host's pip: first as it is configured, then from the index that poetry.lock names for the package."""

import functools
import sys
import tempfile
from pathlib import Path

from cache import CACHE, keep
from errors import PrefetchError, run

WHAT = ("--no-deps", "--only-binary=:all:", "--require-hashes", "--python-version", "3.11", "--implementation", "cp")
DEBIANS_OWN = "/usr/share/python-wheels"


@functools.cache
def pip():
    """How to start pip on this host; Debian ships it as a wheel even where it is not installed."""
    wheels = sorted(Path(DEBIANS_OWN).glob("pip-*.whl"))
    for words in [(sys.executable, "-m", "pip"), *((sys.executable, f"{wheel}/pip") for wheel in wheels)]:
        try:
            run(*words, "--version")
        except PrefetchError:
            continue
        return (*words, "--disable-pip-version-check", "download", "-q", *WHAT)
    raise PrefetchError("pip is not installed for this Python: apt-get install python3-pip")


def get(pin):
    """Download a wheel and add it; a sentence when it could not be had."""
    tags = pin.file.removesuffix(".whl").rsplit("-", 1)[1].split(".")
    platforms = [option for tag in tags if tag != "any" for option in ("--platform", tag)]
    indexes = [(), ("--index-url", pin.facts["index"])] if "index" in pin.facts else [()]
    said = []
    for index in indexes:
        with tempfile.TemporaryDirectory(dir=CACHE) as directory:
            requirements = Path(directory) / "requirements.txt"
            requirements.write_text(f"{pin.name}=={pin.version} --hash=sha256:{pin.sha256}\n")
            try:
                run(*pip(), *platforms, *index, "-d", directory, "-r", requirements)
            except PrefetchError as error:
                said.append(str(error))
                continue
            keep(pin, next(Path(directory).glob("*.whl")))
            return None
    return f"the wheel {pin.file} could not be had ({said[0]})"
