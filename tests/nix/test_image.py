"""The image writer: one tar that is a Docker archive and an OCI layout, the same bytes every time."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from .conftest import ROOT


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """A small store: a root file system, an environment with a big package, a user's /etc."""
    store = tmp_path / "nix/store"
    files = {
        "rootfs/usr/bin/sh": "shell",
        "rootfs/etc/passwd": "debian",
        "rootfs/tmp/.keep": "",
        "env/bin/tool": "#!python",
        "env/lib/site-packages/big/weights.py": "x" * 5000,
        "env/lib/site-packages/small.py": "y",
        "env/nix-support/image-layers": "lib/site-packages/big\n",
        "user/etc/passwd": "ours",
        "tools/bin/sh": "starts the root file system's",
        "tools/nix-support/root-programs": "",
        "extra/.keep": "",
    }
    for name, text in files.items():
        path = store / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (store / "env/bin/tool").chmod(0o755)
    (store / "rootfs/bin").symlink_to("usr/bin")
    plan = tmp_path / "plan"
    (plan / "extra/work").mkdir(parents=True)
    (plan / "modes").write_text("1777 work\n")
    (plan / "paths").write_text("".join(f"{store}/{name}\n" for name in ("env", "rootfs", "user")))
    image = {
        "name": "image",
        "tag": "1",
        "created": "1970-01-01T00:00:01Z",
        "rootfs": f"{store}/rootfs",
        "contents": [f"{store}/env", f"{store}/user", f"{store}/tools"],
        "config": {"User": "1:1"},
    }
    (plan / "image.json").write_text(json.dumps(image))
    return plan


def write(plan: Path, **environment: str) -> bytes:
    command = [sys.executable, "-I", str(ROOT / "nix/debian/image.py"), str(plan)]
    return subprocess.run(command, check=True, capture_output=True, env=os.environ | environment).stdout


def layers(archive: Path) -> list[dict[str, tarfile.TarInfo]]:
    with tarfile.open(archive) as tar:
        (manifest,) = json.load(tar.extractfile("manifest.json"))
        found = []
        for name in manifest["Layers"]:
            with tarfile.open(fileobj=tar.extractfile(name)) as layer:
                found.append({member.name: member for member in layer})
        return found


def test_the_bytes_do_not_depend_on_when_and_where_they_are_written(plan: Path) -> None:
    first = write(plan)
    for path in plan.parent.rglob("*"):
        if not path.is_symlink():
            os.utime(path, (1, 1_000_000_000))
    old = os.umask(0o077)
    try:
        assert write(plan, TZ="Asia/Tokyo", LC_ALL="C", PYTHONHASHSEED="7") == first
    finally:
        os.umask(old)


def test_layers_hold_the_root_each_path_big_packages_alone_and_the_rest(plan: Path, tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(write(plan))
    root, big, env, _, top = layers(tmp_path / "a.tar")
    store = str(plan.parent / "nix/store")[1:]
    assert root["usr/bin/sh"].isfile()
    assert root[f"{store}/rootfs"].linkname == "../.."
    assert root["tmp"].mode == 0o1777
    assert [name for name in big if name.endswith(".py")] == [f"{store}/env/lib/site-packages/big/weights.py"]
    assert f"{store}/env/lib/site-packages/big" not in env
    assert f"{store}/env/lib/site-packages/small.py" in env
    assert top["usr/local/bin/tool"].linkname == f"/{store}/env/bin/tool"
    assert "usr/local/bin/sh" not in top, "it would start itself"
    assert top["etc/passwd"].size == len("ours")
    assert top["work"].mode == 0o1777
    for layer in (root, big, env, top):
        assert all((m.uid, m.gid, m.mtime, m.uname) == (0, 0, 1, "") for m in layer.values())


def test_it_is_an_oci_layout_as_well(plan: Path, tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(write(plan))
    layout = tmp_path / "oci"
    with tarfile.open(tmp_path / "a.tar") as tar:
        tar.extractall(layout, filter="data")
    assert json.loads((layout / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    (entry,) = json.loads((layout / "index.json").read_text())["manifests"]
    manifest = json.loads(blob(layout, entry))
    config = json.loads(blob(layout, manifest["config"]))
    assert config["config"] == {"User": "1:1"}
    assert config["rootfs"]["diff_ids"] == [layer["digest"] for layer in manifest["layers"]]
    for layer in manifest["layers"]:
        blob(layout, layer)


def blob(layout: Path, descriptor: dict) -> bytes:
    """The blob that a descriptor names, its digest and size checked."""
    data = (layout / "blobs" / descriptor["digest"].replace(":", "/")).read_bytes()
    assert hashlib.sha256(data).hexdigest() == descriptor["digest"].removeprefix("sha256:")
    assert len(data) == descriptor["size"]
    return data


def test_contents_that_an_image_does_not_take_are_refused(plan: Path) -> None:
    (plan.parent / "nix/store/user/srv").mkdir()
    command = [sys.executable, "-I", str(ROOT / "nix/debian/image.py"), str(plan)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    assert done.returncode != 0
    assert "an image takes bin and etc of its contents, not srv" in done.stderr
