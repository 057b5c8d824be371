"""Masks hide what differs between equal runs, and never a number that means something."""

from __future__ import annotations

import datetime
import os
import re
import tempfile
import uuid

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reprotest.compare.masks import masked

HIDDEN = {
    "2024-01-31 09:15:00,123 INFO start": "2025-12-01 23:59:59,999 INFO start",
    "[2024-01-31T09:15:00.123456+00:00] done": "[2024-02-01T10:00:01.000001+00:00] done",
    "2024-01-31T09:15:00Z x": "2024-01-31T09:15:01Z x",
    "date 2024/01/31": "date 2024/02/01",
    "I0131 saved run_20240131-091500": "I0131 saved run_20240201-101010",
    "Wed Jan 31 09:15:00 2024": "Thu Feb  1 10:00:00 2024",
    "Wed Jan 31 09:15:00 UTC 2024": "Thu Feb  1 10:00:00 CET 2024",
    "31 Jan 2024": "1 Feb 2024",
    "Jan 31, 2024": "Feb 1, 2024",
    "datetime.datetime(2024, 1, 31, 9, 15)": "datetime.datetime(2024, 2, 1, 10, 0, 1, 5)",
    "I0000 00:00:1795727440.745962   23441 port.cc:153] oneDNN is on": "I0000 00:00:1795727451.971599 7 port.cc:153] oneDNN is on",
    "W20240131 09:15:00.123456 9876 tensorflow/core/x-y.cc:12] odd": "W20240201 10:16:01.654321 12 tensorflow/core/x-y.cc:12] odd",
    "09:15:00 step": "10:16:01 step",
    "elapsed: 0:00:12.345678": "elapsed: 0:01:13.000001",
    "9:15 PM": "10:01 AM",
    "Epoch 3 took 1.25s": "Epoch 3 took 2.5s",
    "done in 12.3 s": "done in 8.9 s",
    "done in 12.3 seconds.": "done in 9 seconds.",
    "1h 2m 3s": "2h 10m 59s",
    "2m3.5s": "11m8.1s",
    "took 1.5e-05 sec": "took 2.25e-05 sec",
    "250 ms, 3 µs": "110 ms, 5 µs",
    "total time: 12.5": "total time: 13.75",
    "train_time=3.25 loss=0.5": "train_time=4 loss=0.5",
    "{'train_runtime': 1.234, 'train_samples_per_second': 33.2, 'train_steps_per_second': 4.1, 'train_loss': 0.25}":
        "{'train_runtime': 9.87, 'train_samples_per_second': 12.0, 'train_steps_per_second': 1.5, 'train_loss': 0.25}",
    "step_time 0.12 data_time 0.03 eta 12": "step_time 0.15 data_time 0.01 eta 9",
    "ETA: 12.5": "ETA: 3",
    "100%|##########| 45/100 [00:12<00:15, 3.61it/s, loss=0.5]": "100%|##########| 45/100 [00:11<00:14, 3.99it/s, loss=0.5]",
    "50%|#####     | 1/2 [00:00<?, ?it/s]": "50%|#####     | 1/2 [00:01<?, ?it/s]",
    "12/12 ━━━━━━━━━━ 1s 12ms/step - loss: 0.25": "12/12 ━━━━━━━━━━ 0s 9ms/step - loss: 0.25",
    "1,234 samples/s": "999 samples/s",
    "33.1 tokens/sec, 12 MB/s, 120 fps": "3 tokens/sec, 9 MB/s, 60 fps",
    "tokens/sec: 1,815,145, it/s 14.70": "tokens/sec: 999, it/s 3",
    "Memory: 15.2 MB, peak 14576 KB, max_memory_allocated=3 GiB": "Memory: 9 MB, peak 14600 KB, max_memory_allocated=2.5 GiB",
    "wandb: runs/run-20240131_091500-k3x9ab1z": "wandb: runs/run-20240201_101010-9q8w7e6r",
    "Time  0.068 ( 0.071) Data 0.01 (0.02) Loss 2.30 (2.31)": "Time  0.512 ( 0.098) Data 0.02 (0.01) Loss 2.30 (2.31)",
    "pid 1234, ppid=77 (pid: 9)": "pid 99, ppid=1 (pid: 88888)",
    "process id 123": "process id 45",
    "run 6f1e1f60-5b8c-4bd0-b2fc-6fd1a3d2f7aa": "run 0e1e1f60-5b8c-4bd0-b2fc-6fd1a3d2f7bb",
    "INFO run 7f9097df90954afa968a6ea2c28081a7 on vm": "INFO run 49a25a9a3b0e4f8293d9f35982fae315 on vm",
    "run_id=7f9097df, loss 0.5": "run_id=0a1b2c3d4e, loss 0.5",
    "logging to runs/7f9097df": "logging to runs/0a1b2c3d",
    "{'id': '7f9097df'}": "{'id': '0a1b2c3d'}",
    "<Model object at 0x7f12ab34cd56>": "<Model object at 0x7f99ab34cd11>",
    "ptr 0x55d0ab34cd56": "ptr 0x562eab34cd11",
    "saved /tmp/tmpab12cd34/model.pt": "saved /tmp/tmpzz99yy88/model.pt",
    "saved '/home/ann/out/run1/model.pt'": "saved '/home/bob/work/out/run1/model.pt'",
    "file tmpab12cd34.txt": "file tmpzz99yy88.txt",
    "listening on 127.0.0.1:43125": "listening on 127.0.0.1:50111",
    "\x1b[32mok\x1b[0m": "ok",
}  # fmt: skip


@pytest.mark.parametrize("a", HIDDEN)
def test_what_is_hidden(a):
    text, kinds = masked(a)
    assert text == masked(HIDDEN[a])[0]
    assert kinds


SHOWN = [
    ("loss: 0.125", "loss: 0.25"),
    ("loss 0.125 acc 0.5", "loss 0.125 acc 0.75"),
    ("loss=0.125s", "loss=0.125"),
    ("Epoch 1/10", "Epoch 2/10"),
    ("step 100", "step 101"),
    ("timestep: 5", "timestep: 6"),
    ("time_steps=4", "time_steps=5"),
    ("lifetime 3", "lifetime 4"),
    ("min 0.5 max 0.9", "min 0.25 max 0.9"),
    ("0.5 min 0.25 max", "0.75 min 0.25 max"),
    ("loss 0.5 s 3", "loss 0.75 s 3"),
    ("sha256 3fa94be1", "sha256 3fa94be2"),
    ("checksum 0x3fa94be1c0ffee00", "checksum 0x3fa94be1c0ffee01"),
    ("weights 0x1.921fb54442d18p+1", "weights 0x1.921fb54442d19p+1"),
    ("d41d8cd98f00b204e9800998ecf8427e", "d41d8cd98f00b204e9800998ecf8427f"),
    ("valid 3fa94be1", "valid 3fa94be2"),
    ("run 20240131", "run 20240132"),
    ("exp 1e-05", "exp 1e-06"),
    ("accuracy 93.5%", "accuracy 94.5%"),
    ("ratio 3/4/5", "ratio 3/4/6"),
    ("score 12:34", "score 12:35"),
    ("[0.1, 0.2, 0.3]", "[0.1, 0.2, 0.4]"),
    ("tensor([[ 0.1250, -0.5000]])", "tensor([[ 0.1250, -0.5001]])"),
    ("version 1.2.3", "version 1.2.4"),
    ("1e-05", "1e-06"),
    ("saved /tmp/out/model_0.93.pt", "saved /tmp/out/model_0.94.pt"),
    ("100%|###| 45/100 [00:12<00:15, 3.6it/s, loss=0.5]", "100%|###| 45/100 [00:12<00:15, 3.6it/s, loss=0.6]"),
    ("took 3s loss 0.5", "took 3s loss 0.6"),
    ("perplexity 2024.5", "perplexity 2024.75"),
    ("mse 20240131", "mse 20240201"),
    ("seed 1234", "seed 4321"),
    ("5 hits", "6 hits"),
    ("size 3 m", "size 4 m"),
    ("Loss 2.30 (2.31)", "Loss 2.30 (2.32)"),
    ("took 3s (0.5)", "took 3s (0.6)"),
    ("val/s 0.5", "val/s 0.6"),
    ("memory 0.5", "memory 0.6"),
    ("2024-01-31 k3x9ab1z", "2024-01-31 k3x9ab1y"),
    ("word tmp", "word temp"),
    ("rank 0", "rank 1"),
    ("Process 1: 5", "Process 1: 6"),
    ("a/b/c", "a/b/d"),
    ("nan", "inf"),
]


@pytest.mark.parametrize(("a", "b"), SHOWN)
def test_what_is_not_hidden(a, b):
    assert masked(a)[0] != masked(b)[0]


METRICS = (
    "loss", "train_loss", "val/loss", "acc", "accuracy", "f1", "lr", "mse", "auc", "grad_norm", "perplexity", "score", "reward",
    "precision", "recall", "bleu", "epoch", "step", "iou", "mAP", "error", "kl", "entropy", "temperature", "sum", "mean", "std",
)  # fmt: skip
numbers = (
    st.floats(allow_nan=False, allow_infinity=False).map(repr)
    | st.integers(-(10**12), 10**12).map(str)
    | st.floats(0, 100).map("{:.4f}".format)
)
templates = st.sampled_from(
    (
        "{m}: {x}", "{m}={x}", "{m} {x}", "{m} = {x}, next", "'{m}': {x}}}", '"{m}": {x},', "[{x}, 1.0]", "({m}: {x})", "{m}\t{x}", "{m} is {x}.",
        "2024-01-31 09:15:00,123 - {m}: {x} (3.2s)", "Epoch 1 [{x}] {m}", "100%|##| 2/2 [00:01<00:00, 1.5it/s, {m}={x}]", "{m}: {x} | time: 3.25",
        "tensor({x}, dtype=torch.float64)", "| {m} | {x} |", "{m}: {x} - {m}: 0.5 - 12ms/step", "eta 0:01:02 {m}: {x} pid 77",
    )
)  # fmt: skip


@given(templates, st.sampled_from(METRICS), numbers, numbers)
def test_no_mask_hides_a_metric(template, metric, x, y):
    assume(x != y)
    assert masked(template.format(m=metric, x=x))[0] != masked(template.format(m=metric, x=y))[0]


@given(templates, st.sampled_from(METRICS), numbers)
def test_the_number_itself_is_still_there(template, metric, x):
    assert x in masked(template.format(m=metric, x=x))[0]


moments = st.datetimes(datetime.datetime(1990, 1, 1), datetime.datetime(2089, 1, 1))
FORMS = (
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%d %H:%M:%S,%f", "%Y/%m/%d %H:%M:%S", "%H:%M:%S", "%Y-%m-%d", "%a %b %d %H:%M:%S %Y",
    "%d %b %Y %H:%M:%S", "%b %d %H:%M:%S", "%Y%m%d-%H%M%S", "%Y%m%d_%H%M%S", "%Y-%m-%d_%H-%M-%S", "%I:%M:%S %p", "%d/%m/%Y", "%B %d, %Y",
)  # fmt: skip


@given(st.sampled_from(FORMS), moments, moments)
def test_moments_in_every_usual_form(form, a, b):
    line = "[{}] loss: 0.5".format
    assert masked(line(a.strftime(form)))[0] == masked(line(b.strftime(form)))[0]
    assert "loss: 0.5" in masked(line(a.strftime(form)))[0]


@given(
    st.timedeltas(datetime.timedelta(0), datetime.timedelta(hours=20)),
    st.timedeltas(datetime.timedelta(0), datetime.timedelta(hours=20)),
)
def test_durations_as_python_prints_them(a, b):
    for form in ("done in {}", "took {:.2f}s", "({:.3f} seconds)", "step_time={:.4f}", "{:.1f}ms/step", "{:.2f} it/s"):
        x, y = (form.format(d if form == "done in {}" else d.total_seconds()) for d in (a, b))
        assert masked(x)[0] == masked(y)[0]


@given(st.uuids(), st.uuids(), st.integers(1, 2**22), st.integers(1, 2**22))
def test_ids_of_every_kind(a, b, p, q):
    for form in ("id={u}", "run {u} pid {p}", "<C at {h}>"):
        x = form.format(u=a, p=p, h=hex(0x7F0000000000 + p))
        y = form.format(u=b, p=q, h=hex(0x7F0000000000 + q))
        assert masked(x)[0] == masked(y)[0]


def test_what_this_python_makes_up():
    def line():
        return f"{tempfile.mkdtemp(dir='/tmp')}/out.txt {uuid.uuid4()} {object()!r} pid={os.getpid()} {datetime.datetime.now()}"

    a, b = line(), line()
    assert a != b
    assert masked(a)[0] == masked(b)[0]
    for made in re.findall(r"/tmp/\w+", a + b):
        os.rmdir(made)


@given(st.text(max_size=200))
def test_any_text_is_masked_without_harm_and_once_is_enough(text):
    once, kinds = masked(text)
    if not kinds:
        assert once == text


def test_long_lines_take_time_in_proportion():
    """No pattern backtracks: a quarter of a megabyte of the worst is done in a moment."""
    for unit in (
        "1",
        "1:",
        "12:3",
        "a/",
        "train_",
        "a-",
        "/a",
        "1.",
        "1e",
        "tmp",
        "0x",
        "2024-",
        "Jan ",
        "1,234",
        "12 ",
        "time ",
        "_time",
        "\x1b[",
        "[1",
        "3h ",
    ):
        assert isinstance(masked(unit * (16384 // len(unit)))[0], str)
