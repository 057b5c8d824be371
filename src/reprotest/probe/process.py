"""Names the processes of a run the same way in every run, and tells training from helpers."""

from __future__ import annotations

import os
import re
import sys
import threading

PARENT = "REPROTEST_PARENT"
"""Environment variable with the key of the process that started this one."""

_HELPERS = re.compile(
    r"multiprocessing\.resource_tracker|loky\.backend\.resource_tracker|_inductor.compile_worker|torch_shm_manager"
)
_POOLS = re.compile(r"loky\.backend\.popen_loky_posix|PoolWorker-|LokyProcess-")


def is_helper() -> bool:
    """A process that a library starts for itself, in which nothing of the user's runs."""
    return bool(_HELPERS.search(" ".join(sys.orig_argv)))


def executed_key() -> str:
    """Key of a freshly executed Python: "main", "rank3", or "<parent>/<program>"."""
    parent = os.environ.get(PARENT)
    if "RANK" in os.environ and os.environ["RANK"].isdigit():
        rank = f"rank{os.environ['RANK']}"
        if parent is None or parent.split("/", 1)[0] != rank:
            return rank
    if parent is None:
        return "main"
    arguments = [a for a in sys.orig_argv[1:] if not a.startswith("-")]
    program = os.path.basename(arguments[0]) if arguments and "-c" not in sys.orig_argv else "python"
    return f"{parent}/{re.sub(r'[^A-Za-z0-9._-]+', '_', program)[:40]}"


def typed_code() -> str | None:
    """The name that Python gives to code which was typed instead of kept in a file: `python -c …` or a shell's `python - <<EOF`.

    None where there is a file or a module, and for what another Python of the run has started: that code is mostly a library's.
    """
    if PARENT in os.environ:
        return None
    words = iter(sys.orig_argv[1:])
    for word in words:
        if word == "-" or not word.startswith("-"):
            return "<stdin>" if word == "-" else None
        if word.startswith("--") or word[1] in "XW":
            if word in ("-X", "-W", "--check-hash-based-pycs"):
                next(words, None)
        elif "c" in word:
            return "<string>"
        elif "m" in word:
            return None
    return "<stdin>"


def multiprocessing_name() -> str | None:
    """This process's name if multiprocessing started it ("SpawnProcess-1")."""
    module = sys.modules.get("multiprocessing.process")
    if module is None:
        return None
    process = module.current_process()
    return None if process.name == "MainProcess" else str(process.name)


def is_pool_worker() -> bool:
    """Does this process take tasks from a pool? Which task it gets is chance, so its events are no stream to compare."""
    if _POOLS.search(multiprocessing_name() or "") or _POOLS.search(" ".join(sys.orig_argv)):
        return True
    module = sys.modules.get("multiprocessing.process")
    target = getattr(module.current_process(), "_target", None) if module is not None else None
    return getattr(target, "__module__", None) == "concurrent.futures.process"


def is_pool_thread(thread: threading.Thread) -> bool:
    """Does this thread take tasks from a pool? As for a pool's process, its events are no stream to compare."""
    target = getattr(thread, "_target", None)
    return getattr(target, "__module__", None) in ("concurrent.futures.thread", "multiprocessing.pool")


def is_loader_worker() -> bool:
    """Is this a worker process of a torch DataLoader?"""
    worker = sys.modules.get("torch.utils.data._utils.worker")
    return worker is not None and worker.get_worker_info() is not None
