from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from reprotest.config import interpolate, read
from reprotest.config.environment import Environment
from reprotest.config.node import Mapping, plain

Load = Callable[..., Any]
Refused = Callable[..., str]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${model.depth}", 18),
        ("'${model.depth}'", 18),
        ("${model}", {"depth": 18, "name": "r${x}"}),
        ("${list}", [1, 2.5]),
        ("${list.1}", 2.5),
        ("${model.name}", "r${x}"),
        ("${alias.depth}", 18),
        ("${nothing}", None),
        ("${day}", datetime.date(2024, 1, 31)),
        ("run-${model.depth}-${nothing}", "run-18-"),
        ("${model.depth}${model.depth}", "1818"),
        ("${small}/x", "1e-3/x"),
        ("${NAME}", "value"),
        ("${ NAME }", "value"),
        ("${NUMBER}", 8),
        ("'${NUMBER}'", "8"),
        ("${FLAG}", False),
        ("${env:day}", "in the environment"),
        ("${UNSET:-3}", 3),
        ("'${UNSET:-3}'", "3"),
        ("${EMPTY:-x}", "x"),
        ("${UNSET:-}", None),
        ("a${UNSET:-}b", "ab"),
        ("${NAME:-x}", "value"),
        ("${UNSET:-${NAME}}", "value"),
        ("${UNSET:-${ALSO_UNSET:-${model.depth}}}", 18),
        ("${UNSET:-a${NAME}/b}", "avalue/b"),
        ("${UNSET:-http://x:80/}", "http://x:80/"),
        ("${no.such.key:-7}", 7),
        ("${nothing:-7}", 7),
        ("${lower}", "an environment variable too"),
        ("$${NAME}", "${NAME}"),
        ("a $${b} $$ $5 ${NAME}", "a ${b} $$ $5 value"),
        ("$NAME", "$NAME"),
        ("{x}", {"x": None}),
    ],
)
def test_references(text: str, value: object, load: Load) -> None:
    config = load(
        f"x: {text}\nmodel: {{depth: 18, name: 'r$${{x}}'}}\nalias: ${{model}}\nlist: [1, 2.5]\nnothing:\nday: 2024-01-31\nsmall: 1e-3",
        environ={
            "NAME": "value",
            "NUMBER": "8",
            "FLAG": "no",
            "EMPTY": "",
            "lower": "an environment variable too",
            "day": "in the environment",
        },
    )
    assert config.x == value
    assert type(config.x) is type(value) or isinstance(value, dict | list)


def test_the_configuration_comes_before_the_environment(load: Load) -> None:
    assert load("a: ${HOME}\nHOME: mine", environ={"HOME": "/root"}).a == "mine"


def test_a_key_may_be_named_like_its_variable(load: Load) -> None:
    assert load("NAME: ${NAME}\nin: {NAME: '${NAME}'}", environ={"NAME": "value"}) == {
        "NAME": "value",
        "in": {"NAME": "value"},
    }


def test_what_a_variable_holds_is_no_reference(load: Load) -> None:
    config = load("a: ${X}\nb: ${a}\nc: {d: '${X}'}\ne: ${c}\nf: ${e.d}", environ={"X": "${Y} $${Z}"})
    assert config == {
        "a": "${Y} $${Z}",
        "b": "${Y} $${Z}",
        "c": {"d": "${Y} $${Z}"},
        "e": {"d": "${Y} $${Z}"},
        "f": "${Y} $${Z}",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: ${b}\nb: ${c}\nc: ${a}", "c.yaml:1:4: references go in a circle: a → b → c → a"),
        ("a: {b: '${a}'}", "c.yaml:1:4: references go in a circle: a → a.b → a"),
        ("a: ${a.b}", "c.yaml:1:4: references go in a circle: a → a"),
        ("a: ${b.cc}\nb: {c: 1}", "c.yaml:1:4: ${b.cc}: no key cc under b; did you mean c?"),
        ("a: ${trainig.lr}\ntraining: {lr: 1}", "c.yaml:1:4: ${trainig.lr}: no key trainig; did you mean training?"),
        (
            "a: ${trainig}\ntraining: 1",
            "${trainig}: no key and no environment variable trainig; did you mean training?",
        ),
        ("a: ${l.2}\nl: [1, 2]", "c.yaml:1:4: ${l.2}: no key 2 under l"),
        ("a: x${b}\nb: [1]", "c.yaml:1:4: ${b} is a list, which can only be the whole of a value"),
        ("a: x${b}\nb: {c: 1}", "c.yaml:1:4: ${b} is a mapping, which can only be the whole of a value"),
        ("a: ${b", "c.yaml:1:4: '${b' is no reference: expected ${NAME}, ${other.key} or ${NAME:-default}"),
        ("a: x ${b:-${c}", "c.yaml:1:4: '${b:-${c}' is no reference"),
        ("a: ${}", "c.yaml:1:4: '${}' is no reference"),
        ("a: ${a b}", "c.yaml:1:4: '${a b}' is no reference"),
        ("a: ${N}", "c.yaml:1:4: a: 0123 reads as another number"),
    ],
)
def test_references_that_lead_nowhere(text: str, said: str, refused: Refused) -> None:
    assert said in refused(text, environ={"N": "0123"})


def test_a_long_chain(load: Load, refused: Refused) -> None:
    def chain(n: int) -> str:
        return "\n".join(f"k{i}: ${{k{i + 1}}}" for i in range(n)) + f"\nk{n}: 7"

    assert load(chain(20)).k0 == 7
    assert "more than 30 references that lead to each other" in refused(chain(5_000))


def test_references_that_nest_deeper_and_deeper(refused: Refused) -> None:
    nested = "{a: " * 60 + "1" + "}" * 60
    assert "nested more than 100 deep by references" in refused(
        f"x: {nested}\ny: {nested.replace('1', chr(34) + '${x}' + chr(34))}"
    )


def test_missing_variables_are_said_together(refused: Refused) -> None:
    message = refused(
        "a: ${ONE}\nb:\n  c: [x, '${TWO}/d']\n  e: ${ONE}", environ={}, required=["THREE", "TWO"], env_file=False
    )
    assert message.splitlines() == [
        "3 environment variables are not set:",
        "  ONE: needed by a (c.yaml:1:4), b.e (c.yaml:4:6)",
        "  THREE: needed by the program",
        "  TWO: needed by b.c.1 (c.yaml:3:10), the program",
        "Set them in the environment or in .env.",
    ]
    assert refused("a: ${ONE}", environ={"ONE": ""}).startswith(
        "1 environment variable is not set:\n  ONE: needed by a"
    )


def test_a_secret_stays_one_wherever_it_goes(load: Load) -> None:
    config = load(
        "url: https://me:${DB_PASSWORD}@host\nkey: ${API_KEY}\nagain: ${key}\nown: {password: abcdefgh}\ncopy: ${own.password}\n"
        "plain: ${PLAIN}",
        environ={"DB_PASSWORD": "0123", "API_KEY": "abc", "PLAIN": "text"},
    )
    assert config.url.get_secret_value() == "https://me:0123@host"
    assert config.key.get_secret_value() == config.again.get_secret_value() == "abc"
    assert isinstance(config["copy"], SecretStr)
    assert config.plain == "text"
    for secret in ("0123", "abc", "abcdefgh"):
        assert secret not in repr(config)


@given(st.text(max_size=30), st.dictionaries(st.sampled_from(["A", "b", "C_KEY"]), st.text(max_size=10)))
def test_text_without_a_reference_stays_as_it_is(text: str, environ: dict[str, str]) -> None:
    escaped = text.replace("${", "$${")
    node = read.unquoted("x", read.Mark("t"))
    node.value = node.text = escaped
    root = Mapping({"k": node}, node.mark)
    if "$$${" in escaped:  # "$" before an escape
        return
    assert plain(interpolate.resolve(root, Environment(False, environ))) == {"k": text}
