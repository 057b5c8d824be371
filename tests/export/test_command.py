"""`python -m reprotest export`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.documents import checked

Export = Callable[..., tuple[int, str, str]]


def test_requirements(export: Export, project: Path) -> None:
    assert export("requirements") == (0, "requirements.txt: written\n", "")
    assert (project / "requirements.txt").read_text().splitlines() == [
        "# Made by `python -m reprotest export requirements` from poetry.lock; change pyproject.toml, lock, and export again.",
        "# python_version: 3.11",
        "# groups: main",
        "# poetry.lock: 0123456789abcdef",
        "# Install with: pip install --require-hashes --no-deps -r requirements.txt",
        "--extra-index-url https://download.pytorch.org/whl/cpu",
        "",
        "idna==3.20 \\",
        "    --hash=sha256:AAA \\",
        "    --hash=sha256:BBB",
        "torch==2.13.0+cpu ; sys_platform == 'linux' \\",
        "    --hash=sha256:CCC",
        "split==1.0 ; (python_version < '3.12') \\",
        "    --hash=sha256:DDD",
    ]


def test_exporting_again_changes_nothing_until_the_lock_does(export: Export, project: Path) -> None:
    kinds = ("requirements", "conda", "docker", "compose", "gitignore", "env")
    code, out, _ = export(*kinds)
    assert code == 0
    assert out.count(": written\n") == 7
    assert export(*kinds)[1].count(": up to date\n") == 7
    assert export("--check", *kinds)[0] == 0
    lock = project / "poetry.lock"
    lock.write_text(
        lock.read_text().replace("0123456789abcdef", "fedcba9876543210").replace("sha256:AAA", "sha256:EEE")
    )
    code, out, _ = export("--check")
    assert code == 1
    assert "requirements.txt: stale" in out
    assert "+    --hash=sha256:EEE \\" in out
    assert "Dockerfile: stale" in out
    assert "stale: run `python -m reprotest export requirements conda docker compose` and commit the result" in out
    assert "AAA" in (project / "requirements.txt").read_text()
    assert "requirements.txt: updated" in export("requirements")[1]
    assert export("--check", "requirements")[0] == 0


def test_check_finds_what_is_missing(export: Export) -> None:
    code, out, _ = export("--check", "conda")
    assert (code, out.splitlines()[:2]) == (1, ["requirements.txt: missing", "environment.yml: missing"])
    code, _, err = export("--check")
    assert code == 2
    assert "no exported file here to check" in err


def test_edited_by_hand_is_stale(export: Export, project: Path) -> None:
    export("compose")
    file = project / "compose.yaml"
    file.write_text(file.read_text().replace("5000:5000", "80:5000"))
    assert export("--check")[0] == 1


def test_groups_are_kept(export: Export, project: Path) -> None:
    export("requirements", "--group", "docs")
    assert "idna" not in (project / "requirements.txt").read_text()
    assert export("--check")[0] == 0
    assert export("docker")[0] == 0
    assert "idna" not in (project / "requirements.txt").read_text()
    assert "only-binary" not in (project / "Dockerfile").read_text(), "split has no wheel"
    export("requirements", "--group", "main", "--group", "dev")
    assert "# groups: main, dev" in (project / "requirements.txt").read_text()


def test_somebodys_own_file_is_not_replaced(export: Export, project: Path) -> None:
    (project / "Dockerfile").write_text("FROM scratch\n")
    code, _, err = export("docker")
    assert code == 2
    assert "Dockerfile exists and was not exported by reprotest: move it away, or give --force" in err
    assert not (project / "requirements.txt").exists()
    assert (project / "Dockerfile").read_text() == "FROM scratch\n"
    assert export("docker", "--force")[0] == 0
    assert "FROM ${PYTHON_IMAGE}" in (project / "Dockerfile").read_text()


def test_images_that_were_chosen_are_kept(export: Export, project: Path) -> None:
    export("docker", "compose")
    new = "sha256:" + "1" * 64
    for name in ("Dockerfile", "compose.yaml"):
        file = project / name
        lines = [
            line.split("@sha256")[0] + "@" + new if "PYTHON_IMAGE=" in line or "image: ghcr" in line else line
            for line in file.read_text().splitlines()
        ]
        file.write_text("\n".join(lines) + "\n")
    assert export("--check")[0] == 0
    (project / ".python-version").write_text("3.12")
    assert export("docker")[0] == 0
    assert "ARG PYTHON_IMAGE=python:3.12" in (project / "Dockerfile").read_text()
    (project / ".python-version").write_text("3.9")
    assert "no image with Python 3.9 is known" in export("docker")[2]


def test_the_program_that_is_started(export: Export, project: Path) -> None:
    (project / "train.py").touch()
    export("docker")
    assert (project / "Dockerfile").read_text().endswith('CMD ["python", "train.py"]\n')


def test_flake_pins_and_variables_are_in_the_image(export: Export, project: Path) -> None:
    (project / "flake.lock").write_text('{"nodes": {"nixpkgs": {"locked": {"rev": "50ab79"}}, "root": {}}}')
    export("docker")
    text = (project / "Dockerfile").read_text()
    assert 'reprotest.flake.nixpkgs="50ab79"' in text
    assert 'CUBLAS_WORKSPACE_CONFIG=":4096:8"' in text
    assert 'PYTHONHASHSEED="0"' in text
    (project / "flake.lock").write_text("[]")
    assert export("docker")[0] == 0


def test_json(export: Export) -> None:
    code, out, _ = export("conda", "--json", "-")
    assert code == 0
    assert checked(out) == {
        "schema": "reprotest.export/1",
        "verdict": "written",
        "files": [{"file": "requirements.txt", "state": "new"}, {"file": "environment.yml", "state": "new"}],
    }
    assert checked(export("--check", "--json", "-")[1])["verdict"] == "current"
    assert export("conda", "--quiet") == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "nothing to export: expected one or more of requirements, conda, docker, compose, gitignore, env"),
        (("podman",), "there is no export of kind 'podman'; there are requirements"),
        (("requirements", "--group", "gpu"), "has no group gpu"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], said: str, export: Export) -> None:
    code, _, err = export(*arguments)
    assert code == 2
    assert said in err


def test_a_folder_without_a_lock(export: Export, project: Path) -> None:
    (project / "poetry.lock").unlink()
    code, _, err = export("requirements")
    assert code == 2
    assert "there is no poetry.lock" in err
