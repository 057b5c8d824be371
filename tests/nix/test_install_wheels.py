"""The wheel installer and the bytecode compiler of the Debian base."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

from .conftest import ROOT

INSTALL, COMPILE = ROOT / "nix/debian/install_wheels.py", ROOT / "nix/debian/compile.py"
SITE = f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"


def wheel(folder: Path, name: str, files: dict[str, str], *, entry_points: str = "") -> Path:
    """A wheel of some files (name to text), with the metadata that a wheel must have."""
    info = f"{name}-1.0.dist-info"
    files = files | {f"{info}/METADATA": f"Name: {name}\nVersion: 1.0\n", f"{info}/RECORD": "wrong\n"}
    if entry_points:
        files[f"{info}/entry_points.txt"] = entry_points
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in files.items():
            archive.writestr(member, text)
    return path


def install(prefix: Path, *wheels: Path) -> subprocess.CompletedProcess[str]:
    (prefix / "bin").mkdir(parents=True, exist_ok=True)
    command = [sys.executable, str(INSTALL), str(prefix), *map(str, wheels)]
    return subprocess.run(command, text=True, capture_output=True)


def test_files_scripts_and_record_land_where_wheels_say(tmp_path: Path) -> None:
    a = wheel(
        tmp_path,
        "a",
        {
            "a/__init__.py": "def main(): return 3\n",
            "a-1.0.data/scripts/tool": "#!python\nprint('tool')\n",
            "a-1.0.data/data/share/a.txt": "data",
            "a-1.0.data/purelib/pure.py": "",
        },
        entry_points="[console_scripts]\na-cmd = a:main [extra]\n[other]\nx = a:b\n",
    )
    prefix = tmp_path / "prefix"
    assert install(prefix, a).returncode == 0
    (prefix / "bin/python").symlink_to(sys.executable)
    environment = os.environ | {"PYTHONPATH": str(prefix / SITE)}
    assert subprocess.run([prefix / "bin/a-cmd"], env=environment).returncode == 3
    assert subprocess.run([prefix / "bin/tool"], capture_output=True, text=True).stdout == "tool\n"
    assert (prefix / "share/a.txt").read_text() == "data"
    assert (prefix / SITE / "pure.py").is_file()
    record = (prefix / SITE / "a-1.0.dist-info/RECORD").read_text().splitlines()
    listed = {line.split(",")[0] for line in record}
    assert all((prefix / SITE / name).exists() for name in listed)
    assert {"a/__init__.py", "../../../bin/a-cmd", "a-1.0.dist-info/RECORD"} <= listed


def test_two_wheels_with_one_file_are_refused_by_name(tmp_path: Path) -> None:
    wheels = wheel(tmp_path, "a", {"shared.py": "1"}), wheel(tmp_path, "b", {"shared.py": "2"})
    done = install(tmp_path / "prefix", *wheels)
    assert done.returncode != 0
    assert "b-1.0.dist-info and a-1.0.dist-info both bring" in done.stderr


def test_two_wheels_may_bring_the_same_file(tmp_path: Path) -> None:
    wheels = wheel(tmp_path, "a", {"shared.py": "1"}), wheel(tmp_path, "b", {"shared.py": "1"})
    done = install(tmp_path / "prefix", *wheels)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "prefix" / SITE / "shared.py").read_text() == "1"


def test_two_wheels_may_bring_the_same_command(tmp_path: Path) -> None:
    commands = "[console_scripts]\ntool = shared:main\n"
    wheels = wheel(tmp_path, "a", {}, entry_points=commands), wheel(tmp_path, "b", {}, entry_points=commands)
    assert install(tmp_path / "prefix", *wheels).returncode == 0
    other = wheel(tmp_path, "c", {}, entry_points=commands.replace("shared", "other"))
    done = install(tmp_path / "other", *wheels, other)
    assert "c-1.0.dist-info and b-1.0.dist-info both bring" in done.stderr


def test_a_member_that_leads_out_of_the_prefix_is_refused(tmp_path: Path) -> None:
    done = install(tmp_path / "prefix", wheel(tmp_path, "a", {"../../../../../../escaped.py": "1"}))
    assert done.returncode != 0
    assert "leads out of the prefix" in done.stderr
    assert not (tmp_path / "escaped.py").exists()


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_bytecode_is_the_same_with_one_worker_and_with_many(tmp_path: Path) -> None:
    """A pool of workers would write other bytes: marshal's references depend on what was interned before."""
    source = "\n".join(f"def f{n}(a, b): return ('shared', a.shared, {{'x{n % 7}': b}}, {n})" for n in range(50))
    trees = []
    for cores in ("1", "8"):
        root = tmp_path / cores / "site"
        for n in range(30):
            (root / f"p{n}").mkdir(parents=True)
            (root / f"p{n}/m.py").write_text(source.replace("shared", f"shared{n % 3}"))
        (root / "broken.py").write_text("this is no Python\n")
        command = [sys.executable, "-S", str(COMPILE), str(root), str(root)]
        subprocess.run(command, check=True, env=os.environ | {"NIX_BUILD_CORES": cores, "PYTHONHASHSEED": "0"})
        trees.append(tree(root))
    assert trees[0] == trees[1]
    assert sum(name.endswith(".pyc") for name in trees[0]) == 30
