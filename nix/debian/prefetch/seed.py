"""The one thing that is unpacked outside the sandbox: static bash and busybox, as one directory of a pinned hash."""

import io
import shutil
import tarfile
import tempfile
from pathlib import Path

import store
from errors import PrefetchError
from pins import Pin


def debs(pin):
    """The pins of the packages that a seed is made from."""
    return [deb_pin(facts) for facts in pin.facts["debs"]]


def deb_pin(facts):
    name = facts["file"].replace("~", "-").replace("%3a", "-")
    return Pin(store.fixed_path(facts["sha256"], name), "deb", facts["file"], facts["sha256"], facts)


def make(pin):
    """Unpack the seed from its packages and add it."""
    with tempfile.TemporaryDirectory() as directory:
        root = unpack(pin.facts, Path(directory) / "debian-seed")
        store.add_path(pin, root, "--recursive")


def unpack(facts, root):
    """Write bin/* as `facts` (the lock's seed) says."""
    packages = {deb["package"]: Path(deb_pin(deb).path) for deb in facts["debs"]}
    (root / "bin").mkdir(parents=True)
    for program, (package, member) in facts["members"].items():
        path = root / "bin" / program
        with data_of(packages[package]) as archive, open(path, "wb") as file:
            shutil.copyfileobj(archive.extractfile(f"./{member}"), file)
        path.chmod(0o755)
    (root / "bin/sh").symlink_to("bash")
    return root


def data_of(deb):
    """The data.tar of a .deb, which is an ar archive of three members (deb(5))."""
    with open(deb, "rb") as file:
        file.seek(8)
        while len(head := file.read(60)) == 60:
            size = int(head[48:58])
            body = file.read(size + size % 2)[:size]
            if head.startswith(b"data.tar"):
                return tarfile.open(fileobj=io.BytesIO(body), mode="r:*")
    raise PrefetchError(f"{deb} is no Debian package")
