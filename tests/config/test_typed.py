from __future__ import annotations

import datetime
import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import pytest
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic.dataclasses import dataclass as pydantic_dataclass
from typing_extensions import TypedDict

Load = Callable[..., Any]
Refused = Callable[..., str]


class Kind(enum.Enum):
    ADAM = "adam"
    SGD = "sgd"


class Training(BaseModel):
    lr: float
    epochs: int = 3
    amp: bool = False
    kind: Kind = Kind.ADAM
    betas: tuple[float, float] = (0.9, 0.999)
    steps: Annotated[int, Field(ge=1)] | None = None

    @field_validator("epochs")
    @classmethod
    def _not_thirteen(cls, epochs: int) -> int:
        if epochs == 13:
            raise ValueError("13 epochs bring bad luck")
        return epochs


class Config(BaseModel):
    seed: int
    training: Training
    country: str = "de"
    flag: Literal["no", "yes"] = "no"
    version: str = "1"
    out: Path = Path("out")
    day: datetime.date | None = None
    either: int | str = 0
    token: SecretStr | None = None
    weights: dict[str, float] = {}
    stages: list[Training] = []
    anything: Any = None


BASE = "seed: 1\ntraining:\n  lr: 1e-3\n"


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("", "training.lr", 0.001),
        ("country: no", "country", "no"),
        ("country: 12:30", "country", "12:30"),
        ("country: 007", "country", "007"),
        ("flag: no", "flag", "no"),
        ("version: 1.10", "version", "1.10"),
        ("version: 1e3", "version", "1e3"),
        ("version: 2024-01-31", "version", "2024-01-31"),
        ("out: 2024", "out", Path("2024")),
        ("day: 2024-01-31", "day", datetime.date(2024, 1, 31)),
        ("either: no", "either", "no"),
        ("either: 7", "either", 7),
        ("either: '7'", "either", "7"),
        ("weights: {1: 2, no: 1e-3, 0.5: 1}", "weights", {"1": 2.0, "no": 0.001, "0.5": 1.0}),
        ("anything: [no, 1.10]", "anything", [False, 1.1]),
        ("stages: [{lr: 0o7, kind: sgd}]", "stages", [Training(lr=7, kind=Kind.SGD)]),
    ],
)
def test_the_type_is_the_models(text: str, path: str, value: object, load: Load) -> None:
    found = load(BASE + text, Config)
    for part in path.split("."):
        found = getattr(found, part)
    assert found == value
    assert type(found) is type(value)


def test_a_variables_text_has_the_models_type(load: Load) -> None:
    config = load(
        "seed: '${SEED}'\ntraining: {lr: '${LR}', amp: '${AMP:-yes}', epochs: '${EPOCHS:-5}'}\nversion: ${V}\ntoken: ${HF_TOKEN}",
        Config,
        environ={"SEED": "7", "LR": "1e-3", "V": "1.10", "HF_TOKEN": "0123"},
    )
    assert (config.seed, config.training.lr, config.training.amp, config.training.epochs) == (7, 0.001, True, 5)
    assert config.version == "1.10"
    assert config.token.get_secret_value() == "0123"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seed: x\ntraining: {lr: 1}", "c.yaml:1:7: seed is 'x': expected a whole number"),
        ("seed: 1.5\ntraining: {lr: 1}", "c.yaml:1:7: seed is 1.5: expected a whole number"),
        ("seed: yes\ntraining: {lr: 1}", "c.yaml:1:7: seed is yes: expected a whole number"),
        ("seed: 017\ntraining: {lr: 1}", "c.yaml:1:7: seed: 017 reads as another number in YAML 1.1 than in 1.2"),
        ("seed: null\ntraining: {lr: 1}", "c.yaml:1:7: seed is null: expected a whole number"),
        ("seed: [1]\ntraining: {lr: 1}", "c.yaml:1:7: seed is a list: expected a whole number"),
        ("seed: 1\ntraining:\n  lr: true", "c.yaml:3:7: training.lr is true: expected a number"),
        ("seed: 1\ntraining: 5", "c.yaml:2:11: training is 5: expected keys and values"),
        ("seed: 1", "c.yaml:1:1: training is missing"),
        ("seed: 1\ntraining:\n  epochs: 3", "c.yaml:3:3: training.lr is missing"),
        (BASE + "  kind: adamw", "c.yaml:4:9: training.kind is 'adamw': expected 'adam' or 'sgd'"),
        (BASE + "  amp: maybe", "c.yaml:4:8: training.amp is 'maybe': expected true or false"),
        (BASE + "  steps: 0", "c.yaml:4:10: training.steps is 0: expected greater than or equal to 1"),
        (BASE + "  epochs: 13", "c.yaml:4:11: training.epochs is 13: 13 epochs bring bad luck"),
        (BASE + "  betas: [0.9]", "c.yaml:4:10: training.betas.1 is missing"),
        (BASE + "  lrr: 1", "c.yaml:4:3: unknown key training.lrr; did you mean lr?"),
        (BASE + "zzz: 1", "c.yaml:4:1: unknown key zzz; known keys are anything, country"),
        (BASE + "either: [1]", "c.yaml:4:9: either is a list: expected a whole number or text"),
        (BASE + "weights: {a: b}", "c.yaml:4:14: weights.a is 'b': expected a number"),
        (BASE + "stages:\n  - lr: 1\n  - lr: x", "c.yaml:6:9: stages.1.lr is 'x': expected a number"),
        (BASE + "stages:\n  - lr: 1\n    epoch: 2", "c.yaml:6:5: unknown key stages.0.epoch; did you mean epochs?"),
        ("seed: &s x\ntraining: {lr: *s}", "c.yaml:1:7: seed is 'x': expected a whole number"),
        ("seed: 1\ntraining: {lr: '${LR}'}", "c.yaml:2:16: training.lr is 'fast', from ${LR}: expected a number"),
        (
            "seed: ${training.name}\ntraining: {lr: 1, name: x}",
            "c.yaml:1:7: seed is 'x', from ${training.name}: expected a",
        ),
    ],
)
def test_errors_name_the_place(text: str, said: str, refused: Refused) -> None:
    assert said in refused(text, Config, environ={"LR": "fast"})


def test_all_errors_come_at_once_in_the_order_of_the_file(refused: Refused) -> None:
    assert refused("training:\n  amp: maybe\n  lr: true\nsed: 1\ncountry: [1]", Config).splitlines() == [
        "5 things are wrong with the configuration:",
        "  c.yaml:1:1: seed is missing",
        "  c.yaml:2:8: training.amp is 'maybe': expected true or false",
        "  c.yaml:3:7: training.lr is true: expected a number",
        "  c.yaml:4:1: unknown key sed; did you mean seed?",
        "  c.yaml:5:10: country is a list: expected text",
    ]
    many = refused("\n".join(f"k{n}: 1" for n in range(100)), Config)
    assert many.endswith("… and 82 more")


@pytest.mark.parametrize(
    "text",
    [
        "seed: 1\ntraining: {lr: 1}\ntoken: [hunter2secret]",
        "seed: hunter2secret\ntraining: {lr: 1}\ntoken: ${HF_TOKEN}",
        "seed: ${HF_TOKEN}\ntraining: {lr: 1}",
        "seed: 1\ntraining: {lr: 1}\npassword: hunter2secret",
        "seed: x${HF_TOKEN}\ntraining: {lr: 1}",
    ],
)
def test_no_message_shows_a_secret(text: str, refused: Refused) -> None:
    assert "hunter2" not in refused(text, Config, environ={"HF_TOKEN": "hunter2secret"})


class Door(BaseModel):
    code: SecretStr = Field(SecretStr("abcdef"), min_length=5)
    plain: str = ""

    @field_validator("plain")
    @classmethod
    def _short(cls, plain: str) -> str:
        raise ValueError(f"{plain} is wrong")


def test_no_validators_message_shows_a_secret(refused: Refused) -> None:
    message = refused("code: hun2\nplain: ${MY_TOKEN}", Door, environ={"MY_TOKEN": "hunter2secret"})
    assert "code is ***" in message
    assert "hun2" not in message
    assert "plain is ***, from ${MY_TOKEN}: *** is wrong" in message


@dataclass(frozen=True)
class Inner:
    x: int = 1
    names: list[str] = field(default_factory=list)


@dataclass
class Outer:
    inner: Inner
    by_name: dict[str, Inner] = field(default_factory=dict)
    ready: bool = field(default=False, init=False)


@pydantic_dataclass
class Checked:
    x: int
    inner: Inner | None = None


class Pair(NamedTuple):
    first: int
    second: str


class Table(TypedDict):
    x: int
    pair: Pair


def test_dataclasses_and_their_like(load: Load, refused: Refused) -> None:
    config = load("inner: {x: 2, names: [a, no]}\nby_name: {b: {}}", Outer)
    assert config == Outer(Inner(2, ["a", "no"]), {"b": Inner()})
    assert refused("inner: {y: 2}", Outer) == "c.yaml:1:9: unknown key inner.y; known keys are names, x"
    assert refused("inner: {}\nby_name:\n  b:\n    name: [a]", Outer) == (
        "c.yaml:4:5: unknown key by_name.b.name; did you mean names?"
    )
    assert "2:1: unknown key ready" in refused("inner: {}\nready: true", Outer)
    assert load("x: 3\ninner: {x: 4}", Checked) == Checked(3, Inner(4))
    assert "did you mean inner" in refused("x: 3\niner: {x: 4}", Checked)
    assert load("x: 1\npair: [1, no]", Table) == {"x": 1, "pair": Pair(1, "no")}
    assert "unknown key y" in refused("x: 1\npair: [1, a]\ny: 2", Table)
    assert load("a: {x: 5}", dict[str, Inner]) == {"a": Inner(5)}


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    x: int = 0


class Careless(BaseModel):
    model_config = ConfigDict(extra="ignore")
    x: int = 0


class Mixed(BaseModel):
    open: Open = Open()
    careless: Careless = Careless()
    closed: Training | None = None


def test_a_model_may_say_explicitly_that_it_takes_other_keys(load: Load, refused: Refused) -> None:
    config = load("open: {x: 1, more: 3}\ncareless: {y: 1}", Mixed)
    assert config.open.more == 3
    assert config.careless == Careless()
    message = refused("open: {x: 1, more: 3}\nclosed: {lr: 1, lrr: 2}\nnot: 3", Mixed)
    assert message.splitlines()[1:] == [
        "  c.yaml:2:17: unknown key closed.lrr; did you mean lr?",
        "  c.yaml:3:1: unknown key not; known keys are careless, closed, open",
    ]


class Adam(BaseModel):
    kind: Literal["adam"] = "adam"
    lr: float
    beta: float = 0.9


class Sgd(BaseModel):
    kind: Literal["sgd"] = "sgd"
    lr: float
    momentum: float = 0.0


class Unions(BaseModel):
    plain: Adam | Sgd | None = None
    tagged: Annotated[Adam | Sgd, Field(discriminator="kind")] | None = None


def test_unions_of_models(load: Load, refused: Refused) -> None:
    assert load("plain: {lr: 1, momentum: 0.5}", Unions).plain == Sgd(lr=1, momentum=0.5)
    assert load("tagged: {kind: sgd, lr: 1}", Unions).tagged == Sgd(lr=1)
    assert refused("tagged: {kind: sgd, lr: x}", Unions) == "c.yaml:1:25: tagged.lr is 'x': expected a number"
    assert "unknown key tagged.beta" in refused("tagged: {kind: sgd, lr: 1, beta: 2}", Unions)
    assert "expected" in refused("tagged: {kind: lion, lr: 1}", Unions)


class Aliased(BaseModel):
    rate: float = Field(alias="learning-rate")
    size: int = Field(1, validation_alias=AliasChoices("batch_size", "bs"))


def test_aliases(load: Load, refused: Refused) -> None:
    assert load("learning-rate: 0.5\nbs: 4", Aliased).size == 4
    assert "did you mean learning-rate?" in refused("learning-rate: 1\nlearning_rate: 2", Aliased)
    assert "learning-rate is missing" in refused("rate: 1", Aliased)


def test_what_is_no_model(refused: Refused) -> None:
    class Strange:
        pass

    @dataclass
    class Holder:
        x: Strange

    assert "cannot be the model of a configuration" in refused("x: 1", Holder)
