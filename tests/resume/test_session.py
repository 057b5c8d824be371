"""Real trainings, stopped and resumed in fresh processes."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from tests.documents import checked

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(__file__).parent / "programs"


def resume(tmp_path: Path, *arguments: str, program: str = "train") -> tuple[int, dict[str, Any], str]:
    """Run the verb in a folder with the program; exit code, document, standard error."""
    shutil.copy(PROGRAMS / f"{program}.py", tmp_path / "train.py")
    command = [sys.executable, "-m", "reprotest", "resume", "--quiet", "--json", "-", *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    document = checked(done.stdout) if done.stdout else {}
    assert document or done.returncode == 2, done.stderr
    return done.returncode, document, done.stderr


def halves(second: str) -> list[str]:
    return ["--full", "train.py", "--first", "train.py --epochs 1", "--second", f"train.py --resume {second}"]


def test_a_script_that_saves_everything_resumes_exactly_and_leaves_no_trace(tmp_path: Path) -> None:
    (tmp_path / "last.pt").write_bytes(b"the user's own checkpoint of a long training")
    code, document, _ = resume(tmp_path, *halves(""))
    assert (code, document["verdict"]) == (0, "identical"), document
    assert (document["steps"], document["resumed_at"], document["compared"]) == (8, 4, 4)
    assert document["first_difference"] is None
    assert all((tmp_path / record / "seal.json").exists() for record in document["records"])
    assert (tmp_path / "last.pt").read_bytes() == b"the user's own checkpoint of a long training"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".reprotest", "last.pt", "train.py"]


def test_everything_that_was_lost_at_once_is_named_and_proven(tmp_path: Path) -> None:
    code, document, _ = resume(tmp_path, *halves("--lose torch,numpy,optimizer,scheduler,buffers"))
    assert (code, document["verdict"]) == (1, "different"), document
    lost = {cause["detail"]: cause["proven"] for cause in document["causes"]}
    assert lost == dict.fromkeys(["torch.random", "numpy.random", "optimizer", "scheduler", "buffers"], True)
    assert {cause["factor"] for cause in document["causes"]} == {"checkpoint.state"}
    assert document["first_difference"]["step"] == 4


def test_a_command_that_fails_is_an_error_of_its_own(tmp_path: Path) -> None:
    code, document, _ = resume(tmp_path, "--full", "train.py", "--first", "train.py --epochs 1", "--second", "train.py --no-such-option")  # fmt: skip
    assert (code, document["verdict"]) == (3, "error")
    assert "second command exited with code 2" in document["error"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--full", "train.py", "--first", "train.py"], "--first and --second belong together"),
        (["--full", "train.py", "train.py"], "either --full CMD or COMMAND"),
        (["--full", "train.py 'half"], "cannot split --full"),
        ([], "no command to run"),
    ],
)
def test_wrong_usage_says_what_is_right(tmp_path: Path, arguments: list[str], said: str) -> None:
    code, _, problem = resume(tmp_path, *arguments)
    assert code == 2
    assert said in problem


def details(document: dict[str, Any]) -> dict[str, bool]:
    return {cause["detail"]: cause["proven"] for cause in document["causes"]}


def test_an_average_of_the_weights_is_state_too(tmp_path: Path) -> None:
    arguments = ["--full", "train.py", "--first", "train.py --half", "--second", "train.py --resume"]
    _, document, _ = resume(tmp_path, *arguments, program="teacher")
    assert details(document) == {"buffers": True}, document
    assert "teacher.0.weight" in document["causes"][0]["evidence"]


@pytest.mark.parametrize(
    ("lose", "expected"),
    [
        ("", set()),
        ("numpy", {"numpy.random"}),
        ("python", {"python.random"}),
        ("optimizer,numpy", {"optimizer", "numpy.random"}),
        ("average", {"buffers"}),
    ],
)
def test_a_loop_of_numpy_is_compared_by_what_it_saves(tmp_path: Path, lose: str, expected: set[str]) -> None:
    second = f"train.py --resume --lose {lose}," if lose else "train.py --resume"
    arguments = ["--full", "train.py", "--first", "train.py --until 10", "--second", second]
    code, document, _ = resume(tmp_path, *arguments, program="numpy_loop")
    assert (code, document["steps"], document["resumed_at"]) == (int(bool(lose)), 4, 2), document
    assert details(document) == dict.fromkeys(expected, True)


def test_what_is_saved_at_the_end_alone_is_compared_there(tmp_path: Path) -> None:
    source = """
        import sys
        import numpy as np
        np.random.seed(3)
        weights, steps = np.zeros(3), range(40)
        if "--half" in sys.argv:
            steps = range(20)
        if "--rest" in sys.argv:
            weights, steps = np.load("weights.npy"), range(20, 40)
        for step in steps:
            weights += 0.1 * np.random.randn(3)
        np.save("weights.npy", weights)
        """
    (tmp_path / "ends.py").write_text(textwrap.dedent(source))
    _, document, _ = resume(tmp_path, "--full", "ends.py", "--first", "ends.py --half", "--second", "ends.py --rest")
    assert details(document) == {"numpy.random": True}, document


def test_a_scaler_that_is_fitted_in_passing_is_state_of_partial_fit(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    source = """
        import sys
        import joblib, numpy as np
        from sklearn.linear_model import SGDRegressor
        from sklearn.preprocessing import StandardScaler
        rows = np.random.default_rng(0).normal(3, 2, size=(60, 3))
        scaler, model, begin, end = StandardScaler(), SGDRegressor(random_state=0), 0, 4
        if "--half" in sys.argv:
            end = 2
        if "--rest" in sys.argv:
            model, begin = joblib.load("model.joblib")
        for part in range(begin, end):
            chunk = rows[15 * part : 15 * part + 15]
            model.partial_fit(scaler.partial_fit(chunk).transform(chunk), chunk.sum(axis=1))
            joblib.dump((model, part + 1), "model.joblib")
        """
    (tmp_path / "parts.py").write_text(textwrap.dedent(source))
    _, document, _ = resume(tmp_path, "--full", "parts.py", "--first", "parts.py --half", "--second", "parts.py --rest")
    assert details(document) == {"buffers": True}, document
    assert "scaler.mean_" in document["causes"][0]["evidence"]


def test_velocity_beside_tensors_that_are_updated_by_hand(tmp_path: Path) -> None:
    source = """
        import sys
        import torch
        torch.manual_seed(0)
        rows = torch.randn(50, 3)
        weights, velocity, begin, end = torch.zeros(3, requires_grad=True), {"weights": torch.zeros(3)}, 0, 12
        if "--half" in sys.argv:
            end = 6
        if "--rest" in sys.argv:
            saved = torch.load("last.pt")
            begin = saved["step"]
            if "--all" in sys.argv:
                velocity = saved["velocity"]
            with torch.no_grad():
                weights.copy_(saved["weights"])
        for step in range(begin, end):
            (rows @ weights - rows.sum(1)).pow(2).mean().backward()
            with torch.no_grad():
                velocity["weights"] = 0.9 * velocity["weights"] + weights.grad
                weights -= 0.05 * velocity["weights"]
                weights.grad = None
            torch.save({"weights": weights.detach(), "velocity": velocity, "step": step + 1}, "last.pt")
        """
    (tmp_path / "hand.py").write_text(textwrap.dedent(source))
    halves = ["--full", "hand.py", "--first", "hand.py --half", "--second"]
    code, document, _ = resume(tmp_path, *halves, "hand.py --rest --all")
    assert (code, document["resumed_at"], document["steps"]) == (0, 6, 12), document
    _, document, _ = resume(tmp_path, *halves, "hand.py --rest")
    assert details(document) == {"optimizer": True}, document


def test_keras_resumes_from_a_model_but_not_from_its_weights(tmp_path: Path) -> None:
    pytest.importorskip("keras")
    halves = ["--full", "train.py", "--first", "train.py --half", "--second"]
    code, document, _ = resume(tmp_path, *halves, "train.py --resume", program="keras_fit")
    assert (code, document["resumed_at"], document["compared"]) == (0, 4, 4), document
    _, document, _ = resume(tmp_path, *halves, "train.py --resume --weights", program="keras_fit")
    assert details(document) == {"optimizer": True}, document


def test_a_stop_between_two_steps_is_told(tmp_path: Path) -> None:
    """Gradients that were added up so far are in no checkpoint. The checkpoint is saved in the middle of a step."""
    source = """
        import sys
        import torch
        torch.manual_seed(0)
        rows = torch.randn(36, 4)
        model = torch.nn.Linear(4, 1)
        optimizer = torch.optim.SGD(model.parameters(), 0.05)
        begin, end = 0, 6 if "--half" in sys.argv else 12
        if "--rest" in sys.argv:
            saved = torch.load("last.pt")
            model.load_state_dict(saved["model"])
            begin = saved["number"]
        for number in range(begin, end):
            (model(rows[3 * number : 3 * number + 3]) - 1).pow(2).mean().backward()
            if number % 4 == 3:
                optimizer.step()
                optimizer.zero_grad()
            if number == 5:
                torch.save({"model": model.state_dict(), "number": number + 1}, "last.pt")
        """
    (tmp_path / "adds.py").write_text(textwrap.dedent(source))
    halves = ["--full", "adds.py", "--first", "adds.py --half", "--second", "adds.py --rest"]
    code, document, _ = resume(tmp_path, *halves)
    assert (code, document["causes"], document["unobserved"]) == (1, [], []), document
    assert "in the middle of an accumulation" in document["first_difference"]["note"]


def test_a_variable_that_is_used_before_the_forward_pass_is_put_back_in_time(tmp_path: Path) -> None:
    """Where the training begins on resuming differs, too, but belongs to the commands: it is not blamed."""
    source = """
        import sys
        import torch

        class Curriculum:
            difficulty = 0.1

        def main():
            torch.manual_seed(0)
            rows, curriculum = torch.randn(20, 3), Curriculum()
            model = torch.nn.Linear(3, 1)
            optimizer = torch.optim.SGD(model.parameters(), 0.05)
            start, end = 0, 2 if "--half" in sys.argv else 4
            if "--rest" in sys.argv:
                saved = torch.load("last.pt")
                model.load_state_dict(saved["model"])
                optimizer.load_state_dict(saved["optimizer"])
                start = saved["epoch"]
            for epoch in range(start, end):
                for batch in rows.split(5):
                    loss = (model(batch * curriculum.difficulty) - batch.sum(1, keepdim=True)).pow(2).mean()
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                curriculum.difficulty *= 2
                torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch + 1}, "last.pt")

        main()
        """
    (tmp_path / "grow.py").write_text(textwrap.dedent(source))
    _, document, _ = resume(tmp_path, "--full", "grow.py", "--first", "grow.py --half", "--second", "grow.py --rest")
    assert details(document) == {"scheduler": True}, document
    assert document["causes"][0]["variables"] == "curriculum.difficulty"
    assert "curriculum.difficulty" in document["causes"][0]["fix"]


@pytest.mark.parametrize(
    ("augment", "detail", "variables"),
    [
        ("self.random.random()", "python.random", ""),
        ("self.scale", "scheduler", "loader.collate_fn.scale"),
    ],
)
def test_what_makes_a_batch_is_looked_into_wherever_it_is(
    tmp_path: Path, augment: str, detail: str, variables: str
) -> None:
    """A trainer holds the loader with its parts, not the program."""
    source = f"""
        import random, sys
        import torch
        from torch.utils.data import DataLoader

        class Collate:
            def __init__(self):
                self.random, self.scale = random.Random(3), 1.0

            def __call__(self, rows):
                return torch.stack(rows) * {augment}

        torch.manual_seed(0)
        loader = DataLoader(list(torch.randn(20, 3)), batch_size=5, collate_fn=Collate())
        model = torch.nn.Linear(3, 1)
        optimizer = torch.optim.SGD(model.parameters(), 0.05)
        start, end = 0, 2 if "--half" in sys.argv else 4
        if "--rest" in sys.argv:
            saved = torch.load("last.pt")
            model.load_state_dict(saved["model"])
            start = saved["epoch"]
        for epoch in range(start, end):
            for batch in loader:
                loss = model(batch).pow(2).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            loader.collate_fn.scale *= 1.5
            torch.save({{"model": model.state_dict(), "epoch": epoch + 1}}, "last.pt")
        """
    (tmp_path / "made.py").write_text(textwrap.dedent(source))
    _, document, _ = resume(tmp_path, "--full", "made.py", "--first", "made.py --half", "--second", "made.py --rest")
    assert details(document) == {detail: True}, document
    assert document["causes"][0].get("variables", "") == variables


def test_jax_and_optax(tmp_path: Path) -> None:
    """Their arrays cannot be changed in place, and lie in tuples: these are replaced."""
    pytest.importorskip("optax")
    source = """
        import sys
        import jax, jax.numpy as jnp, numpy as np, optax
        rows = jax.random.normal(jax.random.key(1), (12, 3))
        optimizer, params, key, start = optax.adam(0.05), {"layer": {"w": jnp.zeros(3)}}, jax.random.key(0), 0
        end = 2 if "--half" in sys.argv else 4
        if "--rest" in sys.argv:
            saved = np.load("last.npz")
            params, start = {"layer": {"w": jnp.asarray(saved["w"])}}, int(saved["epoch"])
        state = optimizer.init(params)

        @jax.jit
        def step(params, state, key):
            noisy = rows + 0.1 * jax.random.normal(key, rows.shape)
            loss, grads = jax.value_and_grad(lambda p: jnp.mean((noisy @ p["layer"]["w"] - rows.sum(1)) ** 2))(params)
            updates, state = optimizer.update(grads, state)
            return optax.apply_updates(params, updates), state, loss

        for epoch in range(start, end):
            for _ in range(3):
                key, now = jax.random.split(key)
                params, state, loss = step(params, state, now)
            np.savez("last.npz", w=np.asarray(params["layer"]["w"]), epoch=epoch + 1)
        """
    (tmp_path / "pure.py").write_text(textwrap.dedent(source))
    _, document, _ = resume(tmp_path, "--full", "pure.py", "--first", "pure.py --half", "--second", "pure.py --rest")
    assert details(document) == {"optimizer": True, "buffers": True}, document
    told = {cause["detail"]: cause["variables"] for cause in document["causes"]}
    assert told["buffers"] == "key"
    assert "state[0].mu['layer']['w']" in told["optimizer"]
