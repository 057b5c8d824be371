"""Install wheels into a prefix, the same bytes every time: install_wheels.py PREFIX WHEEL…

Wheels are merged into one real site-packages, since CUDA's libraries find each other by $ORIGIN, which packages
symlinked from elsewhere would break. A file or command that two wheels bring is an error, unless it is the same one
(mlflow and mlflow-skinny). The format: PEP 427 and the entry points specification.
"""

import configparser
import os
import shutil
import sys
import zipfile
from pathlib import Path

SCRIPT = """\
#!{python}
import sys
from {module} import {name}
if __name__ == '__main__':
    sys.exit({function}())
"""


class Prefix:
    def __init__(self, root):
        self.root = root
        self.site = os.path.join(root, f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages")
        self.python = os.path.join(root, "bin/python")
        self.owner = {}  # path -> the wheel that brought it

    def place(self, kind):
        """Where a `.data` subdirectory's files go (PEP 427)."""
        places = {"scripts": "bin", "data": "", "headers": "include"}
        return self.site if kind in ("purelib", "platlib") else os.path.join(self.root, places[kind])

    def claim(self, path, wheel, content):
        if not os.path.realpath(path).startswith(self.root + "/"):
            raise SystemExit(f"{wheel}: {path} leads out of the prefix")
        if path in self.owner and content() != Path(path).read_bytes():
            raise SystemExit(f"{wheel} and {self.owner[path]} both bring {path}")
        self.owner[path] = wheel
        os.makedirs(os.path.dirname(path), exist_ok=True)

    def install(self, wheel):
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
            info = next(n.split("/")[0] for n in names if n.endswith(".dist-info/RECORD") and n.count("/") == 1)
            files = [self.unpack(archive, member, info) for member in archive.infolist() if not member.is_dir()]
            if f"{info}/entry_points.txt" in names:
                text = archive.read(f"{info}/entry_points.txt").decode()
                files += [self.script(*entry, info) for entry in console_scripts(text)]
        self.record(info, [path for path in files if path])

    def unpack(self, archive, member, info):
        name = member.filename
        if name == f"{info}/RECORD":
            return None
        base, script = self.site, False
        data = info.removesuffix(".dist-info") + ".data/"
        if name.startswith(data):
            kind, name = name.removeprefix(data).split("/", 1)
            base, script = self.place(kind), kind == "scripts"
        path = os.path.join(base, name)
        self.claim(path, info, lambda: archive.read(member))
        with archive.open(member) as source, open(path, "wb") as target:
            if script:
                target.write(self.with_shebang(source.read()))
            else:
                shutil.copyfileobj(source, target, 1 << 20)
        os.chmod(path, 0o755 if script or member.external_attr >> 16 & 0o111 else 0o644)
        return path

    def with_shebang(self, text):
        first, newline, rest = text.partition(b"\n")
        return b"#!" + self.python.encode() + newline + rest if first.startswith(b"#!python") else text

    def script(self, command, reference, info):
        module, function = reference.split("[")[0].strip().split(":")
        path = os.path.join(self.root, "bin", command)
        name = function.split(".")[0]
        text = SCRIPT.format(python=self.python, module=module, name=name, function=function).encode()
        self.claim(path, info, lambda: text)
        Path(path).write_bytes(text)
        os.chmod(path, 0o755)
        return path

    def record(self, info, files):
        directory = os.path.join(self.site, info)
        with open(os.path.join(directory, "INSTALLER"), "w") as file:
            file.write("nix\n")
        listed = {os.path.relpath(path, self.site) for path in files} | {f"{info}/INSTALLER", f"{info}/RECORD"}
        with open(os.path.join(directory, "RECORD"), "w") as file:
            file.writelines(f"{path},,\n" for path in sorted(listed))


def console_scripts(text):
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str
    parser.read_string(text)
    return sorted(parser["console_scripts"].items()) if parser.has_section("console_scripts") else []


def main(root, *wheels):
    prefix = Prefix(root)
    for wheel in wheels:
        prefix.install(wheel)


if __name__ == "__main__":
    main(*sys.argv[1:])
