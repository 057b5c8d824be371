"""Container images by digest: the ones written down here, unless an exported file already names others.

An image is content-addressed: a digest that a registry does not have fails at the first pull, it never gives another image. To move
to a newer one, put what `docker buildx imagetools inspect IMAGE:TAG` says into the exported file; later exports keep it.
"""

from __future__ import annotations

import re

from reprotest.errors import UsageError

PYTHON = {
    "3.11": "python:3.11.16-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b",
    "3.12": "python:3.12.14-slim-bookworm@sha256:782412e85d0f0984994c290652577d4018aff08145c85b262bb63dc0c7522254",
    "3.13": "python:3.13.15-slim-bookworm@sha256:ed86c82274b3c69b52fb5820f358f0bd7df0b603332063cb5c6e32bd220c3e6e",
}
MLFLOW = "ghcr.io/mlflow/mlflow:v3.15.2-full@sha256:2c9c50ca72e314cb1b8b301ceaa43882629ad91873d7271f3be92796930c3647"
JUPYTER = "quay.io/jupyter/minimal-notebook@sha256:a153ceb6b41db4f86b7d7dc20c7b63d08e75e2038d5e8758b954fda50ed2e18d"

PINNED = re.compile(r"[\w./:-]+@sha256:[0-9a-f]{64}")


def python_image(version: str, existing: str) -> str:
    """The base image for a Python version.

    Args:
        version: "3.11".
        existing: the text of the exported Dockerfile, if any; its image is kept while it is for this version.

    Raises:
        UsageError: no image is known for the version.
    """
    kept = re.search(rf"^ARG PYTHON_IMAGE=({PINNED.pattern})$", existing, re.MULTILINE)
    if kept and re.search(rf"\bpython:{re.escape(version)}\b", kept[1]):
        return kept[1]
    if version not in PYTHON:
        raise UsageError(
            f"no image with Python {version} is known (there are {', '.join(PYTHON)}): state another version in .python-version, "
            f"or write the line `ARG PYTHON_IMAGE=python:{version}-slim-bookworm@sha256:…` into a Dockerfile, which is kept"
        )
    return PYTHON[version]


def service_image(service: str, default: str, existing: str) -> str:
    """The image of a compose service: the one that the exported file names by digest, else the default."""
    own = re.search(rf"^  {service}:\n(?:    .*\n|\n)*?    image: ({PINNED.pattern})$", existing, re.MULTILINE)
    return own[1] if own else default
