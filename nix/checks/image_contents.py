"""Look into a container archive: image_contents.py ARCHIVE SBOM ENVIRONMENT.

What must hold of an image of ours: no rights, nothing setuid, what programs expect to find is there, torch alone in its
layer, and the packages in it are those of the bill of materials, no more and no less.
"""

import json
import re
import sys
import tarfile
from email.parser import HeaderParser

NEEDED = ("etc/passwd", "tmp", "project")


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


class Image:
    """A Docker archive, read once."""

    def __init__(self, path):
        self.packages, self.members, self.layers = set(), {}, []
        with tarfile.open(path) as archive:
            (self.manifest,) = json.load(archive.extractfile("manifest.json"))
            self.config = json.load(archive.extractfile(self.manifest["Config"]))
            for layer in self.manifest["Layers"]:
                with tarfile.open(fileobj=archive.extractfile(layer)) as tree:
                    self.layers.append({member.name for member in tree if self.see(tree, member)})

    def see(self, tree, member):
        self.members[member.name] = member
        if re.search(r"/site-packages/[^/]+\.dist-info/METADATA$", member.name):
            self.packages.add(("pypi", *identity(tree, member, "Name")))
        elif re.search(r"(^|/)var/lib/dpkg/status\.d/[^/]+$", member.name) and not member.name.endswith(".md5sums"):
            self.packages.add(("deb", *identity(tree, member, "Package")))
        return True


def identity(tree, member, key):
    fields = HeaderParser().parsestr(tree.extractfile(member).read().decode())
    return canonical(fields[key]) if key == "Name" else fields[key], fields["Version"]


def problems(image, sbom, environment):
    config = image.config["config"]
    if config["User"].split(":")[0] in ("", "0", "root"):
        yield f"the image runs as {config['User'] or 'root'}"
    if config["Entrypoint"] != [f"{environment}/bin/python", "-m", "reprotest"]:
        yield f"the entry point is {config['Entrypoint']}, not reprotest in the shell's environment"
    for label in ("org.opencontainers.image.revision", "reprotest.sbom"):
        if not config["Labels"].get(label):
            yield f"the label {label} is missing"
    for name, member in sorted(image.members.items()):
        if member.isfile() and member.mode & 0o6000:
            yield f"{name} is setuid or setgid"
        if member.isfile() and member.mode & 0o002:
            yield f"{name} may be written by anyone"
        if member.uid or member.mtime > 1:
            yield f"{name} has owner {member.uid} and time {member.mtime}, expected 0 and at most 1"
    for name in (*NEEDED, config["Labels"]["reprotest.sbom"][1:], environment[1:] + "/bin/python3.11"):
        if name not in image.members:
            yield f"{name} is missing"
    for layer in image.layers:
        torch = {name for name in layer if "/site-packages/torch/" in name}
        if torch and any("/site-packages/" in name and "/site-packages/torch" not in name for name in layer):
            yield "torch shares its layer with other packages"
    listed = {
        (c["purl"].split(":")[1].split("/")[0], c["name"], c["version"])
        for c in sbom["components"]
        if c["scope"] == "required" and c["purl"].startswith(("pkg:pypi", "pkg:deb"))
    }
    for what, packages in (("lacks", listed - image.packages), ("has, unlisted,", image.packages - listed)):
        for kind, name, version in sorted(packages):
            yield f"the image {what} {kind} package {name} {version}"


def main(archive, sbom_file, environment):
    image = Image(archive)
    with open(sbom_file) as file:
        wrong = list(problems(image, json.load(file), environment))
    print(
        "\n".join(wrong)
        or f"{len(image.layers)} layers, {len(image.members)} members, {len(image.packages)} packages: as they should be"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
