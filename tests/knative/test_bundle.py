"""knative/ holds together: what is listed is there, and what is there is listed."""

from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.event_types import FILE, text

KNATIVE = ROOT / "knative"
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
