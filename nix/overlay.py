"""Copy the distributions of one site-packages that another lacks: overlay.py FROM ONTO OUT.

Copied, not linked, and without bytecode, which names the place it was compiled at: an image would else get all of FROM.
"""

import os
import re
import shutil
import sys
from importlib.metadata import distributions


def by_name(site):
    return {re.sub(r"[-_.]+", "-", d.metadata["Name"]).lower(): d for d in distributions(path=[site])}


def main(source, onto, out):
    present = by_name(onto)
    for name, distribution in sorted(by_name(source).items()):
        if name in present:
            continue
        for file in distribution.files or []:
            if file.parts[0] != ".." and file.suffix != ".pyc":
                target = os.path.join(out, file)
                os.makedirs(os.path.dirname(target), exist_ok=True)
                shutil.copy(os.path.join(source, file), target)


if __name__ == "__main__":
    main(*sys.argv[1:])
