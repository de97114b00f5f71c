"""Packages that a repository brings along."""

from tests.local.builds import tiny_backend
from tests.local.pipeline.developer import begin
from tests.local.pipeline.stage import Stage

_SYSTEM = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


def test_a_package_in_the_repository_can_be_required(stage: Stage) -> None:
    dev = begin(stage, "vendor")
    with open(tiny_backend.__file__) as file:  # noqa: PTH123
        backend = file.read().replace('"tiny.py": ""', '"tiny.py": "WORD = \'from tiny\'"')
    files = {"requirements.txt": "./vendored\n", "vendored/pyproject.toml": _SYSTEM, "vendored/backend.py": backend}
    procfile = "web: GREETING=$(python -c 'import tiny; print(tiny.WORD)') python app.py\n"

    dev.deploy({**files, "Procfile": procfile})

    assert dev.answer().split()[2:] == ["from", "tiny"]
