"""Python apps, after the starters of Heroku, Render, Railway, Fly and Dokku, and by the generators of their tools."""

from pip._internal.models.index import PyPI

from tests.apps.app import App, Workshop, files

_FLASK = 'from flask import Flask\n\napp = Flask(__name__)\n\n\n@app.get("/")\ndef index():\n    return "hello"\n'
_QUART = _FLASK.replace("Flask", "Quart").replace("flask", "quart")
_FASTAPI = (
    'from fastapi import FastAPI\n\napp = FastAPI()\n\n\n@app.get("/")\ndef index():\n    return {"says": "hello"}\n'
)
_STARLETTE = """from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

app = Starlette(routes=[Route("/", lambda request: PlainTextResponse("hello"))])
"""
_LITESTAR = """from litestar import Litestar, get


@get("/", sync_to_thread=False)
def index() -> str:
    return "hello"


app = Litestar([index])
"""
_PLAIN = """import http.server
import os
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"hello {sys.version_info[0]}.{sys.version_info[1]}".encode())


http.server.HTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
"""
_SOCKET = """from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.get("/")
def index():
    return "hello"


@app.websocket("/ws")
async def ws(socket: WebSocket):
    await socket.accept()
    await socket.send_text("hello " + await socket.receive_text())
"""
_STREAM = """import asyncio

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

app = FastAPI()


async def events():
    for number in range(3):
        yield f"data: hello {number}\\n\\n"
        await asyncio.sleep(0.05)


@app.get("/")
def index():
    return StreamingResponse(events(), media_type="text/event-stream")
"""


def _django(workshop: Workshop) -> None:
    workshop.run("uvx", "--from", "django", "django-admin", "startproject", "mysite", ".")
    workshop.edit("mysite/settings.py", "ALLOWED_HOSTS = []", 'ALLOWED_HOSTS = ["*"]')


def _django_start(workshop: Workshop) -> None:
    _django(workshop)
    workshop.write({"requirements.txt": "django\n"})


def _django_heroku(workshop: Workshop) -> None:
    _django(workshop)
    settings = workshop.folder / "mysite" / "settings.py"
    middleware = '"whitenoise.middleware.WhiteNoiseMiddleware",'
    text = settings.read_text().replace("MIDDLEWARE = [", f"MIDDLEWARE = [{middleware}")
    settings.write_text(text + '\nSTATIC_ROOT = BASE_DIR / "staticfiles"\nDEBUG = False\n')
    workshop.write(
        {
            "requirements.txt": "django\ngunicorn\nwhitenoise\n",
            "Procfile": "release: python manage.py migrate\nweb: gunicorn mysite.wsgi\n",
        }
    )


def _django_secret(workshop: Workshop) -> None:
    _django(workshop)
    settings = workshop.folder / "mysite" / "settings.py"
    settings.write_text(
        settings.read_text() + '\nimport os\nSECRET_KEY = os.environ["SECRET_KEY"]\nSTATIC_ROOT = "s"\n'
    )
    workshop.write({"requirements.txt": "django\n"})


def _uv_app(workshop: Workshop) -> None:
    workshop.run("uv", "init", "--bare", "--no-workspace", "--vcs", "none", "made")
    workshop.run("uv", "add", "--no-sync", "fastapi", "uvicorn", at="made")
    workshop.generated("made")
    workshop.write({"main.py": _FASTAPI})


def _uv_package(workshop: Workshop) -> None:
    workshop.run("uv", "init", "--package", "--no-workspace", "--vcs", "none", "shop")
    workshop.run("uv", "add", "--no-sync", "flask", "gunicorn", at="shop")
    workshop.generated("shop")
    workshop.write({"src/shop/__init__.py": _FLASK + "\n\ndef main():\n    app.run()\n"})
    workshop.write({"Procfile": "web: gunicorn shop:app\n"})


def _uv_workspace(workshop: Workshop) -> None:
    workshop.run("uv", "init", "--bare", "--no-workspace", "--vcs", "none", "made")
    workshop.run("uv", "init", "--lib", "--vcs", "none", "greetings", at="made")
    workshop.run("uv", "add", "--no-sync", "flask", "gunicorn", "./greetings", at="made")
    workshop.generated("made")
    workshop.write(
        {
            "greetings/src/greetings/__init__.py": 'def hello():\n    return "hello"\n',
            "app.py": _FLASK.replace('return "hello"', "return hello()") + "\nfrom greetings import hello\n",
        }
    )


def _uv_old_lock(workshop: Workshop) -> None:
    _uv_app(workshop)
    workshop.edit("pyproject.toml", "dependencies = [", 'dependencies = ["httpx",')


def _poetry_source() -> str:
    """Return a source of packages by the simple API, for a network that has no other, such as behind a mirror."""
    return f'\n[[tool.poetry.source]]\nname = "simple"\nurl = "{PyPI.simple_url}"\npriority = "primary"\n'


def _poetry_new(workshop: Workshop) -> None:
    workshop.run("uvx", "poetry", "new", "shop")
    project = workshop.folder / "shop" / "pyproject.toml"
    project.write_text(project.read_text() + _poetry_source())
    workshop.run("uvx", "poetry", "add", "--lock", "flask", "gunicorn", at="shop")
    workshop.generated("shop")
    workshop.write({"src/shop/__init__.py": _FLASK, "Procfile": "web: gunicorn shop:app\n"})


def _poetry_app(workshop: Workshop) -> None:
    project = '[tool.poetry]\npackage-mode = false\n\n[tool.poetry.dependencies]\npython = "^3.10"\nfastapi = "*"\n'
    build = '\n[build-system]\nrequires = ["poetry-core"]\nbuild-backend = "poetry.core.masonry.api"\n'
    workshop.write({"pyproject.toml": project + _poetry_source() + build, "main.py": _FASTAPI})
    workshop.run("uvx", "poetry", "lock")


def _poetry_unlocked(workshop: Workshop) -> None:
    project = '[tool.poetry]\npackage-mode = false\n\n[tool.poetry.dependencies]\npython = "^3.10"\nflask = "*"\n'
    workshop.write({"pyproject.toml": project + _poetry_source(), "app.py": _FLASK})


def _pipenv(workshop: Workshop) -> None:
    workshop.write({"Pipfile": '[packages]\nflask = "*"\ngunicorn = "*"\n', "app.py": _FLASK})
    workshop.run("uvx", "pipenv", "lock")


_TEMPLATES = """[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "shop"
version = "1"
dependencies = ["flask"]
"""

APPS = (
    App(
        name="flask-procfile",
        make=files({"app.py": _FLASK, "requirements.txt": "flask\ngunicorn\n", "Procfile": "web: gunicorn app:app\n"}),
        changes={"CHANGED": "1"},
    ),
    App(name="flask-bare", make=files({"app.py": _FLASK, "requirements.txt": "Flask\n"})),
    App(
        name="flask-factory",
        make=files(
            {
                "shop/__init__.py": "from flask import Flask\n\n\ndef create_app():\n    app = Flask(__name__)\n"
                '    app.add_url_rule("/", view_func=lambda: "hello")\n    return app\n',
                "requirements.txt": "flask\n",
            }
        ),
    ),
    App(
        name="flask-pinned",
        make=files({"app.py": _FLASK, "requirements.txt": "flask==3.0.3\nwerkzeug==3.0.4\ngunicorn==23.0.0\n"}),
        changes={"requirements.txt": "flask==3.0.3\nwerkzeug==3.0.6\ngunicorn==23.0.0\n"},
    ),
    App(name="flask-pipenv", make=_pipenv),
    App(name="poetry-new", make=_poetry_new),
    App(name="poetry-app-only", make=_poetry_app),
    App(name="poetry-unlocked", make=_poetry_unlocked),
    App(name="uv-app", make=_uv_app),
    App(name="uv-package", make=_uv_package),
    App(name="uv-workspace", make=_uv_workspace),
    App(name="uv-old-lock", make=_uv_old_lock, refused="uv.lock does not fit pyproject.toml"),
    App(name="fastapi-bare", make=files({"main.py": _FASTAPI, "requirements.txt": "fastapi\n"})),
    App(
        name="fastapi-railway",
        make=files(
            {
                "main.py": _FASTAPI,
                "requirements.txt": "fastapi\nuvicorn\nhypercorn\n",
                "Procfile": "web: hypercorn main:app --bind 0.0.0.0:$PORT\n",
            }
        ),
    ),
    App(
        name="fastapi-pyproject",
        make=files(
            {
                "app/main.py": _FASTAPI,
                "app/__init__.py": "",
                "pyproject.toml": '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.9"\n'
                'dependencies = ["fastapi", "uvicorn[standard]"]\n',
            }
        ),
    ),
    App(name="starlette", make=files({"app.py": _STARLETTE, "requirements.txt": "starlette\nuvicorn\n"})),
    App(name="litestar", make=files({"app.py": _LITESTAR, "requirements.txt": "litestar\n"})),
    App(
        name="quart",
        make=files(
            {"app.py": _FLASK.replace("Flask", "Quart").replace("flask", "quart"), "requirements.txt": "quart\n"}
        ),
    ),
    App(
        name="falcon",
        make=files(
            {
                "api.py": "import falcon\n\n\nclass Index:\n    def on_get(self, req, resp):\n"
                "        resp.text = 'hello'\n\n\napp = falcon.App()\napp.add_route('/', Index())\n",
                "requirements.txt": "falcon\n",
            }
        ),
    ),
    App(name="django-startproject", make=_django_start, says="The install worked successfully"),
    App(name="django-heroku", make=_django_heroku, path="/admin/login/", says="Django administration"),
    App(
        name="django-secret-key",
        make=_django_secret,
        says="The install worked successfully",
        config=("SECRET_KEY=of-the-test",),
    ),
    App(
        name="setuptools-templates",
        make=files({"pyproject.toml": _TEMPLATES, "app.py": _FLASK, "templates/x.html": "", "static/x.css": ""}),
    ),
    App(
        name="setup-py",
        make=files(
            {
                "setup.py": "from setuptools import setup\n\nsetup(name='shop', version='1', py_modules=['shop'], "
                "install_requires=['flask', 'gunicorn'])\n",
                "shop.py": _FLASK,
                "Procfile": "web: gunicorn shop:app\n",
            }
        ),
    ),
    App(name="plain-python", make=files({"main.py": _PLAIN})),
    App(name="python-3-12", make=files({"main.py": _PLAIN, ".python-version": "3.12\n"}), says="hello 3.12"),
    App(
        name="python-runtime-txt",
        make=files({"main.py": _PLAIN, "requirements.txt": "idna\n", "runtime.txt": "python-3.13.0\n"}),
        says="hello 3.13",
    ),
    App(
        name="python-of-the-future",
        make=files({"main.py": _PLAIN, ".python-version": "3.99\n"}),
        refused=".python-version asks for Python 3.99; this machine has",
    ),
    App(
        name="powershell-requirements",
        make=files({"app.py": _FLASK, "requirements.txt": "flask\r\ngunicorn\r\n".encode("utf-16")}),
    ),
    App(
        name="windows-procfile",
        make=files(
            {
                "app.py": _FLASK,
                "requirements.txt": b"\xef\xbb\xbfflask\r\ngunicorn\r\n",
                "Procfile": b"\xef\xbb\xbfweb: gunicorn app:app\r\n",
            }
        ),
    ),
    App(
        name="worker-and-release",
        make=files(
            {
                "app.py": _FLASK,
                "requirements.txt": "flask\ngunicorn\n",
                "Procfile": "release: python -c 'print(1)'\nweb: gunicorn app:app\nworker: python -m http.server 0\n"
                "console: python\n",
            }
        ),
        scale="worker=1",
    ),
    App(
        name="websocket-python",
        make=files({"main.py": _SOCKET, "requirements.txt": "fastapi\nuvicorn[standard]\n"}),
        websocket="/ws",
    ),
    App(name="sse-python", make=files({"main.py": _STREAM, "requirements.txt": "fastapi\nuvicorn\n"}), says="hello 2"),
    App(
        name="root-python",
        make=files({"services/api/main.py": _FASTAPI, "services/api/requirements.txt": "fastapi\n", "README.md": "x"}),
        root="services/api",
    ),
    App(
        name="app-json",
        make=files(
            {
                "app.py": _FLASK.replace('"hello"', '"hello " + str(len(os.environ["KEY"]))').replace(
                    "from flask", "import os\n\nfrom flask"
                ),
                "requirements.txt": "flask\n",
                "app.json": '{"env": {"KEY": {"generator": "secret"}, "OTHER": "x"}}',
            }
        ),
        says="hello 64",
    ),
    App(
        name="mkdocs",
        make=files({"requirements.txt": "mkdocs\n", "mkdocs.yml": "site_name: x\n", "docs/index.md": "# hello\n"}),
    ),
    App(
        name="missing-package",
        make=files({"app.py": _FLASK, "requirements.txt": "flask\nno-such-package-of-slipway\n"}),
        refused="the versions that are asked for cannot be had together",
    ),
)
