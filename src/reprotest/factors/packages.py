"""Installed Python packages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from reprotest.factors.base import Factor, Json, Seen


class Packages(Factor):
    """Names and versions of what is installed, and where it came from when not from an index."""

    id = "packages"
    what = "versions and builds of Python packages"
    fix = "install from a lock file with hashes, the same one everywhere"
    order = 80

    def read(self) -> Mapping[str, Json]:
        import importlib.metadata

        found: dict[str, Json] = {}
        for distribution in importlib.metadata.distributions():
            name, version = _name_and_version(distribution)
            key = name.lower().replace("_", "-").replace(".", "-")
            if not key or key in found:
                continue  # the first on the path is the one that is imported
            origin = _origin(distribution.read_text("direct_url.json"))
            found[key] = f"{version} ({origin})" if origin else version
        return dict(sorted(found.items()))

    def facet(self, reading: Mapping[str, Json], modules: frozenset[str]) -> str | None:
        """Versions of what the program imported: the usual numerical packages by name, the rest as a count and a digest."""
        import hashlib

        used = {name: reading[name] for name in self.imported(reading, modules) if name not in _OURS}
        said = [f"{name} {used.pop(name)}" for name in _NUMERICAL if name in used]
        if used:
            listed = "\n".join(f"{name} {version}" for name, version in sorted(used.items()))
            said.append(f"{len(used)} more #{hashlib.sha256(listed.encode()).hexdigest()[:8]}")
        return ", ".join(said) or "none"

    @staticmethod
    def imported(reading: Mapping[str, Json], modules: frozenset[str]) -> list[str]:
        """The packages of a reading that provide these modules, sorted; all of them when no modules are known."""
        if not modules:
            return sorted(reading)
        found, unknown = set(), set()
        for module in modules:
            name = module.lower().replace("_", "-")
            name = _PROVIDERS.get(module, name)
            if name in reading:
                found.add(name)
            elif not module.startswith("_"):
                unknown.add(module)
        if unknown:  # slow: it reads every package's list of files
            provided = _packages_distributions()
            for module in unknown:
                names = (d.lower().replace("_", "-").replace(".", "-") for d in provided.get(module, ()))
                found.update(name for name in names if name in reading)
        return sorted(found)

    def perturb(self, k: int) -> str | None:
        return None

    def variations(self, seen: Seen) -> Sequence[int] | str:
        return "it takes another environment: run this there too, and compare the records"


_OURS = ("reprotest-ml", "xxhash", "time-machine")
_NUMERICAL = (
    "torch", "numpy", "scipy", "scikit-learn", "jax", "jaxlib", "tensorflow", "keras", "xgboost", "xgboost-cpu", "lightgbm",
    "pandas", "polars", "torchvision", "transformers", "tokenizers", "triton",
)  # fmt: skip
_PROVIDERS = {
    "sklearn": "scikit-learn", "PIL": "pillow", "yaml": "pyyaml", "cv2": "opencv-python", "skimage": "scikit-image",
    "dateutil": "python-dateutil", "umap": "umap-learn", "attr": "attrs", "google": "protobuf",
}  # fmt: skip
"""The commonest modules that are not called like their package."""


@cache
def _packages_distributions() -> Mapping[str, list[str]]:
    import importlib.metadata

    return importlib.metadata.packages_distributions()


def _name_and_version(distribution: Json) -> tuple[str, str]:
    """From the name of the folder, which takes a hundredth of the time that parsing its METADATA does."""
    folder = str(getattr(getattr(distribution, "_path", None), "name", ""))
    if folder.endswith(".dist-info"):
        name, dash, version = folder.removesuffix(".dist-info").rpartition("-")
        if dash:
            return name, version
    try:
        metadata = distribution.metadata  # the remains of a package that was removed badly have no name
    except FileNotFoundError:  # so says importlib_metadata, which replaces the standard library's once it is imported
        return "", ""
    return metadata["Name"] or "", metadata["Version"] or ""


def _origin(direct_url: str | None) -> str | None:
    """Where a package was installed from, when its version alone does not say (PEP 610): editable, or a revision of a repository."""
    if not direct_url:
        return None
    import json

    from reprotest.secrets import mask_text

    try:
        document = json.loads(direct_url)
    except ValueError:
        return None
    if document.get("dir_info", {}).get("editable"):
        return "editable"
    revision = document.get("vcs_info", {}).get("commit_id")
    if revision:
        return mask_text(f"{document.get('url', '')}@{revision}")
    hashes = document.get("archive_info", {}).get("hashes", {})
    return f"sha256:{hashes['sha256']}" if "sha256" in hashes else None
