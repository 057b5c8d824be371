"""Starting a process with fixed addresses and with entropy from a stream."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from reprotest.factors.base import Launch
from reprotest.run import vdso
from reprotest.run.launcher import Supervisor, prepare

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"), reason="needs Linux system calls"
)

# The shell's own status would show what it blocks for the moment in which it forks.
SIGNALS = "exec grep -E 'Sig(Ign|Blk)' /proc/self/status"
ENTROPY = Launch(getrandom_seed=7)


def start(launch: Launch, argv: list[str], run_dir: Path, **options: object) -> tuple[str, Supervisor]:
    """Run `argv` to its end; its output and the supervisor, which has been left."""
    (run_dir / "watch").mkdir(parents=True, exist_ok=True)
    with Supervisor(launch, run_dir) as supervisor:
        done = subprocess.run(
            prepare(launch, argv, supervisor),
            capture_output=True,
            text=True,
            timeout=60,
            **options,  # type: ignore[call-overload]
        )
    assert done.returncode == 0, done.stderr
    return done.stdout, supervisor


def python(source: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", textwrap.dedent(source)]


def refused(supervisor: Supervisor) -> None:
    """Skip where the kernel or the container forbids what the test is about; the sentence that says so is itself checked."""
    if supervisor.notes:
        assert "could not be" in supervisor.notes[0]
        pytest.skip(supervisor.notes[0])


def test_nothing_to_prepare_starts_the_command_itself(tmp_path: Path) -> None:
    argv = ["train.py", "--epochs", "3"]
    assert prepare(Launch(env={"A": "1"}), argv, Supervisor(Launch(), tmp_path)) == argv


def test_the_command_sees_its_arguments_environment_and_signals_unchanged(tmp_path: Path) -> None:
    launch = Launch(fixed_addresses=True)
    source = """
        import os, signal, sys, json
        print(json.dumps([sys.argv[1:], {k: v for k, v in os.environ.items() if not k.startswith("REPROTEST_PAD")}, os.getcwd()]))
    """
    environ = {"PATH": os.environ["PATH"], "NAME": "välue =x", "EMPTY": "", "LC_ALL": "C"}
    out, _ = start(launch, [*python(source), "--", "a b", "-I"], tmp_path, env=environ, cwd="/")
    assert json.loads(out) == [["--", "a b", "-I"], environ, "/"]
    out, _ = start(launch, ["sh", "-c", SIGNALS], tmp_path)
    plain = subprocess.run(["sh", "-c", SIGNALS], capture_output=True, text=True).stdout
    assert out == plain


@pytest.mark.parametrize(("name", "code"), [("no-such-program", 127), ("/etc/passwd", 126)])
def test_a_command_that_cannot_be_started_is_named(tmp_path: Path, name: str, code: int) -> None:
    launch = Launch(fixed_addresses=True)
    with Supervisor(launch, tmp_path) as supervisor:
        done = subprocess.run(prepare(launch, [name], supervisor), capture_output=True, text=True)
    assert done.returncode == code
    assert f"cannot start {name}" in done.stderr


def test_addresses_repeat_whatever_the_length_of_the_environment(tmp_path: Path) -> None:
    source = """
        import ctypes
        stack = int(open("/proc/self/stat").read().rpartition(")")[2].split()[25])  # startstack
        print([id(object()), stack, ctypes.addressof(ctypes.c_int.in_dll(ctypes.pythonapi, "Py_VerboseFlag"))])
    """
    launch = Launch(fixed_addresses=True)
    environ = dict(os.environ, PYTHONHASHSEED="0")
    first, supervisor = start(launch, python(source), tmp_path, env=environ)
    refused(supervisor)
    assert start(launch, python(source), tmp_path, env=environ)[0] == first
    longer = json.loads(start(launch, python(source), tmp_path, env={**environ, "ONE": "x" * 100})[0])
    assert longer[1:] == json.loads(first)[1:]


def test_a_shift_moves_stack_and_mappings_and_repeats(tmp_path: Path) -> None:
    source = """
        stack = int(open("/proc/self/stat").read().rpartition(")")[2].split()[25])
        print([id(object()), stack])
    """
    seen = []
    for shift in (0, 80_000, 80_000):
        out, supervisor = start(Launch(fixed_addresses=True, shift_addresses=shift), python(source), tmp_path)
        refused(supervisor)
        seen.append(json.loads(out))
    assert seen[1] == seen[2]
    assert seen[0][0] != seen[1][0]
    assert seen[0][1] - seen[1][1] == 1 << 16


def draws(n: int = 4) -> str:
    return f"[os.getrandom(8).hex() for _ in range({n})]"


def test_draws_repeat_for_a_seed_and_differ_among_seeds_and_calls(tmp_path: Path) -> None:
    argv = python(f"import os; print(*{draws()})")
    first, supervisor = start(ENTROPY, argv, tmp_path)
    refused(supervisor)
    assert len(set(first.split())) == 4
    assert start(ENTROPY, argv, tmp_path)[0] == first
    assert start(Launch(getrandom_seed=8), argv, tmp_path)[0] != first


def test_sizes_flags_and_bad_pointers_behave_like_the_system_call(tmp_path: Path) -> None:
    source = """
        import ctypes, errno, os
        print(len(os.getrandom(0)), len(os.getrandom(300, os.GRND_NONBLOCK)), len(os.urandom(3_000_000)))
        libc = ctypes.CDLL(None, use_errno=True)
        for call in ((8, 8, 0), (ctypes.create_string_buffer(8), 8, 64)):
            print(libc.getrandom(*call), errno.errorcode[ctypes.get_errno()])
    """
    out, supervisor = start(ENTROPY, python(source), tmp_path)
    refused(supervisor)
    assert out.splitlines() == ["0 300 3000000", "-1 EFAULT", "-1 EINVAL"]


def test_forked_and_executed_processes_have_streams_of_their_own_that_repeat(tmp_path: Path) -> None:
    source = f"""
        import os, subprocess, sys
        print(*{draws(2)}, flush=True)
        for _ in range(2):
            pid = os.fork()
            if not pid:
                print(*{draws(2)}, flush=True)
                os._exit(0)
            os.waitpid(pid, 0)
        print(subprocess.check_output([sys.executable, "-I", "-S", "-c", "import os; print(*{draws(2)})"], text=True), end="")
    """
    first, supervisor = start(ENTROPY, python(source), tmp_path)
    refused(supervisor)
    assert len(set(first.split())) == 8
    assert start(ENTROPY, python(source), tmp_path)[0] == first


def test_threads_draw_from_streams_of_their_own_that_repeat(tmp_path: Path) -> None:
    source = f"""
        import os, threading, time
        found = {{}}
        ready = threading.Barrier(4)
        def work(i):
            ready.wait()
            found[i] = {draws(20)}
        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        for i in range(4):
            print(*found[i])
    """
    first, supervisor = start(ENTROPY, python(source), tmp_path)
    refused(supervisor)
    assert len(set(first.split())) == 80
    assert start(ENTROPY, python(source), tmp_path)[0] == first


def test_a_signal_in_the_middle_of_a_draw_changes_nothing(tmp_path: Path) -> None:
    source = """
        import hashlib, os, signal, sys
        if sys.argv[1:]:
            signal.signal(signal.SIGALRM, lambda *_: None)
            signal.setitimer(signal.ITIMER_REAL, 0.003, 0.003)
        drawn = b"".join(os.getrandom(32) for _ in range(1500))
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(hashlib.sha256(drawn).hexdigest())
    """
    quiet, supervisor = start(ENTROPY, python(source), tmp_path)
    refused(supervisor)
    assert start(ENTROPY, [*python(source), "alarms"], tmp_path)[0] == quiet


def test_it_is_told_which_library_drew(tmp_path: Path) -> None:
    out, supervisor = start(ENTROPY, python("import os; os.getrandom(16); print('done')"), tmp_path)
    refused(supervisor)
    assert out == "done\n"
    mine = [entry for entry in supervisor.drawn if "python" in str(entry["library"])]
    assert sum(int(entry["bytes"]) for entry in mine) >= 16
    written = json.loads((tmp_path / "watch" / "launcher.json").read_text())
    assert written["extra"]["getrandom"] == supervisor.drawn


def test_draws_through_the_vdso_come_from_the_stream(tmp_path: Path) -> None:
    stub = vdso.getrandom_stub()
    if stub is None:
        pytest.skip("this kernel's vDSO has no getrandom")
    source = f"""
        import ctypes, os
        getauxval = ctypes.CDLL(None).getauxval
        getauxval.restype = ctypes.c_ulong
        signature = ctypes.CFUNCTYPE(ctypes.c_ssize_t, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_void_p, ctypes.c_size_t)
        function = signature(getauxval(33) + {stub.offset})
        buffer = ctypes.create_string_buffer(16)
        os.getrandom(1)
        print(function(buffer, 16, 0, None, 0), buffer.raw.hex())
    """
    first, supervisor = start(ENTROPY, python(source), tmp_path)
    refused(supervisor)
    assert first.startswith("16 ")
    assert start(ENTROPY, python(source), tmp_path)[0] == first


def test_a_run_outlives_its_supervisor(tmp_path: Path) -> None:
    """The supervising process is killed: the run's next draws must come from the system, at once."""
    supervising = f"""
        import subprocess, sys
        sys.path[:0] = {[str(Path(vdso.__file__).parents[2])]!r}
        from reprotest.factors.base import Launch
        from reprotest.run.launcher import Supervisor, prepare
        launch = Launch(getrandom_seed=7)
        with Supervisor(launch, {str(tmp_path)!r}) as supervisor:
            subprocess.run(prepare(launch, [sys.executable, "-I", "-S", "-c", sys.argv[1]], supervisor))
    """
    run = "import os, sys; print(os.urandom(8).hex(), flush=True); sys.stdin.read(); print(os.urandom(8).hex(), flush=True)"
    (tmp_path / "watch").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-I", "-c", textwrap.dedent(supervising), run],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert len(process.stdout.readline().split()) == 1
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdin.close()
        assert len(process.stdout.readline().strip()) == 16


def test_leaving_the_supervisor_early_does_not_hold_the_run_up(tmp_path: Path) -> None:
    with Supervisor(ENTROPY, tmp_path) as supervisor:
        argv = prepare(ENTROPY, python("import os; input(); print(os.urandom(8).hex())"), supervisor)
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    out, _ = process.communicate("\n", timeout=30)
    assert process.returncode == 0
    assert len(out.strip()) == 16


def test_a_refused_personality_is_said_and_the_command_runs_all_the_same(tmp_path: Path) -> None:
    """As in a container: a seccomp filter that refuses personality(2), installed before us."""
    if platform.machine() != "x86_64":
        pytest.skip("the filter of this test is written for x86_64")
    forbid = """
        import ctypes, struct, sys, os
        program = b"".join(struct.pack("<HBBI", *s) for s in (
            (0x20, 0, 0, 0), (0x15, 0, 1, 135), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7fff0000)))
        code = ctypes.create_string_buffer(program)
        libc = ctypes.CDLL(None, use_errno=True)
        assert not libc.prctl(38, 1, 0, 0, 0)
        assert not libc.syscall(317, 1, 0, struct.pack("@HP", 4, ctypes.addressof(code)))
        os.execv(sys.argv[1], sys.argv[1:])
    """
    launch = Launch(fixed_addresses=True)
    with Supervisor(launch, tmp_path) as supervisor:
        argv = prepare(launch, ["echo", "ran"], supervisor)
        out = subprocess.run([*python(forbid), *argv], capture_output=True, text=True, check=True).stdout
    assert out == "ran\n"
    assert supervisor.notes == [
        line for line in supervisor.notes if "address randomisation could not be switched off" in line
    ]
    assert len(supervisor.notes) == 1
