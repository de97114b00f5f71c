"""A forge for tests: real repositories as plain files over HTTP, with logins, and the server of Git LFS of its own."""

import base64
import hashlib
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from functions.common.adapters.addresses import git_hosts
from functions.local.builds.fetch import Sources, fetch
from functions.local.builds.steps import BuildLog, Steps
from functions.local.builds.submodules import Completion
from tests.local.repositories import GIT

GIT_SERVER = "http://127.0.0.1:1"  # that of the machine, which a build reads from its folder
LOGIN = ("reader", "letmein")
PRIVATE = "private"
_WHO = ("-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "protocol.file.allow=always")


@dataclass(slots=True, kw_only=True)
class Forge:
    """Repositories OWNER/NAME in `folder`; those whose name begins with `private` need the login.

    `logins` are the paths that were asked for with one. `objects` are those of Git LFS, whose server answers `odd`
    where that is not empty.
    """

    folder: Path
    port: int = 0
    logins: list[str] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    odd: str = ""

    def url(self, name: str, host: str = "127.0.0.1") -> str:
        """Return the URL of a repository at one of the two names that the forge has."""
        return f"http://{host}:{self.port}/{name}.git"

    def commit(self, name: str, files: dict[str, str], modules: dict[str, tuple[str, str]] | None = None) -> str:
        """Commit files and submodules (path -> URL and commit) to a repository, and return the sha."""
        tree, bare = self.folder / "trees" / name, self.folder / f"{name}.git"
        if not tree.exists():
            _git(self.folder, "init", "-q", "-b", "main", str(tree))
            _git(self.folder, "init", "-q", "--bare", "-b", "main", str(bare))
        for path, content in files.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_text(content)
        for path, (url, sha) in (modules or {}).items():
            _git(tree, "update-index", "--add", "--cacheinfo", f"160000,{sha},{path}")
            _git(tree, "config", "--file", ".gitmodules", f"submodule.{path}.path", path)
            _git(tree, "config", "--file", ".gitmodules", f"submodule.{path}.url", url)
        names = [*files, *([".gitmodules"] if (tree / ".gitmodules").exists() else [])]
        _git(tree, "add", "--", *names)
        _git(tree, *_WHO, "commit", "-qm", "one", "--allow-empty")
        _git(tree, "push", "-q", "--force", str(bare), "HEAD:refs/heads/main")
        _git(bare, "update-server-info")
        return _git(tree, "rev-parse", "HEAD")

    def large(self, content: bytes) -> str:
        """Keep an object of Git LFS, and return its pointer."""
        oid = hashlib.sha256(content).hexdigest()
        self.objects[oid] = content
        return pointer(oid, len(content))

    def drop(self, name: str) -> None:
        """Delete a repository."""
        shutil.rmtree(self.folder / f"{name}.git")


def pointer(oid: str, size: int) -> str:
    """Return what git has instead of a file in Git LFS."""
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n"


def _git(folder: Path, *words: str) -> str:
    alone = {"PATH": "/usr/local/bin:/usr/bin:/bin", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    argv = [GIT, "-C", str(folder), *words]
    return subprocess.run(argv, check=True, capture_output=True, text=True, env=alone).stdout.strip()


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *given: Any, forge: Forge) -> None:  # noqa: ANN401 - as the library calls it
        self._forge = forge
        super().__init__(*given, directory=str(forge.folder))

    def do_GET(self) -> None:
        oid = self.path.rpartition("/")[2]
        if self.path in self._forge.moved:
            self._answer(302, b"", Location=self._forge.moved[self.path])
        elif self._is_let_in() and "/objects-of-lfs/" in self.path:
            self._answer(200, self._forge.objects[oid])
        elif self._is_let_in():
            super().do_GET()

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self._is_let_in():
            objects = [self._object(one) for one in asked["objects"]]
            said = json.dumps({"transfer": "basic", "objects": objects}).encode()
            said = self._forge.odd.replace("OID", asked["objects"][0]["oid"]).encode() or said
            self._answer(200, said, **{"Content-Type": "application/vnd.git-lfs+json"})

    def _object(self, one: dict[str, Any]) -> dict[str, Any]:
        if one["oid"] not in self._forge.objects:
            return {**one, "error": {"code": 404, "message": "Object does not exist"}}
        root = self.path.partition("/info/lfs")[0]
        href = f"http://{self.headers['Host']}{root}/objects-of-lfs/{one['oid']}"
        return {**one, "actions": {"download": {"href": href}}}

    def _is_let_in(self) -> bool:
        given = self.headers.get("Authorization", "")
        if given:
            self._forge.logins.append(self.path)
        wanted = base64.b64encode(":".join(LOGIN).encode()).decode()
        if self.path.split("/")[2].startswith(PRIVATE) and given != f"Basic {wanted}":
            self._answer(401, b"", **{"WWW-Authenticate": 'Basic realm="forge"'})
            return False
        return True

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def plain_forge(folder: Path) -> Iterator[Forge]:
    """Run a forge with empty folders."""
    forge = Forge(folder=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, forge=forge)) as server:
        forge.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield forge
        finally:
            server.shutdown()
            thread.join()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetching:
    """Fetches commits of a forge as a build does, by a user that has a login at both names of the forge."""

    forge: Forge
    folder: Path

    def sources(self, name: str, **changed: object) -> Sources:
        """Return what an app of a repository of the forge may fetch from."""
        given = {
            "clone_url": self.forge.url(name),
            "folder": "",
            "git_url": GIT_SERVER,
            "git_folder": self.folder / "git",
            "hosts": git_hosts(internal=("127.0.0.1", "localhost"), trusted=()),
            "environment": self.environment(),
        }
        return Sources(**{**given, **changed})  # type: ignore[arg-type]

    def environment(self) -> dict[str, str]:
        """Return that of a user with a login."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        hosts = [f"{host}:{self.forge.port}" for host in ("127.0.0.1", "localhost")]
        (home / ".git-credentials").write_text("".join(f"http://{':'.join(LOGIN)}@{one}\n" for one in hosts))
        (home / ".gitconfig").write_text("[credential]\n\thelper = store\n")
        return {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(home), "NO_PROXY": "127.0.0.1,localhost"}

    def get(self, sources: Sources, sha: str) -> Path:
        """Fetch a commit of main, and return its folder."""
        out = self.folder / "out"
        steps = Steps(log=BuildLog(self.folder / "log"), environment=self.environment(), confine=lambda argv, *_: argv)
        source = sources.app("refs/heads/main")
        tree = fetch(steps, source, sha=sha, folder=out)
        Completion(steps=steps, sources=sources).complete(tree, source, out)
        return out

    def log(self) -> str:
        """Return the log."""
        return (self.folder / "log").read_text()
