"""Compare an environment with its lock, package by package: versions.py SITE-PACKAGES POETRY-LOCK GROUP…

Expected is what the lock gives for the groups by markers evaluated here (packaging's evaluator); nothing may be missing,
of another version, or there without being locked.
"""

import re
import sys
import tomllib
from importlib.metadata import distributions

from packaging.markers import Marker


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted(package, groups):
    """Does the lock want a package for one of the groups on this platform?"""
    markers = package.get("markers", "")
    for group in groups & set(package["groups"]):
        text = markers if isinstance(markers, str) else markers.get(group, "")
        if not text or "extra" in text or Marker(text).evaluate():
            return True
    return False


def expected(lock_file, groups):
    with open(lock_file, "rb") as file:
        packages = tomllib.load(file)["package"]
    return {canonical(p["name"]): p["version"] for p in packages if wanted(p, groups)}


def installed(site):
    return {canonical(d.metadata["Name"]): d.version for d in distributions(path=[site])}


def differences(found, locked):
    """A sentence for each package that is not as locked."""
    for name in sorted(found.keys() | locked.keys()):
        have, want = found.get(name), locked.get(name)
        if have != want:
            yield f"{name}: installed {have or 'not at all'}, locked {want or 'not at all'}"


def main(site, lock_file, *groups):
    found, locked = installed(site), expected(lock_file, set(groups))
    wrong = list(differences(found, locked))
    print("\n".join(wrong) or f"{len(found)} packages, all as locked")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
