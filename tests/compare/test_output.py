"""Output compared line by line, in bounded memory."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_runs import Run, write_run

from reprotest.compare import output, output_difference


@pytest.fixture
def compare(make):
    def compared(a, b, name="stdout.txt"):
        x, y = (make(Run(output={name: text if isinstance(text, bytes) else text.encode()})) for text in (a, b))
        return output_difference(x, y)

    return compared


def test_equal_output(compare):
    assert compare("a\nb\n", "a\nb\n") == (None, [])
    assert compare("", "") == (None, [])


def test_a_line_is_named_with_the_size_of_its_numbers(compare):
    found, kinds = compare("start\nloss 0.5 acc 1\nend\n", "start\nloss 0.75 acc 1\nend\n")
    assert (found.step, found.phase, found.name, found.kind) == (0, "output", "stdout line 2", "value")
    assert (found.max_abs, found.max_rel) == (0.25, pytest.approx(1 / 3))
    assert found.note == "'loss 0.5 acc 1' in run 1, 'loss 0.75 acc 1' in run 2"
    assert kinds == []


def test_words_have_no_size(compare):
    found, _ = compare("result: cat\n", "result: dog\n")
    assert (found.max_abs, found.max_rel) == (None, None)
    found, _ = compare("loss nan\n", "loss 1.0\n")
    assert found.max_abs is None


def test_times_are_masked_and_listed(compare):
    a = "2024-01-01 10:00:00 start\nepoch 1 took 3.2s loss 0.5\nsaved /tmp/tmpaaaaaaaa/m.pt\n"
    b = "2024-02-02 11:11:11 start\nepoch 1 took 4.5s loss 0.5\nsaved /tmp/tmpbbbbbbbb/m.pt\n"
    assert compare(a, b) == (None, ["dates", "durations", "paths"])
    found, kinds = compare(a, b.replace("loss 0.5", "loss 0.6"))
    assert found.name == "stdout line 2"
    assert found.max_abs == pytest.approx(0.1)
    assert "dates" in kinds


def test_more_lines(compare):
    found, _ = compare("a\nb\n", "a\nb\nc\n")
    assert (found.name, found.kind, found.note) == (
        "stdout line 3",
        "length",
        "'c' in run 2; the other run's output had ended",
    )
    found, _ = compare("a\nb\nc", "a\n")
    assert (found.name, found.note) == ("stdout line 2", "'b' in run 1; the other run's output had ended")


def test_a_missing_last_line_break_is_nothing(compare):
    assert compare("a\nb", "a\nb\n")[0] is None


def test_standard_error_comes_second(make):
    a = make(Run(output={"stdout.txt": b"x 1\n", "stderr.txt": b"warning 1\n"}))
    b = make(Run(output={"stdout.txt": b"x 1\n", "stderr.txt": b"warning 2\n"}))
    assert output_difference(a, b)[0].name == "stderr line 1"
    assert output_difference(make(Run()), make(Run())) == (None, [])
    assert output_difference(make(Run()), a)[0].kind == "length"


def test_progress_bars_count_only_as_they_ended(compare):
    a = "".join(f"\r{i}%|##| {i}/100 [00:0{i}<00:01, 3.{i}it/s]" for i in range(5)) + "\nloss 0.5\n"
    b = "".join(f"\r{i}%|##| {i}/100 [00:0{i}<00:09, 8.{i}it/s]" for i in (0, 2, 4)) + "\nloss 0.5\n"
    found, kinds = compare(a, b, "stderr.txt")
    assert found is None
    assert "progress bars" in kinds
    assert compare(a, b.replace("loss 0.5", "loss 0.25"))[0].name == "stdout line 2"
    assert compare("a\r\nb\r\n", "a\nb\n")[0] is None


def test_bytes_that_are_no_text(compare):
    assert compare(b"\xff\xfe\x00\n", b"\xff\xfe\x00\n")[0] is None
    assert compare(b"\xff\n", b"\xfe\n")[0].name == "stdout line 1"


def test_lines_without_end(compare):
    a = b"x" * 300_000 + b"1"
    found, _ = compare(a, b"x" * 300_000 + b"2")
    assert found.kind == "value"
    assert len(found.note) < 400
    assert compare(a, a)[0] is None


def test_a_hundred_megabytes_in_bounded_memory(tmp_path):
    """Mostly equal lines, then one that differs in its time alone, then one that differs."""
    folders = []
    for name, stamp, loss in (("a", "10:00:00", "0.5"), ("b", "11:22:33", "0.25")):
        folder = write_run(tmp_path / name, Run()).path
        with open(folder / "stdout.txt", "wb") as file:
            for _ in range(100):
                file.write(b"step 12 loss 0.123456789 some more words to fill the line\n" * 17_500)
            file.write(f"{stamp} half\n".encode())
            file.write(b"step 13 loss 0.123456789\n" * 10_000)
            file.write(f"loss {loss}\n".encode())
        folders.append(folder)
    assert (folders[0] / "stdout.txt").stat().st_size > 100_000_000
    from reprotest.record import open_record

    a, b = map(open_record, folders)
    tracemalloc.start()
    found, kinds = output_difference(a, b)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.name == "stdout line 1760002"
    assert found.max_abs == 0.25
    assert kinds == ["times"]
    assert peak < 30_000_000
    for folder in folders:
        (folder / "stdout.txt").unlink()


lines = st.lists(st.sampled_from(["loss 0.5", "12:00:00 x", "\r5%\r6%", "", "é", "x" * 50]), max_size=30)


@settings(max_examples=100, deadline=None)
@given(lines, st.integers(0, 29), st.integers(1, 60))
def test_the_first_changed_line_is_the_one_named(tmp_path_factory, content, at, chunk):
    """Whatever the size of what is read at once."""
    folder = tmp_path_factory.mktemp("lines")
    changed = list(content)
    if changed:
        changed[at % len(changed)] = "changed 77"
    a, b = (
        write_run(folder / n, Run(output={"stdout.txt": "\n".join(c).encode()}))
        for n, c in (("a", content), ("b", changed))
    )
    old, output._CHUNK = output._CHUNK, chunk
    try:
        found, _ = output_difference(a, b)
        again, _ = output_difference(a, a)
    finally:
        output._CHUNK = old
    assert again is None
    assert found.name == f"stdout line {at % len(changed) + 1}" if changed else found is None


def test_ids_of_the_runs_own_processes(make):
    def of(process: int, loss: int):
        record = make(Run(output={"stdout.txt": f"[{process}] epoch 1 loss {loss}\n".encode()}))
        (record.path / "watch").mkdir(exist_ok=True)
        (record.path / "watch" / f"{process}.json").write_text("{}")
        return record

    assert output_difference(of(4711, 1), of(4812, 1)) == (None, ["process ids"])
    found, _ = output_difference(of(4711, 4712), of(4812, 4812 + 1))
    assert found is not None
    assert output_difference(of(47, 1), of(48, 1))[0] is not None
