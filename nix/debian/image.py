"""Write a container image to standard output: image.py PLAN.

One tar that is both a Docker archive (manifest.json) and an OCI layout (oci-layout, index.json, blobs/). Every header
is written by hand from name, kind and mode, so that the bytes depend on nothing else. The layers: the root file system
at /, with its store path a link to it; each other store path of the closure; big packages (nix-support/image-layers)
alone; last what `contents` and `extraCommands` put outside the store.
"""

import hashlib
import json
import os
import shutil
import sys
import tarfile

BLOCK = 1 << 20
STICKY = {"tmp", "var/tmp"}
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
LINKED, COPIED = {"bin": "usr/local/bin"}, {"etc"}
NOT_AT_ROOT = {"lib", "include", "share", "nix-support", "pyvenv.cfg"}  # reached through the store


def header(name, kind, mode, size=0, target=""):
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.size, entry.linkname, entry.mtime = kind, mode, size, target, 1
    return entry


class Layer:
    """A tar stream that can add a path under another name, and adds every parent once."""

    def __init__(self, stream):
        self.stream = stream
        self.directories = set()

    def add(self, entry, file=None):
        """USTAR holds names of up to 255 bytes in the header itself; GNU's form of a longer one costs a kilobyte more."""
        try:
            head = entry.tobuf(tarfile.USTAR_FORMAT)
        except (ValueError, UnicodeEncodeError):
            head = entry.tobuf(tarfile.GNU_FORMAT)
        self.stream.write(head)
        if file is not None:
            shutil.copyfileobj(file, self.stream, BLOCK)
            self.stream.write(bytes(-entry.size % tarfile.BLOCKSIZE))

    def close(self):
        self.stream.write(bytes(2 * tarfile.BLOCKSIZE))

    def directory(self, name, mode=0o755):
        if name and name not in self.directories:
            self.directory(os.path.dirname(name))
            self.directories.add(name)
            self.add(header(name, tarfile.DIRTYPE, mode))

    def link(self, name, target):
        self.directory(os.path.dirname(name))
        self.add(header(name, tarfile.SYMTYPE, 0o777, target=target))

    def copy(self, source, name, mode=None):
        if os.path.islink(source):
            self.link(name, os.readlink(source))
        elif os.path.isdir(source):
            self.directory(name, mode or (0o1777 if name in STICKY else 0o755))
        else:
            self.directory(os.path.dirname(name))
            status = os.stat(source)
            mode = mode or (0o755 if status.st_mode & 0o111 else 0o644)
            with open(source, "rb") as file:
                self.add(header(name, tarfile.REGTYPE, mode, status.st_size), file)


def walk(source, without=()):
    """Every path under a directory with its name relative to it, parents first, in byte order."""
    for entry in sorted(os.listdir(source), key=os.fsencode):
        path = os.path.join(source, entry)
        if path in without:
            continue
        yield path, entry
        if os.path.isdir(path) and not os.path.islink(path):
            yield from ((p, os.path.join(entry, name)) for p, name in walk(path, without))


def root_layer(rootfs):
    def write(layer):
        for path, name in walk(rootfs):
            layer.copy(path, name)
        layer.link(rootfs[1:], "../..")

    return write


def tree_layer(source, without=()):
    def write(layer):
        layer.copy(source, source[1:])
        if os.path.isdir(source):
            for path, name in walk(source, without):
                layer.copy(path, os.path.join(source[1:], name))

    return write


def top_layer(plan, contents):
    """What stands outside the store: files of /etc, the results of extraCommands, and programs in /usr/local/bin (in
    /usr/bin a program that starts its namesake there would start itself)."""

    def write(layer):
        links, copies = {}, {}
        for content in contents:
            if os.path.exists(os.path.join(content, "nix-support/root-programs")):
                continue  # wrappers (python.nix) of programs that the image has in /usr/bin
            for top in sorted(os.listdir(content)):
                if top in NOT_AT_ROOT:
                    continue
                if top not in LINKED and top not in COPIED:
                    raise SystemExit(f"{content}/{top}: an image takes bin and etc of its contents, not {top}")
                for path, name in walk(os.path.join(content, top)):
                    if os.path.islink(path) or not os.path.isdir(path):
                        if top in LINKED:
                            links.setdefault(os.path.join(LINKED[top], name), path)
                        else:
                            copies.setdefault(os.path.join(top, name), path)
        with open(os.path.join(plan, "modes")) as file:
            modes = dict(reversed(line.rstrip("\n").split(" ", 1)) for line in file)
        for name, path in sorted(copies.items()):
            layer.copy(os.path.realpath(path), name)
        for name, path in sorted(links.items()):
            layer.link(name, path)
        for path, name in walk(os.path.join(plan, "extra")):
            layer.copy(path, name, int(modes[name], 8))

    return write


def layers(plan, image):
    """(what it holds, function that writes it) for each layer, the steadiest first."""
    rootfs = image["rootfs"]
    with open(os.path.join(plan, "paths")) as file:
        paths = file.read().split()
    yield rootfs, root_layer(rootfs)
    for path in paths:
        if path == rootfs:
            continue
        hints = os.path.join(path, "nix-support/image-layers")
        alone = []
        if os.path.isfile(hints):
            with open(hints) as file:
                alone = [os.path.join(path, line) for line in file.read().split()]
        for part in alone:
            yield part, tree_layer(part)
        yield path, tree_layer(path, without=set(alone))
    contents = [c for c in image["contents"] if c != rootfs]
    yield "contents", top_layer(plan, contents)


class Measure:
    """A stream that keeps nothing but the digest and the size of what is written to it."""

    def __init__(self):
        self.sha256, self.size = hashlib.sha256(), 0

    def write(self, data):
        self.sha256.update(data)
        self.size += len(data)


def write_layer(fill, stream):
    layer = Layer(stream)
    fill(layer)
    layer.close()


def blob(digest):
    return f"blobs/sha256/{digest}"


def descriptor(kind, digest, size, **more):
    return {"mediaType": kind, "digest": f"sha256:{digest}", "size": size, **more}


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def documents(image, measured):
    """The image's JSON files by their name in the archive; `measured` is (what, digest, size) for each layer."""
    digests = [digest for _, digest, _ in measured]
    config = canonical(
        {
            "architecture": "amd64",
            "os": "linux",
            "created": image["created"],
            "config": image["config"],
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
            "history": [{"created": image["created"], "created_by": what} for what, _, _ in measured],
        }
    )
    config_digest = hashlib.sha256(config).hexdigest()
    manifest = canonical(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": descriptor(CONFIG_TYPE, config_digest, len(config)),
            "layers": [descriptor(LAYER_TYPE, digest, size) for _, digest, size in measured],
        }
    )
    manifest_digest = hashlib.sha256(manifest).hexdigest()
    reference = f"{image['name']}:{image['tag']}"
    # podman takes the whole name from the first, containerd from the second, Docker from manifest.json's RepoTags.
    named = {
        "org.opencontainers.image.ref.name": reference,
        "io.containerd.image.name": f"docker.io/library/{reference}",
    }
    index = [descriptor(MANIFEST_TYPE, manifest_digest, len(manifest), annotations=named)]
    archive = [{"Config": blob(config_digest), "RepoTags": [reference], "Layers": [blob(d) for d in digests]}]
    return {
        blob(config_digest): config,
        blob(manifest_digest): manifest,
        "index.json": canonical({"schemaVersion": 2, "manifests": index}),
        "manifest.json": canonical(archive),
        "oci-layout": canonical({"imageLayoutVersion": "1.0.0"}),
    }


def main(plan):
    with open(os.path.join(plan, "image.json")) as file:
        image = json.load(file)
    planned, measured = list(layers(plan, image)), []
    for what, fill in planned:
        measure = Measure()
        write_layer(fill, measure)
        measured.append((what, measure.sha256.hexdigest(), measure.size))
        print(f"{measure.size / 1e6:8.1f} MB  {what}", file=sys.stderr)

    out = sys.stdout.buffer

    def member(name, size, body):
        out.write(header(name, tarfile.REGTYPE, 0o644, size).tobuf(tarfile.GNU_FORMAT))
        body()
        out.write(bytes(-size % tarfile.BLOCKSIZE))

    for (_, fill), (_, digest, size) in zip(planned, measured, strict=True):
        member(blob(digest), size, lambda fill=fill: write_layer(fill, out))
    for name, text in documents(image, measured).items():
        member(name, len(text), lambda text=text: out.write(text))
    out.write(bytes(2 * tarfile.BLOCKSIZE))
    out.flush()


if __name__ == "__main__":
    main(sys.argv[1])
