"""Detection of an app's language by its files."""

from pathlib import Path

import pytest

from functions.common.errors import Rejected
from functions.local.builds.detect import STATIC_WEB, Kind, detect


def tree(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (folder / name).write_text(content)
    return folder


@pytest.mark.parametrize(
    ("files", "kind", "web"),
    [
        ({"requirements.txt": "", "Procfile": "web: python app.py"}, Kind.PYTHON, "python app.py"),
        ({"pyproject.toml": "", "Procfile": "web: python app.py"}, Kind.PYTHON, "python app.py"),
        ({"requirements.txt": "", "package.json": "{}", "Procfile": "web: x"}, Kind.PYTHON, "x"),
        ({"package.json": '{"scripts": {"start": "node ."}}'}, Kind.NODE, "npm start"),
        ({"package.json": "{}", "Procfile": "web: node a.js"}, Kind.NODE, "node a.js"),
        ({"index.html": ""}, Kind.STATIC, STATIC_WEB),
        ({"index.html": "", "Procfile": "web: caddy run"}, Kind.STATIC, "caddy run"),
    ],
)
def test_the_first_marker_file_decides(tmp_path: Path, files: dict[str, str], kind: Kind, web: str) -> None:
    plan = detect(tree(tmp_path, files))

    assert (plan.kind, plan.processes["web"]) == (kind, web)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"README": ""}, r"no language detected: looked for requirements\.txt \(python\), .*index\.html \(static\)"),
        ({"requirements.txt": ""}, r"no Procfile: .*python app; add one with a line `web: python app\.py`"),
        ({"requirements.txt": "", "Procfile": "worker: x"}, r"the Procfile has no `web` line"),
        ({"package.json": "{}"}, r"no Procfile: .*`web: node server\.js`"),
        ({"package.json": "{"}, r"package\.json cannot be read"),
        ({"package.json": "[]"}, r"package\.json must hold an object"),
        ({"requirements.txt": "", "Procfile": "web python"}, r"Procfile line 1"),
    ],
)
def test_a_failed_detection_names_what_is_missing(tmp_path: Path, files: dict[str, str], message: str) -> None:
    with pytest.raises(Rejected, match=message):
        detect(tree(tmp_path, files))
