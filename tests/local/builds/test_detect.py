"""Detection of an app's language by its files, and of what starts it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from functions.common.errors import Rejected
from functions.local.builds.context import Built
from functions.local.builds.detect import Kind, declared_processes, detect, processes_of
from functions.local.builds.python_apps import default_web, static_settings
from functions.local.builds.tree import Tree


def write(folder: Path, files: Mapping[str, str | bytes]) -> Tree:
    """Return the tree of a folder with these files."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return Tree(folder=folder, top=folder)


@pytest.mark.parametrize(
    ("files", "kind", "marker"),
    [
        ({"requirements.txt": "", "index.html": ""}, Kind.PYTHON, "requirements.txt"),
        ({"pyproject.toml": "", "uv.lock": ""}, Kind.PYTHON, "pyproject.toml"),
        ({"Pipfile": "", "package.json": "{}"}, Kind.PYTHON, "Pipfile"),
        ({"setup.py": ""}, Kind.PYTHON, "setup.py"),
        ({"package.json": "{}", "index.html": ""}, Kind.NODE, "package.json"),
        ({"index.html": "", "app.py": ""}, Kind.STATIC, "index.html"),
        ({"Staticfile": "root: site"}, Kind.STATIC, "Staticfile"),
        ({"public/index.html": ""}, Kind.STATIC, "public/index.html"),
        ({"main.py": ""}, Kind.PYTHON, "main.py"),
    ],
)
def test_the_first_marker_file_decides(tmp_path: Path, files: dict[str, str], kind: Kind, marker: str) -> None:
    assert detect(write(tmp_path, files)) == (kind, marker)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"README": ""}, r"no language detected: looked for requirements\.txt \(python\), .*index\.html \(static\)"),
        ({"api/package.json": "{}", "web/index.html": ""}, r"the folders api, web look like apps: set the app's root"),
        ({"go.mod": "module x"}, r"this is Go \(go\.mod\): one machine builds Python, Node\.js and static apps"),
        ({"Gemfile": ""}, r"this is Ruby \(Gemfile\)"),
        ({"Dockerfile": "FROM scratch"}, r"a Dockerfile alone.*a cluster builds Dockerfiles too"),
    ],
)
def test_a_failed_detection_names_what_is_missing(tmp_path: Path, files: dict[str, str], message: str) -> None:
    with pytest.raises(Rejected, match=message):
        detect(write(tmp_path, files))


@pytest.mark.parametrize(
    ("procfile", "kind", "message"),
    [
        (None, Kind.PYTHON, r"no Procfile: .*python app; add one with a line `web: python app\.py`"),
        ("worker: x", Kind.PYTHON, r"the Procfile has no `web` line"),
        (None, Kind.NODE, r"no Procfile: .*`web: node server\.js`"),
        ("web python", Kind.NODE, r"Procfile line 1"),
    ],
)
def test_an_app_that_nothing_starts_is_refused(tmp_path: Path, procfile: str | None, kind: Kind, message: str) -> None:
    tree = write(tmp_path, {} if procfile is None else {"Procfile": procfile})
    with pytest.raises(Rejected, match=message):
        processes_of(declared_processes(tree), Built(), kind, has_procfile=procfile is not None)


def test_the_procfile_has_the_last_word(tmp_path: Path) -> None:
    declared = declared_processes(write(tmp_path, {"Procfile": "\ufeffweb: a\r\nworker: b\x0cc\n"}))

    assert processes_of(declared, Built(web="x"), Kind.NODE, has_procfile=True) == {"web": "a", "worker": "b\x0cc"}
    assert processes_of({}, Built(web="x"), Kind.NODE, has_procfile=False) == {"web": "x"}


GUNICORN, UVICORN = "gunicorn --bind $HOST:$PORT", "uvicorn --host $HOST --port $PORT --proxy-headers"


@pytest.mark.parametrize(
    ("files", "packages", "web", "added"),
    [
        ({"app.py": "app = Flask(__name__)"}, {"flask"}, f"{GUNICORN} app:app", "gunicorn"),
        ({"web/site.py": "import flask\nserver = flask.Flask(__name__)"}, {"flask", "gunicorn"}, "web.site:server", ""),
        (
            {"pkg/__init__.py": "def create_app():\n    return 1"},
            {"flask"},
            f"{GUNICORN} 'pkg:create_app()'",
            "gunicorn",
        ),
        ({"main.py": "app: FastAPI = FastAPI()"}, {"fastapi"}, f"{UVICORN} main:app", "uvicorn"),
        ({"app/main.py": "api = FastAPI()"}, {"fastapi", "uvicorn"}, f"{UVICORN} app.main:api", ""),
        ({"s.py": "app = Starlette()"}, {"starlette"}, f"{UVICORN} s:app", "uvicorn"),
        ({"l.py": "app = Litestar([])"}, {"litestar"}, f"{UVICORN} l:app", "uvicorn"),
        ({"app.py": "app = Dash(__name__)"}, {"dash", "flask"}, f"{GUNICORN} app:app.server", "gunicorn"),
        ({"api.py": "import falcon\napp = falcon.App()"}, {"falcon"}, f"{GUNICORN} api:app", "gunicorn"),
        ({"manage.py": "", "shop/wsgi.py": ""}, {"django"}, f"{GUNICORN} shop.wsgi:application", "gunicorn"),
        ({"manage.py": "", "shop/asgi.py": ""}, {"django", "daphne"}, "daphne --bind $HOST --port $PORT shop.asgi", ""),
        ({"st.py": "import streamlit"}, {"streamlit"}, "streamlit run st.py --server.port $PORT", ""),
        ({"main.py": "print(1)", "other.py": "x = ("}, set(), "python main.py", ""),
        ({"app.py": "app = Flask(__name__)"}, set(), "python app.py", ""),
        ({"deep.py": "(" * 5000, "lib.py": "app = 1"}, {"flask"}, "", ""),
    ],
)
def test_a_python_app_starts_as_its_framework_does(
    tmp_path: Path, files: dict[str, str], packages: set[str], web: str, added: str
) -> None:
    command, _, server = default_web(write(tmp_path, files), packages)

    assert web in command if web else not command
    assert server == added


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"manage.py": "", "shop/settings.py": "STATIC_ROOT = 1"}, "shop/settings.py"),
        ({"manage.py": "", "shop/settings/base.py": "STATIC_ROOT = 1"}, "shop/settings/base.py"),
        ({"manage.py": "", "shop/settings.py": "X = 1", "shop/other.py": "STATIC_ROOT = 1"}, ""),
        ({"manage.py": "", "shop/settings.py": "STATIC_ROOT = ("}, ""),
        ({"shop/settings.py": "STATIC_ROOT = 1"}, ""),
        (
            {
                "manage.py": "",
                "s/settings.py": "STATIC_ROOT = 1",
                "app.json": '{"env": {"DISABLE_COLLECTSTATIC": "1"}}',
            },
            "",
        ),
    ],
)
def test_static_files_are_collected_where_the_settings_say_where_to(
    tmp_path: Path, files: dict[str, str], found: str
) -> None:
    assert static_settings(write(tmp_path, files)) == found
