"""Which pinned files a build needs: read from the derivations themselves, so that there is no second list."""

import ast
import json
from dataclasses import dataclass
from pathlib import Path

from errors import run

SYSTEM = "x86_64-linux"
NIX = ("nix", "--extra-experimental-features", "nix-command flakes")


@dataclass(frozen=True)
class Pin:
    """One file: `path` is where it belongs in the store; `facts` is the `pin` attribute (see pin.nix)."""

    path: str
    kind: str
    file: str
    sha256: str
    facts: dict

    @property
    def name(self):
        return self.facts.get("name") or self.facts.get("package") or self.file

    @property
    def version(self):
        return self.facts.get("version", "")

    @property
    def store_name(self):
        """The name of the file in the store, which allows fewer characters than a file name."""
        return Path(self.path).name.split("-", 1)[1]


def of_flake(flake):
    """The pins of a flake's checks, default shell and default package."""
    paths = []
    for attribute, select in [
        (f"checks.{SYSTEM}", "builtins.attrValues outputs"),
        (f"devShells.{SYSTEM}", "[ outputs.default ]"),
        (f"packages.{SYSTEM}", "[ outputs.default ]"),
    ]:
        apply = f"outputs: map (derivation: derivation.drvPath) ({select})"
        paths += json.loads(run(*NIX, "eval", "--json", f"{flake}#{attribute}", "--apply", apply))
    return of_derivations(paths)


def of_installables(installables):
    """The pins of what `nix build` would take."""
    return of_derivations([run(*NIX, "eval", "--raw", f"{name}.drvPath") for name in installables])


def of_derivations(paths):
    """The pins in the closures of some .drv files, without repetition."""
    closure = run("nix-store", "--query", "--requisites", *paths).split()
    found = {}
    for path in closure:
        if path.endswith(".drv"):
            pin = of_derivation(Path(path).read_text(errors="surrogateescape"))
            if pin:
                found[pin.path] = pin
    return sorted(found.values(), key=lambda pin: (pin.kind != "deb", pin.kind == "seed", pin.file))


def of_derivation(text):
    """The pin in one .drv's text, if it is one. The format (ATerm) is a Python literal after its first word."""
    outputs, *_, environment = ast.literal_eval(text.removeprefix("Derive"))
    environment = dict(environment)
    if "pin" not in environment:
        return None
    facts = json.loads(environment["pin"])
    return Pin(outputs[0][1], facts["kind"], facts["file"], facts["sha256"], facts)
