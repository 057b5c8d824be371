"""Settings that make kernels, loaders and hashes repeat."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from reprotest.audit.checks import check
from reprotest.audit.finding import Found, Severity
from reprotest.audit.flow.modules import Module
from reprotest.audit.repository import Repository
from reprotest.export.variables import held
from reprotest.factors import factor

_RANDOMNESS = "https://pytorch.org/docs/stable/notes/randomness.html"
_KERNELS = factor("torch.kernels")
_CUDA = re.compile(
    r"""\.cuda\(|\bcuda\.is_available|["']cuda(:\d+)?["']|tf\.config\.(list|experimental\.list)_physical_devices|accelerator\s*=\s*["']gpu"""
)


@check(
    "determinism.torch",
    Severity.WARNING,
    title="PyTorch trainings ask for deterministic algorithms",
    why="without it some kernels add in the order in which threads arrive, on the CPU too, and cuDNN chooses algorithms by timing",
    source="https://pytorch.org/docs/stable/generated/torch.use_deterministic_algorithms.html",
    fix="call reprotest.set_seed(seed), or: " + _KERNELS.fix,
)
def torch(repository: Repository) -> Iterator[Found]:
    for reading in repository.trainings:
        if _KERNELS.id in reading.held:
            continue
        modules = [repository.modules.by_file[file] for file in reading.files]
        if any(_keyword(module, "deterministic") for module in modules):  # Trainer(deterministic=True)
            continue
        place = next((p for m in modules if (p := _imports(m, "torch"))), None)
        if place is not None:
            yield Found("this training does not ask PyTorch for deterministic algorithms", *place, factor=_KERNELS.id)


@check(
    "determinism.cudnn",
    Severity.ERROR,
    title="cuDNN does not choose its algorithms by timing",
    why="with benchmark = True cuDNN times several algorithms at the start and keeps the fastest, which is another one from run to run",
    source=_RANDOMNESS,
    fix="set torch.backends.cudnn.benchmark = False",
)
def cudnn(repository: Repository) -> Iterator[Found]:
    for module in repository.modules.by_file.values():
        for node in module.nodes:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and node.value.value is True:
                for target in node.targets:
                    if ast.unparse(target).endswith("cudnn.benchmark"):
                        yield Found("cuDNN's autotuning is switched on", module.file, node.lineno, factor=_KERNELS.id)


@check(
    "determinism.tensorflow",
    Severity.WARNING,
    title="TensorFlow trainings ask for deterministic operations",
    why="without it some operations add in no fixed order and tf.data runs maps in parallel as they come",
    source="https://www.tensorflow.org/api_docs/python/tf/config/experimental/enable_op_determinism",
    fix="call tf.config.experimental.enable_op_determinism() after the seed",
)
def tensorflow(repository: Repository) -> Iterator[Found]:
    for reading in repository.trainings:
        modules = [repository.modules.by_file[file] for file in reading.files]
        texts = [repository.text(module.file) for module in modules]
        if any("enable_op_determinism" in text or "TF_DETERMINISTIC_OPS" in text for text in texts):
            continue
        place = next((p for m in modules if (p := _imports(m, "tensorflow"))), None)
        if place is not None:
            yield Found("this training does not ask TensorFlow for deterministic operations", *place)


@check(
    "determinism.variables",
    Severity.WARNING,
    title="Variables that must be set before Python starts are set where the program is started",
    why="the hash seed and, on a GPU, the cuBLAS workspace are read once, at the start: without them sets change their order and matrix "
    "products their rounding",
    source="https://docs.nvidia.com/cuda/cublas/index.html#results-reproducibility",
    fix="set them in the Dockerfile, compose file, flake, CI or .env.example: "
    + ", ".join(f"{name}={value}" for name, value in held().items()),
)
def variables(repository: Repository) -> Iterator[Found]:
    if not repository.trainings:
        return
    places = repository.matching(
        "*Dockerfile*", "Containerfile*", "*compose*.y*ml", "*.nix", "variables.json", ".env.example", "*.sh", "Makefile",
        ".envrc", "environment.y*ml", ".github/workflows/*", ".gitlab-ci.yml", "*.toml",
    )  # fmt: skip
    texts = [repository.text(path) for path in places]
    wanted = [name for name in held() if name != "CUBLAS_WORKSPACE_CONFIG" or uses_cuda(repository)]
    lacking = [name for name in wanted if not any(name in text for text in texts)]
    if lacking:
        file = repository.trainings[0].program.file
        yield Found(
            f"{', '.join(lacking)} {'are' if len(lacking) > 1 else 'is'} set nowhere", file, factor="python.hash"
        )


@check(
    "determinism.hash-seed",
    Severity.WARNING,
    title="The hash seed is not set from inside the program",
    why="Python reads PYTHONHASHSEED once, when it starts: setting it in os.environ afterwards changes nothing in this process",
    source="https://docs.python.org/3/using/cmdline.html#envvar-PYTHONHASHSEED",
    fix="set it where Python is started, or call reprotest.set_seed(seed, relaunch=True); " + factor("python.hash").fix,
)
def hash_seed(repository: Repository) -> Iterator[Found]:
    for module in repository.modules.by_file.values():
        for node in module.nodes:
            if isinstance(node, ast.Assign) and any(_hash_seed(target) for target in node.targets):
                yield Found(
                    "PYTHONHASHSEED is set after Python has started", module.file, node.lineno, factor="python.hash"
                )


def _hash_seed(target: ast.expr) -> bool:
    return (
        isinstance(target, ast.Subscript)
        and isinstance(target.slice, ast.Constant)
        and target.slice.value == "PYTHONHASHSEED"
        and ast.unparse(target.value).endswith("environ")
    )


@check(
    "dataloader.seeding",
    Severity.WARNING,
    title="Shuffling loaders have a generator, loaders with workers seed them",
    why="the order of batches depends on how much was drawn from the global generator before, and workers seed what PyTorch does not know of "
    "only by worker_init_fn",
    source="https://pytorch.org/docs/stable/notes/randomness.html#dataloader",
    fix="use reprotest.dataloader(...), or pass generator=torch.Generator().manual_seed(seed) and worker_init_fn=reprotest.seed_worker",
)
def dataloader(repository: Repository) -> Iterator[Found]:
    for module in repository.modules.by_file.values():
        for node in module.nodes:
            if isinstance(node, ast.Call) and module.dotted(node.func) == "torch.utils.data.DataLoader":
                keywords = {keyword.arg: keyword.value for keyword in node.keywords}
                if None in keywords:  # **options: cannot be told
                    continue
                shuffles = _may_be_true(keywords.get("shuffle", node.args[2] if len(node.args) > 2 else None))
                workers = _may_be_true(keywords.get("num_workers"))
                lacking = ["generator"] if shuffles and "generator" not in keywords else []
                lacking += ["worker_init_fn"] if workers and "worker_init_fn" not in keywords else []
                if lacking:
                    message = (
                        f"a DataLoader that {'shuffles' if shuffles else 'has workers'} without {' and '.join(lacking)}"
                    )
                    yield Found(message, module.file, node.lineno, factor="dataloader.workers")


def _may_be_true(node: ast.expr | None) -> bool:
    return node is not None and not (isinstance(node, ast.Constant) and not node.value)


def _imports(module: Module, package: str) -> tuple[str, int] | None:
    for node in module.nodes:
        if isinstance(node, ast.Import) and any(a.name.partition(".")[0] == package for a in node.names):
            return module.file, node.lineno
        if isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").partition(".")[0] == package:
            return module.file, node.lineno
    return None


def _keyword(module: Module, name: str) -> bool:
    return any(isinstance(node, ast.keyword) and node.arg == name and _may_be_true(node.value) for node in module.nodes)


def uses_cuda(repository: Repository) -> str | None:
    """The first file of a training that speaks of CUDA."""
    return next(
        (file for reading in repository.trainings for file in reading.files if _CUDA.search(repository.text(file))),
        None,
    )
