"""The image run for real: podman with runc, a user without rights, a read-only root, no network."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Nix
from .podman import Podman, podman_of_its_own, pour

pytestmark = [pytest.mark.nix, pytest.mark.slow, pytest.mark.xdist_group("nix"), pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def podman(built: Nix) -> Iterator[Podman]:
    """The streamed image, loaded."""
    with podman_of_its_own() as podman:
        said, podman.streamed = pour([built.build("container")], [*podman.words, "load"])
        podman("tag", said.split()[-1], "image:test")
        yield podman


@pytest.mark.parametrize(
    ("source", "sink"),
    [
        ("while :; do echo 0123456789; done", "echo no room >&2; exit 1"),
        ("echo no room >&2; exit 1", "cat"),
        ("echo 1", "cat >&2; echo no room; exit 1"),
    ],
)
def test_a_load_that_fails_ends_with_its_own_words(source: str, sink: str) -> None:
    """It never hangs, and tells why."""
    with pytest.raises(AssertionError, match="no room"):
        pour(["sh", "-c", source], ["sh", "-c", sink])


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
        command = f"{work} {script} --epochs 1 >&2; echo $?; cat report.json"
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


def test_the_archive_is_the_streamed_image(podman: Podman, built: Nix) -> None:
    with open(built.build("container-archive"), "rb") as archive:
        assert hashlib.file_digest(archive, "sha256").hexdigest() == podman.streamed


def test_the_archive_is_a_docker_archive_and_an_oci_layout(built: Nix, tmp_path: Path) -> None:
    if shutil.which("skopeo") is None:
        pytest.skip("skopeo is not installed; on Debian: apt-get install skopeo")
    archive = built.build("container-archive")
    with tarfile.open(archive) as tar:
        layers = {member.name for member in tar if member.size >= 1 << 20}
        tar.extractall(tmp_path / "oci", [m for m in tar if m.name not in layers], filter="data")
    for source in (f"oci:{tmp_path}/oci", f"docker-archive:{archive}"):
        done = subprocess.run(["skopeo", "inspect", source], text=True, capture_output=True, timeout=300)
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert found["Architecture"] == "amd64"
        assert {f"blobs/{layer.replace(':', '/')}" for layer in found["Layers"]} >= layers


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
