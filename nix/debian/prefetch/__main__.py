"""Bring the files that a build needs into the Nix store, before it and outside of it.

    python3 nix/debian/prefetch [INSTALLABLE…] [--from DIR]… [--bundle FILE | --unbundle FILE | --update]

Without an installable: everything that `nix flake check`, the default shell and the default package need. Only the
standard library is used, and the package clients that the host already has; no host is named anywhere.
"""

import argparse
import sys
from pathlib import Path

import pins
import sources
import store
import update
from errors import PrefetchError

BASE = Path(__file__).resolve().parent.parent


def arguments(argv):
    parser = argparse.ArgumentParser(prog="prefetch", description="Bring the pinned files into the Nix store.")
    parser.add_argument("installables", nargs="*", metavar="INSTALLABLE", help="such as ./nix/debian#container")
    parser.add_argument(
        "--from",
        dest="directories",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="look for the files here first",
    )
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--bundle", type=Path, metavar="FILE", help="write the files for a machine without a mirror")
    action.add_argument("--unbundle", type=Path, metavar="FILE", help="take the files from such a bundle")
    action.add_argument("--update", action="store_true", help="pin the newest Debian packages of this host's mirror")
    return parser.parse_args(argv)


def main(argv):
    args = arguments(argv)
    if args.unbundle:
        store.import_from(args.unbundle)
        return
    if args.update:
        update.write_lock(BASE / "roots.json", BASE / "lock.json")
    wanted = pins.of_installables(args.installables) if args.installables else pins.of_flake(BASE)
    missing = store.missing(wanted)
    sources.get(missing, args.directories)
    store.register_roots(wanted)
    if args.bundle:
        store.export_to(args.bundle, wanted)
    print(f"prefetch: {len(wanted)} files are in the Nix store, {len(missing)} of them new", file=sys.stderr)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except PrefetchError as error:
        sys.exit(f"prefetch: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
