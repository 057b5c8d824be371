"""Keeps passwords, tokens and keys out of records and reports.

A value is a secret when the name it is given to says so (`--hf-token X`, `WANDB_API_KEY=X`, `password: X`), when it
looks like nothing else (`hf_…`, `ghp_…`, a JSON web token, `https://user:password@host`), or when an environment
variable with such a name holds it. Imports the standard library only, so that the process under test can use it too.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence

MASK = "***"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ALWAYS = _words(
    "password passwd passphrase pwd secret secrets credential credentials apikey authkey authtoken "
    "accesskey secretkey privatekey"
)
_KEYS = _words("api access private secret auth signing encryption account storage shared")
_NOT_TOKENS = _words(
    "pad eos bos unk mask sep cls special start end stop begin image audio video text next prev per max "
    "min num n new first last prefix suffix padding mean sum eot sot nl"
)
"""What stands before "token" where machine learning means a symbol of the vocabulary, not a key."""
_ACCOUNTS = _words("db database user admin root smtp mail email redis mysql postgres pg proxy ftp ssh")
_DIRECTORIES = ("PWD", "OLDPWD")
"""Environment variables in which a shell keeps directories. Elsewhere, in an ODBC connection string say, PWD is a password."""
_ABOUT = _words("file path dir name id ids type length len count")
"""A last word that makes the name one of something else: `password_file`, `token_type`."""

_SHAPES = re.compile(
    r"""
    \b(?:
        hf_[A-Za-z0-9]{20,}
      | (?:ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{30,} | github_pat_\w{22,} | glpat-[\w-]{20,}
      | sk-[A-Za-z0-9_-]{20,} | xox[abprs]-[\w-]{10,} | (?:AKIA|ASIA)[A-Z0-9]{16} | AIza[\w-]{35}
      | eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*
    )
    """,
    re.VERBOSE,
)
_URL = re.compile(r"(?P<before>\b[a-z][a-z0-9+.-]*://[^\s/:@]*:)[^\s/@]+(?=@)", re.IGNORECASE)
_BEARER = re.compile(r"(?P<before>\b(?:bearer|basic)\s+)[A-Za-z0-9+/=._~-]{12,}", re.IGNORECASE)
_ASSIGNED = re.compile(
    r"""(?P<name>[A-Za-z_][\w.-]*)(?P<between>["']?\s*[=:]\s*)(?P<quote>["']?)(?P<value>[^\s"',;)}\]]+)(?P=quote)"""
)
_FLAG = re.compile(r"(?P<name>--?[A-Za-z_][\w.-]*)(?P<between>\s+)(?P<value>[^\s-]\S*)")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PLAIN = re.compile(r"(?:true|false|yes|no|on|off|none|null|auto|default)", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?", re.IGNORECASE)
_CODE = re.compile(r"[A-Za-z_][\w.]*[(\[]|(?:self|os|args|cfg|config)\.|\$|<")


def is_secret_name(name: str) -> bool:
    """Does an option, variable or key of this name hold a secret? `hf_token` does, `pad_token` does not."""
    words = [word.lower() for word in _WORD.findall(name)]
    if not words or words[-1] in _ABOUT:
        return False
    for before, word in zip(["", *words], words, strict=False):
        if word in _ALWAYS or word.endswith(("password", "passwd", "apikey")):
            return True
        if word == "key" and before in _KEYS:
            return True
    before = words[-2] if len(words) > 1 else ""
    match words[-1]:
        case "token":
            return before not in _NOT_TOKENS
        case "pass":
            return before in _ACCOUNTS
    return words[-1] in ("auth", "authorization")


def _is_secret_variable(name: str) -> bool:
    return name not in _DIRECTORIES and is_secret_name(name)


def mask_command(words: Sequence[str]) -> list[str]:
    """The words of a command line with secret values replaced: `--token X`, `--token=X`, `api_key=X`."""
    masked: list[str] = []
    hide_next = False
    for word in words:
        if hide_next and not word.startswith("-") and _hideable(word):
            masked.append(MASK)
            hide_next = False
            continue
        hide_next = False
        name, equals, value = word.partition("=")
        if equals and re.fullmatch(r"[+~-]*[A-Za-z_][\w.-]*", name) and is_secret_name(name):
            masked.append(f"{name}={MASK}" if _hideable(value) else word)
            continue
        hide_next = word.startswith("-") and not equals and is_secret_name(word)
        masked.append(mask_text(word, values=()))
    return masked


def mask_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Environment variables with secret values replaced."""
    return {
        name: MASK if value and _is_secret_variable(name) else mask_text(value, values=())
        for name, value in environment.items()
    }


def mask_text(text: str, values: Iterable[str] | None = None) -> str:
    """Free text (an error message, a line of source) with what is, or looks like, a secret replaced.

    Args:
        text: any text.
        values: secrets that are known and to be hidden wherever they stand; those of the environment when None.
    """
    for value in known_secrets() if values is None else values:
        text = text.replace(value, MASK)
    text = _SHAPES.sub(MASK, text)
    text = _URL.sub(rf"\g<before>{MASK}", text)
    text = _BEARER.sub(rf"\g<before>{MASK}", text)
    text = _mask_named(_ASSIGNED, text)
    return _mask_named(_FLAG, text)


def known_secrets(environment: Mapping[str, str] | None = None, command: Sequence[str] = ()) -> list[str]:
    """Values that are secret by their name, in the environment or a command line; longest first.

    Values shorter than 8 characters are left out: hiding them everywhere would hide ordinary words.
    """
    environment = os.environ if environment is None else environment
    found = {value for name, value in environment.items() if _is_secret_variable(name) and _hideable(value)}
    for before, word in zip(["", *command], command, strict=False):
        name, equals, value = word.partition("=")
        if equals and is_secret_name(name):
            found.add(value)
        elif before.startswith("-") and "=" not in before and is_secret_name(before) and not word.startswith("-"):
            found.add(word)
    return sorted((value for value in found if len(value) >= 8), key=len, reverse=True)


def _hideable(value: str) -> bool:
    """Not empty, not yes or no: `--use-auth-token true` says nothing secret."""
    return bool(value) and _PLAIN.fullmatch(value) is None


def _mask_named(pattern: re.Pattern[str], text: str) -> str:
    """Mask the values of secret names. After a harmless name the search goes on in its value: `KeyError: 'token=X'`."""
    parts = []
    at = 0
    while (match := pattern.search(text, at)) is not None:
        if _is_secret(match):
            parts += [text[at : match.start("value")], MASK, text[match.end("value") : match.end()]]
            at = match.end()
        else:
            parts.append(text[at : match.end("name")])
            at = match.end("name")
    return "".join(parts) + text[at:]


def _is_secret(match: re.Match[str]) -> bool:
    name, value = match["name"], match["value"]
    if not is_secret_name(name) or not _hideable(value):
        return False
    if name.startswith("-"):
        return True
    if not match["quote"] and _CODE.match(value):
        return False
    return not (_NUMBER.fullmatch(value) and "token" in name.lower())
