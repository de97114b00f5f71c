"""Reads manifests from Go modules, where they are beside the code that they configure."""

import subprocess
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.kit.cache import HERE
from tests.cluster.kit.steps import StepError

Manifest = dict[str, Any]


def crds() -> Iterator[Manifest]:
    """Yield every CustomResourceDefinition of manifests.toml."""
    for source in sources("crds"):
        for manifest in documents(module_folder(source["module"], source["path"]), source["files"]):
            if manifest["kind"] == "CustomResourceDefinition":
                yield manifest


def documents(folder: Path, patterns: Iterable[str]) -> Iterator[Manifest]:
    """Yield the documents of the files that match, in the order of their names."""
    for pattern in patterns:
        for file in sorted(folder.glob(pattern)):
            yield from (document for document in yaml.load_all(file.read_text(), Loader=_LOADER) if document)


@cache
def module_folder(module: str, path: str) -> Path:
    """Return the folder of the pinned version of `path`; it is fetched when it is missing."""
    where = HERE / "modules" / module
    # Not `go mod download`: that also wants a time stamp, which a proxy may not have for every version.
    command = ["go", "list", "-e", "-find", "-f", "{{.Root}}", f"{path}/..."]
    listed = subprocess.run(command, cwd=where, capture_output=True, text=True, check=False)
    if not listed.stdout.strip():
        msg = f"go cannot fetch {path}, which {where / 'go.mod'} names: {listed.stderr.strip()}"
        raise StepError(msg)
    return Path(listed.stdout.split()[0])


def without_conversion(manifest: Manifest) -> Manifest:
    """Return the definition with no conversion between its versions, as no webhook runs."""
    return {**manifest, "spec": {**manifest["spec"], "conversion": {"strategy": "None"}}}


def sources(kind: str) -> list[Manifest]:
    """Read one list of manifests.toml."""
    return list(tomllib.loads((HERE / "manifests.toml").read_text())[kind])


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
