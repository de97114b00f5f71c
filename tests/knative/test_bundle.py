"""knative/ holds together: what is listed is there, and what is there is listed."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.event_types import FILE, text

KNATIVE = ROOT / "knative"
FETCH = KNATIVE / "platform" / "builds" / "fetch.yaml"
KUSTOMIZATIONS = sorted([*KNATIVE.rglob("kustomization.yaml"), *KNATIVE.rglob("kustomization.yml")])


@pytest.mark.parametrize("file", KUSTOMIZATIONS, ids=lambda file: file.parent.name)
def test_a_kustomization_lists_what_lies_beside_it(file: Path) -> None:
    listed = yaml.safe_load(file.read_text())
    named = [*listed["resources"], *(one["path"] for one in listed.get("patches", []) if "path" in one)]

    assert all((file.parent / one).exists() for one in named)
    beside = {one.name for one in file.parent.glob("*.yaml")} - {file.name}
    assert beside == {one for one in named if "/" not in one}


def test_the_event_types_are_those_of_the_code() -> None:
    assert FILE.read_text() == text()


PYTHON = {"Procfile": 'web: python app.py\nrelease:\tsh -c "x" \n'}
ODD = {"Dockerfile": "", "Procfile": 'web: run "a b" c\\d\nnonsense\n'}


@pytest.mark.parametrize(
    ("files", "strategy", "processes"),
    [
        (PYTHON, "buildpacks", '{"web":"/cnb/process/web","release":"/cnb/process/release"}'),
        ({"app.py": ""}, "buildpacks", "{}"),
        ({"Dockerfile": "FROM scratch"}, "dockerfile", "{}"),
        (ODD, "dockerfile", '{"web":"run \\"a b\\" c\\\\d"}'),
    ],
)
def test_fetch_decides_how_a_commit_is_built(
    tmp_path: Path, files: dict[str, str], strategy: str, processes: str
) -> None:
    origin, sha = _repository(tmp_path / "origin", files)

    done = _fetch(tmp_path, {"CLONE_URL": str(origin), "SHA": sha, "STRATEGY": "auto", "BUILDAH_IMAGE": "buildah"})

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "strategy").read_text() == strategy
    assert (tmp_path / "PROCESSES").read_text() == processes
    assert {one.name for one in (tmp_path / "src").iterdir()} - {".git"} == set(files)


def test_a_dockerfile_without_a_builder_says_what_to_set(tmp_path: Path) -> None:
    origin, sha = _repository(tmp_path / "origin", {"Dockerfile": ""})

    done = _fetch(tmp_path, {"CLONE_URL": str(origin), "SHA": sha, "STRATEGY": "auto", "BUILDAH_IMAGE": ""})

    assert done.returncode == 1
    assert "SLIPWAY_BUILDAH_IMAGE" in done.stderr


def _repository(folder: Path, files: dict[str, str]) -> tuple[Path, str]:
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_text(content)
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    for words in (("init", "-q", "-b", "main"), ("add", "."), (*who, "commit", "-qm", "one")):
        subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True)
    sha = subprocess.run(["git", "-C", str(folder), "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    return folder, sha.stdout.strip()


def _fetch(folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the step's script with its results in the folder, as Tekton would."""
    (step,) = yaml.safe_load(FETCH.read_text())["spec"]["steps"]
    script = step["script"]
    for result in ("strategy", "PROCESSES"):
        script = script.replace(f"$(results.{result}.path)", str(folder / result))
    known = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "REF": "refs/heads/main", "SOURCE": str(folder / "src")}
    shell = shutil.which("sh") or "/bin/sh"
    return subprocess.run(
        [shell, "-c", script], env={**known, **environment}, check=False, capture_output=True, text=True
    )
