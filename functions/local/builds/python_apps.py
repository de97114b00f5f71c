"""How a Python app without a `web` line starts: by the framework whose object its files make."""

import ast
import shlex
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from functions.common.errors import Rejected
from functions.local.builds.tree import Tree

# The class that makes the application object -> its package, the server's, and what of the object is served.
_MAKERS = {
    "FastAPI": ("fastapi", "uvicorn", ""),
    "Starlette": ("starlette", "uvicorn", ""),
    "Litestar": ("litestar", "uvicorn", ""),
    "Quart": ("quart", "uvicorn", ""),
    "BlackSheep": ("blacksheep", "uvicorn", ""),
    "Flask": ("flask", "gunicorn", ""),
    "APIFlask": ("apiflask", "gunicorn", ""),
    "OpenAPI": ("flask-openapi3", "gunicorn", ""),
    "Dash": ("dash", "gunicorn", ".server"),
    "Bottle": ("bottle", "gunicorn", ""),
    "App": ("falcon", "gunicorn", ""),
}
_FACTORIES = ("create_app", "make_app", "create_application", "get_app")
# Where people put the object; other files of the two upper levels come after these.
_USUAL = ("app.py", "main.py", "wsgi.py", "asgi.py", "application.py", "server.py", "api.py", "run.py", "index.py")
_SCRIPTS = ("main.py", "app.py", "server.py", "run.py", "bot.py")
_DEPTH = 2
_MOST_FILES = 200  # a parsed file takes some milliseconds
_GUNICORN = "gunicorn --bind $HOST:$PORT"
_UVICORN = "uvicorn --host $HOST --port $PORT --proxy-headers"
_SERVERS = {"gunicorn": _GUNICORN, "uvicorn": _UVICORN}


@dataclass(frozen=True, slots=True)
class _Object:
    """An application object, `module:name`, which is made by `maker`."""

    place: str
    maker: str


def default_web(tree: Tree, packages: AbstractSet[str], *, guess: bool = True) -> tuple[str, str, str]:
    """Return the command of the web process, why it is that, and the server package that is still to be installed.

    `packages` are the names of the installed ones; `guess` takes a script by its name too. All are empty where nothing
    says how to start the app.
    """
    if "django" in packages and tree.has("manage.py"):
        return _django(tree, packages)
    if "streamlit" in packages and (script := _mentioning(tree, "streamlit")):
        options = "--server.port $PORT --server.address $HOST --server.headless true"
        return f"streamlit run {shlex.quote(script)} {options}", f"Streamlit in {script}", ""
    for found in _objects(tree):
        package, server, served = _MAKERS[found.maker]
        if package in packages:
            place = f"{found.place}{served}"
            command = f"{_SERVERS[server]} {shlex.quote(place)}"
            return command, f"{found.maker} in {place}", _missing(packages, server)
    if factory := _factory(tree, packages):
        return factory
    script = tree.first(*_SCRIPTS) if guess else ""
    return (f"python {script}", script, "") if script else ("", "", "")


def _missing(packages: AbstractSet[str], server: str) -> str:
    return "" if server in packages else server


def _django(tree: Tree, packages: AbstractSet[str]) -> tuple[str, str, str]:
    is_asynchronous = bool(packages & {"channels", "daphne", "uvicorn"}) and "gunicorn" not in packages
    name = "asgi.py" if is_asynchronous else "wsgi.py"
    found = next((path for path in tree.files(".py", depth=_DEPTH) if path.name == name), None)
    if found is None:
        return "python manage.py runserver --noreload $HOST:$PORT", "manage.py", ""
    place = shlex.quote(f"{_module(found, tree.folder)}:application")
    if name == "wsgi.py":
        return f"{_GUNICORN} {place}", "Django's wsgi.py", _missing(packages, "gunicorn")
    if "daphne" in packages:
        return f"daphne --bind $HOST --port $PORT {place}", "Django's asgi.py", ""
    return f"{_UVICORN} {place}", "Django's asgi.py", _missing(packages, "uvicorn")


def _factory(tree: Tree, packages: AbstractSet[str]) -> tuple[str, str, str] | None:
    """Return how an app starts that a function makes, as Flask's documents suggest."""
    if "flask" not in packages:
        return None
    for path, module in _modules(tree):
        names = {node.name for node in module.body if isinstance(node, ast.FunctionDef)}
        name = next((one for one in _FACTORIES if one in names), "")
        if name:
            place = f"{_module(path, tree.folder)}:{name}()"
            return f"{_GUNICORN} {shlex.quote(place)}", f"Flask in {place}", _missing(packages, "gunicorn")
    return None


def _objects(tree: Tree) -> Iterator[_Object]:
    """Return the objects that a module makes by calling a framework's class, or as Falcon's `falcon.App`."""
    for path, module in _modules(tree):
        for node in module.body:
            targets = node.targets if isinstance(node, ast.Assign) else []
            value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
            names = [target for target in targets if isinstance(target, ast.Name)]
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                names = [node.target]
            maker = _called(value)
            if names and maker in _MAKERS:
                yield _Object(f"{_module(path, tree.folder)}:{names[0].id}", maker)


def _called(value: ast.expr | None) -> str:
    function = value.func if isinstance(value, ast.Call) else None
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _modules(tree: Tree) -> Iterator[tuple[Path, ast.Module]]:
    usual = [tree.folder / name for name in _USUAL if tree.has(name)]
    others = (path for path in tree.files(".py", depth=_DEPTH) if path not in usual)
    for path in (*usual, *islice(others, _MOST_FILES)):
        if module := _parsed(tree, path):
            yield path, module


def _parsed(tree: Tree, path: Path) -> ast.Module | None:
    """Return the syntax of a file, None where it has none: Python itself will say so."""
    try:
        return ast.parse(tree.text(str(path.relative_to(tree.folder))))
    except (SyntaxError, ValueError, RecursionError, MemoryError, Rejected):
        return None


def _module(path: Path, folder: Path) -> str:
    """Return the name by which a file is imported from the app's folder."""
    parts = path.relative_to(folder).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def _mentioning(tree: Tree, package: str) -> str:
    for path, module in _modules(tree):
        imported = (name.name for node in module.body if isinstance(node, ast.Import) for name in node.names)
        if path.parent == tree.folder and package in imported:
            return path.name
    return ""


def static_settings(tree: Tree) -> str:
    """Return the settings file of a Django project that says where to collect static files; empty when none does."""
    environment = tree.json("app.json").get("env")
    if not tree.has("manage.py") or (isinstance(environment, dict) and "DISABLE_COLLECTSTATIC" in environment):
        return ""
    settings = (path for path in tree.files(".py", depth=_DEPTH) if "settings" in {path.stem, path.parent.name})
    for path in settings:
        module = _parsed(tree, path)
        if module and "STATIC_ROOT" in _assigned(module):
            return str(path.relative_to(tree.folder))
    return ""


def _assigned(module: ast.Module) -> set[str]:
    targets = (target for node in module.body if isinstance(node, ast.Assign) for target in node.targets)
    return {target.id for target in targets if isinstance(target, ast.Name)}
