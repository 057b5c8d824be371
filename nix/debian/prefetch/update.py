"""Pin the newest Debian packages that this host's apt offers: the closure of roots.json, without what is not needed."""

import json
import re
import tempfile
from pathlib import Path

import debs
import seed
import store
from cache import CACHE, take
from errors import PrefetchError, run


def write_lock(roots_file, lock_file):
    """Resolve roots.json and write lock.json."""
    roots = json.loads(roots_file.read_text())
    check_suite(roots["suite"])
    lock = {
        "debs": [pin for pin in resolve(roots["debs"]) if pin["package"] not in roots["exclude"]],
        "tools": [pin for pin in resolve(roots["tools"]) if pin["package"] in roots["tools"]],
        "seed": seed_of(roots["seed"]),
    }
    lock_file.write_text(json.dumps(lock, indent=1, sort_keys=True) + "\n")


def check_suite(suite):
    """The packages must come from one release of Debian: the one that roots.json names."""
    release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    if release.get("VERSION_CODENAME") != suite:
        raise PrefetchError(
            f"the packages are pinned from Debian {suite}, this host is {release.get('PRETTY_NAME')}: update on a {suite} host"
        )


def resolve(names):
    """What apt would install for some packages on an empty machine, as pins sorted by name."""
    with tempfile.NamedTemporaryFile() as empty:
        plan = run(
            "apt-get",
            "-o",
            f"Dir::State::status={empty.name}",
            "-o",
            "APT::Install-Recommends=0",
            "-o",
            "APT::Architecture=amd64",
            "-o",
            "Debug::NoLocking=1",
            "--simulate",
            "install",
            *names,
        )
    wanted = re.findall(r"^Inst (\S+) \((\S+) ", plan, re.MULTILINE)
    records = run("apt-cache", "show", *(f"{name}={version}" for name, version in wanted)).strip().split("\n\n")
    return sorted(map(pin_of, records), key=lambda pin: pin["package"])


def pin_of(record):
    """A pin from a package's control record (deb-control(5) and what an archive's index adds)."""
    field = dict(re.findall(r"^([A-Za-z0-9-]+): (.*)$", record, re.MULTILINE))
    package, version = field["Package"], field["Version"]
    file = f"{package}_{version.replace(':', '%3a')}_{field['Architecture']}.deb"
    return {"package": package, "version": version, "file": file, "sha256": field["SHA256"], "size": int(field["Size"])}


def seed_of(members):
    """The seed's packages and, since its hash is that of what is unpacked, the unpacked directory's hash."""
    packages = {package for package, _ in members.values()}
    facts = {"debs": [pin for pin in resolve(sorted(packages)) if pin["package"] in packages], "members": members}
    missing = store.missing([seed.deb_pin(deb) for deb in facts["debs"]])
    CACHE.mkdir(parents=True, exist_ok=True)
    failures = debs.get([pin for pin in missing if not take(pin, [])])
    if failures:
        raise PrefetchError("; ".join(failures))
    with tempfile.TemporaryDirectory() as directory:
        root = seed.unpack(facts, Path(directory) / "debian-seed")
        return {**facts, "sha256": run("nix-hash", "--type", "sha256", root).strip()}
