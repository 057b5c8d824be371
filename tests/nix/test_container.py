"""The image run for real: podman with runc, a user without rights, a read-only root, no network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Nix

pytestmark = [pytest.mark.nix, pytest.mark.slow, pytest.mark.xdist_group("nix"), pytest.mark.timeout(1800)]


class Podman:
    """podman with a storage of its own."""

    def __init__(self, storage: Path) -> None:
        self.words = ["podman", "--runtime", "runc", "--root", str(storage / "root"), "--runroot", str(storage / "run")]

    def __call__(self, *words: str, **options) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self.words, *words], text=True, capture_output=True, **options)

    def run(
        self, *words: str, entrypoint: str | None = None, mounts: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run the image as it is meant to be run."""
        options = [
            "--rm",
            "--network",
            "none",
            "--read-only",
            "--ulimit",
            "nofile=1024:1024",
            "--ulimit",
            "nproc=1024:1024",
        ]
        options += [word for mount in mounts for word in ("--volume", mount)]
        options += ["--entrypoint", entrypoint] if entrypoint else []
        return self("run", *options, "image:test", *words)


@pytest.fixture(scope="module")
def podman(built: Nix, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    """The streamed image, loaded."""
    for program in ("podman", "runc"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed; on Debian: apt-get install {program}")
    if os.getuid() != 0:
        pytest.skip("podman is run as root here; a user without rights needs subordinate ids")
    storage = tmp_path_factory.mktemp("podman")
    podman = Podman(storage)
    stream = subprocess.Popen([built.build("container")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    loaded = podman("load", stdin=stream.stdout)
    assert stream.wait() == 0
    assert loaded.returncode == 0, loaded.stderr
    podman("tag", loaded.stdout.split()[-1], "image:test")
    yield podman
    subprocess.run(["umount", storage / "root/overlay"], capture_output=True)
    shutil.rmtree(storage, ignore_errors=True)


ABOUT = """
import getpass, json, locale, os, ssl, sys, time, zoneinfo, torch
from torch.utils.data import DataLoader
batches = [int(b.sum()) for b in DataLoader(torch.arange(8), batch_size=4, num_workers=2)]
def writable(path):
    try:
        open(path, "w")
    except OSError:
        return False
    return True
print(json.dumps({
    "uid": os.getuid(), "user": getpass.getuser(), "cwd": os.getcwd(), "executable": sys.executable, "batches": batches,
    "authorities": ssl.create_default_context().cert_store_stats()["x509_ca"], "zone": str(zoneinfo.ZoneInfo("Europe/Paris")),
    "local": time.tzname[0], "locale": locale.setlocale(locale.LC_ALL, ""),
    "writable": [path for path in ("/tmp/x", "/etc/x", "/nix/x", "/usr/x") if writable(path)],
}))
"""


def test_what_a_program_finds_inside(podman: Podman, built: Nix) -> None:
    done = podman.run("-c", ABOUT, entrypoint="python")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["uid"], found["user"], found["cwd"]) == (65532, "reprotest", "/project")
    assert found["executable"] == built.output("eval", "--raw", f"{built.flake}#env") + "/bin/python"
    assert found["batches"] == [6, 22], "loader workers run"
    assert found["authorities"] > 100
    assert (found["zone"], found["local"], found["locale"]) == ("Europe/Paris", "UTC", "C.UTF-8")
    assert found["writable"] == ["/tmp/x"]


def test_the_training_has_one_digest_in_shell_sandbox_and_image(podman: Podman, built: Nix) -> None:
    script = str(built.checkout / "nix/checks/training_digest.py")
    sandbox = Path(built.build("checks.x86_64-linux.digest")).read_text()
    shell = built.output("develop", built.flake, "--command", "python", script)
    image = podman.run(
        "/project/training_digest.py", entrypoint="python", mounts=(f"{Path(script).parent}:/project:ro",)
    )
    assert image.returncode == 0, image.stderr
    assert shell.strip() == sandbox.strip() == image.stdout.strip()


def test_reprotest_runs_on_both_examples_inside(podman: Podman, built: Nix) -> None:
    """The mended one is identical; the broken one differs, and the cause is proven."""
    examples = f"{built.checkout}/examples/digits_cnn:/examples:ro"
    verdicts = {}
    for script in ("train_fixed.py", "train.py"):
        work = "cp /examples/*.py /tmp && cd /tmp && python -m reprotest run --quiet --json report.json"
        command = f"{work} {script} >&2; echo $?; cat report.json"
        done = podman.run("-c", command, entrypoint="sh", mounts=(examples,))
        status, _, report = done.stdout.partition("\n")
        assert report, done.stderr
        verdicts[script] = (status, json.loads(report))
    status, report = verdicts["train_fixed.py"]
    assert (status, report["verdict"], report["first_difference"], report["causes"]) == ("0", "identical", None, [])
    status, report = verdicts["train.py"]
    assert (status, report["verdict"]) == ("1", "different")
    assert any(cause["proven"] for cause in report["causes"])


def test_labels_tell_where_the_image_comes_from(podman: Podman, built: Nix) -> None:
    (image,) = json.loads(podman("image", "inspect", "image:test").stdout)
    labels = image["Config"]["Labels"]
    assert set(labels) >= {"org.opencontainers.image.revision", "reprotest.lock.poetry", "reprotest.lock.flake"}
    sbom = podman.run(labels["reprotest.sbom"], entrypoint="cat")
    assert json.loads(sbom.stdout)["bomFormat"] == "CycloneDX"
    assert sbom.stdout == Path(built.build("sbom")).read_text()


def test_the_archive_is_the_streamed_image_and_an_oci_layout(built: Nix, tmp_path: Path) -> None:
    if shutil.which("skopeo") is None:
        pytest.skip("skopeo is not installed; on Debian: apt-get install skopeo")
    archive = built.build("container-archive")
    streamed = subprocess.Popen([built.build("container")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert subprocess.run(["cmp", "-", archive], stdin=streamed.stdout).returncode == 0
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path / "oci", filter="data")
    for source in (f"oci:{tmp_path}/oci", f"docker-archive:{archive}"):
        done = subprocess.run(["skopeo", "inspect", source], text=True, capture_output=True)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["Architecture"] == "amd64"


def test_the_image_is_hardly_larger_than_what_is_in_it(built: Nix, capsys: pytest.CaptureFixture[str]) -> None:
    """The sum of its packages plus five in a hundred."""
    archive = Path(built.build("container-archive")).stat().st_size
    names = ("env", "sbom")
    contents = [built.build(name) for name in names]
    command = ["nix-store", "--query", "--requisites", *contents]
    paths = subprocess.run(command, check=True, text=True, capture_output=True, env=built.environment).stdout.split()
    packages = sum(file_sizes(Path(path)) for path in set(paths))
    with capsys.disabled():
        print(f" archive {archive / 1e6:.0f} MB, files in it {packages / 1e6:.0f} MB", end="")
    assert archive <= 1.05 * packages


def file_sizes(root: Path) -> int:
    if root.is_file():
        return root.stat().st_size
    return sum(path.lstat().st_size for path in root.rglob("*") if path.is_file() and not path.is_symlink())
