"""Compile every module below a directory to bytecode, the same bytes every time: compile.py DIRECTORY STRIPPED-PREFIX.

The bytes of a .pyc depend on what its process had interned before, because marshal writes references by identity and
reference count. A pool of workers therefore writes other bytes from run to run; a child forked for each directory from
one untouched parent, which takes the directory's modules in order, does not. To be started with a fixed PYTHONHASHSEED,
so without -I, which would ignore it. Packages' own tests get no bytecode: hardly anything imports them, and they are a
quarter of all modules.
"""

import os
import py_compile
import sys

NOT_COMPILED = {"__pycache__", "test", "tests"}


def modules_by_directory(root):
    for directory, subdirectories, files in os.walk(root):
        subdirectories[:] = sorted(set(subdirectories) - NOT_COMPILED)
        if modules := [os.path.join(directory, name) for name in sorted(files) if name.endswith(".py")]:
            yield modules


def compile_in_child(modules, prefix):
    if os.fork() == 0:
        path = None
        try:
            for path in modules:
                compile_module(path, path.removeprefix(prefix))
        except BaseException as error:
            print(f"{path}: {error}", file=sys.stderr)
            os._exit(1)
        os._exit(0)


def compile_module(path, shown_as):
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    try:
        py_compile.compile(path, dfile=shown_as, doraise=True, invalidation_mode=mode)
    except py_compile.PyCompileError:
        pass  # templates and test data that are not Python 3.11


def wait():
    _, status = os.wait()
    if status:
        raise SystemExit("compile.py: a module could not be written, see above")


def main(root, prefix):
    cores = int(os.environ.get("NIX_BUILD_CORES") or 0) or os.cpu_count()
    running = 0
    for modules in modules_by_directory(root):
        if running == cores:
            wait()
            running -= 1
        compile_in_child(modules, prefix)
        running += 1
    for _ in range(running):
        wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
