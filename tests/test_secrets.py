from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprotest.secrets import MASK, is_secret_name, known_secrets, mask_command, mask_environment, mask_text


@pytest.mark.parametrize(
    "name",
    [
        "token",
        "--hf-token",
        "HF_TOKEN",
        "hub.api_key",
        "openaiApiKey",
        "WANDB_API_KEY",
        "AWS_SECRET_ACCESS_KEY",
        "password",
        "PGPASSWORD",
        "DB_PASS",
        "use_auth_token",
        "Authorization",
        "client_secret",
        "storage.account_key",
    ],
)
def test_secret_names(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "tokenizer",
        "max_tokens",
        "pad_token",
        "eos_token_id",
        "token_type_ids",
        "num_tokens",
        "--max-token",
        "key",
        "sort_key",
        "author",
        "keyword",
        "password_file",
        "compass",
        "passes",
        "n_pass",
        "monkey",
        "seed",
    ],
)
def test_names_of_ordinary_training_options_are_not_secret(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("given_words", "masked"),
    [
        ("train.py --token abc --lr 0.1", "train.py --token *** --lr 0.1"),
        ("train.py --token=abc --lr=0.1", "train.py --token=*** --lr=0.1"),
        ("train.py hub.api_key=zzz +db.password=1", "train.py hub.api_key=*** +db.password=***"),
        ("train.py --pad-token <pad> --max-tokens 512", "train.py --pad-token <pad> --max-tokens 512"),
        ("train.py --use-auth-token true --seed 1", "train.py --use-auth-token true --seed 1"),
        ("train.py --password --seed 1", "train.py --password --seed 1"),
        ("train.py --db postgres://me:pw@host/x", "train.py --db postgres://me:***@host/x"),
        ("train.py hf_abcdefghijklmnopqrstuvwxyz012345", "train.py ***"),
    ],
)
def test_command_lines(given_words: str, masked: str) -> None:
    assert mask_command(given_words.split()) == masked.split()


@given(
    value=st.text(st.characters(min_codepoint=48, max_codepoint=122, categories=["L", "N"]), min_size=6).map(
        "q!".__add__
    ),
    name=st.sampled_from(["--token", "--api-key", "--db.password", "--hf_token", "-secret"]),
    lead=st.lists(st.sampled_from(["train.py", "--lr", "0.1", "-m"])),
)
def test_a_named_secret_never_survives(value: str, name: str, lead: list[str]) -> None:
    separate = mask_command([*lead, name, value])
    joined = mask_command([*lead, f"{name}={value}"])
    assert len(separate) == len(lead) + 2
    assert len(joined) == len(lead) + 1
    assert value not in separate
    assert not any(value in word for word in joined)
    assert value not in mask_text(f"error: {name} {value} refused")
    assert value not in mask_text(f"{name.lstrip('-')}: {value}")


@given(st.text())
def test_masking_text_twice_changes_nothing_more(text: str) -> None:
    once = mask_text(text, values=())
    assert mask_text(once, values=()) == once


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Authorization: Bearer abcdefghijklmnop", "Authorization: *** ***"),
        ('api_key = "sk-abcdefghijklmnopqrstuvw"', 'api_key = "***"'),
        ('{"password": "hunter2", "lr": 1}', '{"password": "***", "lr": 1}'),
        ("token = tokenizer.encode(text)", "token = tokenizer.encode(text)"),
        ("KeyError: 'token=abc'", "KeyError: 'token=***'"),
        ("AssertionError: token=17", "AssertionError: token=17"),
        ("password = os.environ['PW']", "password = os.environ['PW']"),
    ],
)
def test_text(text: str, masked: str) -> None:
    assert mask_text(text, values=()) == masked


def test_secrets_of_the_environment_are_hidden_wherever_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "0123456789abcdef")
    assert mask_text("login failed for 0123456789abcdef") == f"login failed for {MASK}"


def test_known_secrets_come_from_names_and_short_ones_are_left_out() -> None:
    environment = {"HF_TOKEN": "long-enough", "PASSWORD": "abc", "HOME": "/home/somebody"}
    assert known_secrets(environment, ["--token", "from-the-call", "--seed", "12345678"]) == [
        "from-the-call",
        "long-enough",
    ]


def test_the_working_directory_is_no_secret_of_the_environment() -> None:
    environment = {"PWD": "/home/somebody/training", "OLDPWD": "/home/somebody"}
    assert known_secrets(environment) == []
    assert mask_environment(environment) == environment
    assert mask_text("Uid=sa;PWD=hunter22", values=()) == f"Uid=sa;PWD={MASK}"


def test_environment() -> None:
    assert mask_environment({"HF_TOKEN": "x", "EMPTY_TOKEN": "", "SEED": "1", "DB": "http://u:p@h"}) == {
        "HF_TOKEN": MASK,
        "EMPTY_TOKEN": "",
        "SEED": "1",
        "DB": "http://u:***@h",
    }
