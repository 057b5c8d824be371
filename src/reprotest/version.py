"""Which version this is."""

from __future__ import annotations

from importlib import metadata

DISTRIBUTION = "reprotest-ml"


def version() -> str:
    """The installed version; "source" when the package is used from a checkout without being installed."""
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "source"
