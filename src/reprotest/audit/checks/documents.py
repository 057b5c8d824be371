"""What a README must say for somebody else to repeat the work, and what CI must run."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reprotest.audit.checks import check
from reprotest.audit.finding import Found, Severity
from reprotest.audit.repository import Repository

_PINEAU = "https://www.cs.mcgill.ca/~jpineau/ReproducibilityChecklist.pdf"
_PAPERS = "https://github.com/paperswithcode/releasing-research-code"
_CI = (
    ".github/workflows/*.yml", ".github/workflows/*.yaml", ".gitlab-ci.yml", ".circleci/config.yml", "azure-pipelines.yml",
    "Jenkinsfile", ".travis.yml", ".ci/*", ".buildkite/*", "bitbucket-pipelines.yml", ".drone.yml", ".woodpecker.yml",
)  # fmt: skip
_PROVES = re.compile(
    r"-m reprotest\b|\breprotest (run|verify|vary|lock|resume)\b|^\s*reprotest\s*$|assert_reproducible|\bmake verify\b",
    re.M,
)
_RUNS_TESTS = re.compile(r"\bpytest\b|\btox\b|\bnox\b|\bmake (test|check)\b|flake check")


def _lacks(repository: Repository, pattern: str, message: str) -> Iterator[Found]:
    """The README, and the pages that it links to, have to say it somewhere."""
    if repository.readme is None:
        return
    readme = repository.text(repository.readme)
    pages = [page for page in re.findall(r"\]\((docs/[\w./-]+\.(?:md|rst))", readme) if repository.has(page)]
    texts = [readme, *(repository.text(page) for page in dict.fromkeys(pages))]
    if not any(re.search(pattern, text, re.IGNORECASE | re.MULTILINE) for text in texts):
        yield Found(message, repository.readme)


@check(
    "readme.present",
    Severity.ERROR,
    title="There is a README",
    why="it is the first, and often the only, thing that who repeats the work reads",
    source=_PAPERS,
    fix="write README.md with set-up, versions, hardware, the command that repeats the result, and the expected result",
)
def present(repository: Repository) -> Iterator[Found]:
    if repository.readme is None:
        yield Found("there is no README", "README.md")


@check(
    "readme.setup",
    Severity.WARNING,
    title="The README says how to set the project up",
    why="who guesses the set-up gets another environment",
    source=_PAPERS,
    fix="give the commands that install it from the lock",
)
def setup(repository: Repository) -> Iterator[Found]:
    pattern = r"\b(pip3? install|poetry (install|sync)|uv (sync|pip|run)|conda env create|mamba|nix (develop|shell|build|run)|docker (build|run|compose)|podman|make [\w-]+|pixi)\b"
    return _lacks(repository, pattern, "the README does not say how to set the project up")


@check(
    "readme.versions",
    Severity.WARNING,
    title="The README states the versions",
    why="the version of Python, and of CUDA where there is a GPU, decide which packages can be installed at all",
    source=_PAPERS,
    fix="state the exact Python version (and the CUDA version)",
)
def versions(repository: Repository) -> Iterator[Found]:
    return _lacks(repository, r"python[^\n]{0,12}\b3\.\d+", "the README does not state the Python version")


@check(
    "readme.hardware",
    Severity.WARNING,
    title="The README states the hardware",
    why="bitwise equal results can be expected on one kind of hardware only, and memory decides whether it runs at all",
    source=_PINEAU,
    fix="state what it was run on: CPU, memory, GPU model and driver, or that a CPU is enough",
)
def hardware(repository: Repository) -> Iterator[Found]:
    pattern = r"\b(GPUs?|CPUs?|RAM|x86_64|aarch64|NVIDIA|TPU|GiB|GB of memory)\b"
    return _lacks(repository, pattern, "the README does not state the hardware")


@check(
    "readme.reproduce",
    Severity.WARNING,
    title="The README gives the command that repeats the result",
    why="a result without its command is a claim",
    source=_PAPERS,
    fix="give the command, with configuration and seed: python -m reprotest run train.py",
)
def reproduce(repository: Repository) -> Iterator[Found]:
    pattern = r"(python3?|uv run|poetry run|torchrun|accelerate launch)\s[^\n]*(\.py\b|-m\s+\w)|\breprotest (run|verify)\b|\bmake (run|train|verify|reproduce)\b"
    return _lacks(repository, pattern, "the README gives no command that repeats the result")


@check(
    "readme.results",
    Severity.WARNING,
    title="The README gives the expected result with its seed",
    why="only with a number to compare with can anybody say that it was repeated",
    source=_PINEAU,
    fix="give the seed and the numbers that come out, or commit reprotest.lock: python -m reprotest lock train.py",
)
def results(repository: Repository) -> Iterator[Found]:
    if repository.has("reprotest.lock") or not repository.trainings:
        return
    pattern = r"expected (results?|output|numbers?)[^#]*\d|\bseed\b[^\n]{0,20}\d[^#]{0,400}\b(loss|accuracy|acc|f1|score|auc|error)\b[^\n]{0,20}\d"
    yield from _lacks(repository, pattern, "the README gives no expected result with its seed")


@check(
    "readme.limits",
    Severity.NOTE,
    title="The README lists known limits",
    why="what is known not to repeat (another GPU, several workers) saves others the search",
    source=_PINEAU,
    fix="list what does not repeat, and where",
)
def limits(repository: Repository) -> Iterator[Found]:
    pattern = r"limitation|known (issues|limits)|not (repeat|reproduc|work)|does not"
    return _lacks(repository, pattern, "the README lists no known limits")


@check(
    "ci.reproducibility",
    Severity.WARNING,
    title="CI runs the reproducibility test",
    why="a change that breaks repeatability is found on the day that it is made, or when nobody remembers it",
    source="https://www.nature.com/articles/s41592-021-01256-7",
    fix="add a step to CI: python -m reprotest run train.py (python -m reprotest init writes one)",
)
def ci(repository: Repository) -> Iterator[Found]:
    files = repository.matching(*_CI)
    if not files:
        yield Found("there is no CI", ".github/workflows/reproducibility.yml")
        return
    texts = [repository.text(path) for path in files]
    if any(re.search(r"\bmake\b", text) for text in texts):
        texts += [repository.text(path) for path in repository.matching("Makefile", "*.mk")]
    if any(_PROVES.search(text) for text in texts):
        return
    proving = any(re.search(r"assert_reproducible|reprotest", repository.text(path)) for path in repository.tests)
    if not (proving and any(_RUNS_TESTS.search(text) for text in texts)):
        yield Found("CI does not run a reproducibility test", files[0])
