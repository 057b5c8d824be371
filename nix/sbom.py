"""Write a CycloneDX bill of materials: sbom.py REQUEST >FILE.

REQUEST is JSON: the project's name and version, the site-packages directories, poetry.lock, flake.lock, and the
files that the Debian base installed (wheels and debs with their sha256; empty lists on another base). The result depends
on these alone; it is validated against the schema before it is written.
"""

import hashlib
import json
import re
import sys
import tomllib
import uuid
from datetime import UTC, datetime
from importlib.metadata import distributions

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

EPOCH = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")  # RFC 9562's for URLs


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def component(purl, hashes=(), **facts):
    found = [HashType(alg=HashAlgorithm.SHA_256, content=value) for value in hashes]
    facts = {"type": ComponentType.LIBRARY, "scope": ComponentScope.REQUIRED, **facts}
    return Component(name=purl.name, version=purl.version, purl=purl, bom_ref=str(purl), hashes=found, **facts)


def licences(metadata):
    """The licence that a distribution states: an SPDX expression, else its short name."""
    if expression := metadata.get("License-Expression"):
        return [LicenseExpression(expression)]
    name = metadata.get("License", "").strip()
    if name and "\n" not in name:
        return [DisjunctiveLicense(name=name)]
    return []


def python_packages(request):
    """Canonical name to component of every distribution in the environment."""
    hashes = {canonical(wheel["name"]): wheel["sha256"] for wheel in request["wheels"]}
    found = {}
    for distribution in distributions(path=request["sites"]):
        name = canonical(distribution.metadata["Name"])
        found[name] = component(
            PackageURL("pypi", None, name, distribution.version),
            [hashes[name]] if name in hashes else [],
            description=distribution.metadata.get("Summary"),
            licenses=licences(distribution.metadata),
        )
    return dict(sorted(found.items()))


def debian_packages(request):
    for deb in request["debs"]:
        architecture = deb["file"].removesuffix(".deb").rsplit("_", 1)[1]
        qualifiers = {"arch": architecture, "distro": "bookworm"}
        yield component(PackageURL("deb", "debian", deb["package"], deb["version"], qualifiers), [deb["sha256"]])


def flake_inputs(request):
    """The flake's pins. On the Debian base they are recorded only: nothing of theirs is built or shipped."""
    scope = ComponentScope.EXCLUDED if request["debs"] else ComponentScope.REQUIRED
    with open(request["flakeLock"]) as file:
        nodes = json.load(file)["nodes"]
    for _, node in sorted(nodes.items()):
        if pin := node.get("locked"):
            purl = PackageURL("github", pin["owner"].lower(), pin["repo"].lower(), pin["rev"])
            yield component(purl, scope=scope, properties=[Property(name="nix:narHash", value=pin["narHash"])])


def bill(request):
    with open(request["lock"], "rb") as file:
        locked = {canonical(package["name"]): package for package in tomllib.load(file)["package"]}
    packages = python_packages(request)
    root = Component(
        name=request["name"], version=request["version"], type=ComponentType.APPLICATION, bom_ref="project"
    )
    others = [*debian_packages(request), *flake_inputs(request)]
    bom = Bom(components=[*packages.values(), *others])
    bom.metadata.component, bom.metadata.timestamp = root, EPOCH
    bom.serial_number = uuid.uuid5(NAMESPACE, hashlib.sha256(json.dumps(request).encode()).hexdigest())
    for name, package in packages.items():
        needs = map(canonical, locked.get(name, {}).get("dependencies", {}))
        bom.register_dependency(package, [packages[need] for need in needs if need in packages])
    bom.register_dependency(root, [*packages.values(), *others])
    return JsonV1Dot6(bom).output_as_string(indent=1)


def main(request_file):
    with open(request_file) as file:
        text = bill(json.load(file))
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise SystemExit(f"the bill of materials is not valid CycloneDX 1.6: {error}")
    print(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
