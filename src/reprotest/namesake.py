"""Debian's reprotest, which builds packages twice, has our import name: says so before anything fails oddly."""

from __future__ import annotations

from pathlib import Path

NAMESAKE = "reprotest"
"""Its distribution's name; ours is reprotest-ml."""
_ITS_MODULES = ("build.py", "presets.py", "shell_syn.py", "mdiffconf.py")
"""Files of Debian's package, all beside each other; we have none of them."""


def problem(package: Path | None = None) -> str | None:
    """What is wrong with this installation, and what to do; None when nothing is.

    Args:
        package: our own package's folder.
    """
    package = package or Path(__file__).parent
    if not any((package / name).is_file() for name in _ITS_MODULES):
        return None
    installed = _installed()
    named = f"Debian's reprotest {installed}" if installed else "Debian's reprotest"
    return (
        f"{named} is installed into the same folder as this reprotest ({package}): both are imported as `reprotest`, and each "
        "has overwritten files of the other. Expected one of them only. Uninstall both with "
        "`python -m pip uninstall reprotest reprotest-ml`, then install reprotest-ml again, "
        "and keep Debian's tool in an environment of its own."
    )


def notice(package: Path | None = None) -> str | None:
    """A sentence for the user when the namesake is installed elsewhere in this environment, where it does no harm to us."""
    if problem(package) is not None:
        return None
    installed = _installed()
    if installed is None:
        return None
    return (
        f"note: Debian's reprotest {installed} is in this environment too; `python -m reprotest` means that one or this one, "
        "whichever comes first on sys.path (here: this one). Keep it in an environment of its own."
    )


def _installed() -> str | None:
    from importlib import metadata  # slow to import, and hardly ever needed

    try:
        found = metadata.distribution(NAMESAKE)
    except metadata.PackageNotFoundError:
        return None
    return found.version
