"""Replaces the pointers of Git LFS in a commit that was fetched by the files that they stand for.

`git lfs` itself connects to whatever address an LFS server names, those inside the platform's network too, and cannot
be held to the ones that were checked. So this asks the server itself: its batch API, then one GET for each object.
"""

import hashlib
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urljoin, urlsplit

from functions.common.adapters.http_client import Answer, HttpClient
from functions.common.adapters.lazy import lazy
from functions.common.domain.git_url import checked_git_url, repository_path
from functions.common.errors import Rejected, Unavailable
from functions.local.builds.fetch import GIT, QUIET, Source, Sources, check_place, public_addresses, read_git
from functions.local.builds.steps import Steps

if TYPE_CHECKING:
    from urllib import request
else:  # 25 ms, and few repositories have such files
    request = lazy("urllib.request")

_VERSION = b"version https://git-lfs.github.com/spec/v1"
_POINTER = re.compile(_VERSION + rb"\r?\noid sha256:([0-9a-f]{64})\r?\nsize ([0-9]{1,18})(?:\r?\n)?\Z")
_POINTER_BYTES = 1024
_ATTRIBUTES_BYTES = 100 * 1024**2  # git itself ignores a longer file
_CONFIG, _ATTRIBUTES = ".lfsconfig", ".gitattributes"
_URL_NAMES = ("lfs.url", "remote.origin.lfsurl")
_TYPE = "application/vnd.git-lfs+json"
_ENDPOINT = "/info/lfs"
_BATCH, _PLACES, _REDIRECTS = 100, 4, 5
_SECONDS = 30.0
_SSH_SECONDS = 60
# What a server answers is chosen by the person who has it.
_ODD = (ValueError, TypeError, AttributeError, LookupError, subprocess.TimeoutExpired)
_ANY_STATUS = range(400, 600)  # each is explained here


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """What a file in Git LFS has instead of its content."""

    path: str
    oid: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """An LFS server; `is_own`: the platform's credentials may be used."""

    url: str
    is_own: bool = False
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    auth: tuple[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LargeFiles:
    """The files in Git LFS of one commit, in a folder that is `path` in the app."""

    steps: Steps
    sources: Sources
    source: Source
    folder: Path
    path: str

    def fetch(self, files: Sequence[str]) -> None:
        """Fetch what the pointers among the files of the commit stand for. Raises StepFailed, which names a file."""
        if not any(self._mentions_lfs(one) for one in files if Path(one).name == _ATTRIBUTES):
            return
        with self.steps.step("large files", "Looking for files in Git LFS"):
            pointers = list(self._pointers(files))
            if not pointers:
                return
            self.steps.log.line(f"{len(pointers)} files, {sum(one.size for one in pointers)} bytes")
            try:
                self._fetch(pointers, self._server(files, self.path + pointers[0].path))
            except Unavailable as error:
                raise Rejected(str(error)) from error
            except _ODD as error:
                msg = f"{self.path}{pointers[0].path} is in Git LFS, whose server does not answer as one does ({error})"
                raise Rejected(msg) from error

    def _mentions_lfs(self, path: str) -> bool:
        file = self.folder / path
        return not file.is_symlink() and file.stat().st_size < _ATTRIBUTES_BYTES and b"lfs" in file.read_bytes()

    def _pointers(self, files: Iterable[str]) -> Iterator[Pointer]:
        names = "\0".join(files).encode(errors="surrogateescape")
        answer = read_git(self.steps, ["check-attr", "-z", "--stdin", "filter"], folder=self.folder, given=names)
        fields = answer.decode(errors="surrogateescape").split("\0")
        for path, value in zip(fields[0::3], fields[2::3], strict=False):
            if value != "lfs":
                continue
            check_place(self.folder, path)
            with (self.folder / path).open("rb") as file:
                start = file.read(_POINTER_BYTES)
            if not start.startswith(_VERSION):
                continue
            found = _POINTER.match(start)
            if found is None:
                msg = f"{self.path}{path} is a pointer of Git LFS that cannot be read: add the file again and push"
                raise Rejected(msg)
            yield Pointer(path=path, oid=found[1].decode(), size=int(found[2]))

    # Which server.

    def _server(self, files: Sequence[str], named: str) -> Server:
        given = self._configured() if _CONFIG in files else ""
        if given:
            return self._given_server(given)
        url = self.source.url
        if self.source.protocol == "file":
            raise _keeps_none(named)
        if self.source.protocol == "ssh":
            return self._ssh_server(url)
        if self.source.protocol == "git":
            url = f"https://{checked_git_url(url).host}/{repository_path(url).strip('/')}"
        return Server(url=f"{url.rstrip('/').removesuffix('.git')}.git{_ENDPOINT}", is_own=self.source.is_own)

    def _configured(self) -> str:
        words = ["config", "--blob", f"HEAD:{_CONFIG}", "--null", "--list"]
        listed = read_git(self.steps, words, folder=self.folder).decode(errors="replace")
        found = {key: value for key, _, value in (one.partition("\n") for one in listed.split("\0"))}
        return next((found[name] for name in _URL_NAMES if found.get(name)), "")

    def _given_server(self, given: str) -> Server:
        """Return the server that the repository itself names, which is to be trusted no more than its content."""
        where = f"lfs.url in {self.path}{_CONFIG}"
        url = checked_git_url(given.strip().rstrip("/"), field=where)
        if self.sources.git_url and url.is_at(self.sources.git_url):
            raise _keeps_none(where)
        is_own = self.source.is_own and self.sources.is_own(url.text.removesuffix(_ENDPOINT))
        if url.scheme == "ssh" and is_own:
            return self._ssh_server(url.text)
        if not url.is_web:
            msg = f"{where}: give an https URL"
            raise Rejected(msg)
        return Server(url=url.text, is_own=is_own)

    def _ssh_server(self, text: str) -> Server:
        """Ask the forge over SSH for its LFS server, and for what lets the platform in."""
        url = checked_git_url(text)
        user = (urlsplit(text).username if "://" in text else text.rpartition("@")[0]) or "git"
        path = shlex.quote(repository_path(text).lstrip("/"))
        argv = ["ssh", "-oBatchMode=yes", "-p", str(url.port), "--", f"{user}@{url.host}"]
        done = subprocess.run(
            [*argv, f"git-lfs-authenticate {path} download"],
            env=self.steps.environment, capture_output=True, check=False, timeout=_SSH_SECONDS,
        )  # fmt: skip
        try:
            found = json.loads(done.stdout)
            headers = {str(name): str(value) for name, value in (found.get("header") or {}).items()}
            return Server(url=str(found["href"]).rstrip("/"), headers=headers)
        except (ValueError, LookupError, AttributeError) as error:
            said = done.stderr.decode(errors="replace").strip()[-200:]
            msg = f"{url.host} gives no access to Git LFS over SSH ({said}): is it switched on there?"
            raise Rejected(msg) from error

    # Its objects.

    def _fetch(self, pointers: Sequence[Pointer], server: Server) -> None:
        places: dict[str, list[Pointer]] = {}
        for one in pointers:
            places.setdefault(one.oid, []).append(one)
        oids = list(places)
        for start in range(0, len(oids), _BATCH):
            part = [places[oid][0] for oid in oids[start : start + _BATCH]]
            server, found = self._batch(part, server)
            with ThreadPoolExecutor(_PLACES) as pool:
                for _ in pool.map(lambda one: self._download(places[one.oid], found.get(one.oid), server), part):  # noqa: B023 - the pool ends with the turn
                    pass

    def _batch(self, pointers: Sequence[Pointer], server: Server) -> tuple[Server, dict[str, dict[str, Any]]]:
        """Return what the server says of each object by its oid, and the server as it let the platform in."""
        objects = [{"oid": one.oid, "size": one.size} for one in pointers]
        asked = {"operation": "download", "transfers": ["basic"], "hash_algo": "sha256", "objects": objects}
        sent = json.dumps(asked).encode()
        answer = self._ask(server, sent)
        if answer.status == HTTPStatus.UNAUTHORIZED and server.is_own and server.auth is None:
            server = replace(server, auth=self._credentials(server.url))
            answer = self._ask(server, sent)
        if not answer.is_success:
            named = f"{self.path}{pointers[0].path}"
            raise _refused(server, f"answers {answer.status}", named)
        found = answer.read(lambda body: {str(one["oid"]): dict(one) for one in body["objects"]})
        return server, found

    def _ask(self, server: Server, sent: bytes) -> Answer:
        headers = {"Accept": _TYPE, "Content-Type": _TYPE, **server.headers}
        client, path = self._client(f"{server.url}/objects/batch", headers=headers, auth=server.auth)
        return client.call("POST", path, content=sent, attempts=3, allow=_ANY_STATUS)

    def _credentials(self, url: str) -> tuple[str, str] | None:
        """Return what git would log in with, from the credential helpers of the platform's user."""
        parts = urlsplit(url)
        asked = f"protocol={parts.scheme}\nhost={parts.netloc}\npath={parts.path.lstrip('/')}\n\n"
        environment = {**self.steps.environment, **QUIET}
        done = subprocess.run(
            [*GIT, "credential", "fill"], env=environment, input=asked.encode(), capture_output=True, check=False
        )
        found = dict(line.split("=", 1) for line in done.stdout.decode(errors="replace").split("\n") if "=" in line)
        return (found.get("username", ""), found["password"]) if found.get("password") else None

    def _download(self, pointers: Sequence[Pointer], found: Mapping[str, Any] | None, server: Server) -> None:
        first, named = pointers[0], f"{self.path}{pointers[0].path}"
        action = ((found or {}).get("actions") or {}).get("download") or {}
        if not action.get("href"):
            said = ((found or {}).get("error") or {}).get("message") or "does not have it"
            raise _refused(server, f"says: {str(said)[:200]}", named)
        target = self.folder / first.path
        with target.open("wb") as file:
            self._save(str(action["href"]), dict(action.get("header") or {}), server, first, file)
        with target.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != first.oid:
            raise _refused(server, "sends another content than the pointer names", named)
        for other in pointers[1:]:
            shutil.copyfile(target, self.folder / other.path)

    def _save(self, href: str, headers: dict[str, str], server: Server, one: Pointer, file: BinaryIO) -> None:
        url = urljoin(f"{server.url}/", href)
        for _ in range(_REDIRECTS):
            is_same = urlsplit(url)[:2] == urlsplit(server.url)[:2]
            has_own = any(name.lower() == "authorization" for name in headers)
            client, path = self._client(url, headers=headers, auth=server.auth if is_same and not has_own else None)
            answer = client.save(path, file=file, most=one.size)
            if answer.is_success:
                return
            if not answer.headers.get("location"):
                raise _refused(server, f"answers {answer.status}", f"{self.path}{one.path}")
            moved = urljoin(url, answer.headers["location"])
            headers = headers if urlsplit(moved)[:2] == urlsplit(url)[:2] else {}
            url = moved
        raise _refused(server, "redirects without an end", f"{self.path}{one.path}")

    def _client(
        self, url: str, *, headers: Mapping[str, str], auth: tuple[str, str] | None
    ) -> tuple[HttpClient, str]:  # fmt: skip
        """Return a client of the URL's host under the address that was checked, and the rest of the URL."""
        parts = urlsplit(url)
        root = f"{parts.scheme}://{parts.netloc}"
        checked = checked_git_url(f"{root}/x", field="the URL of a file in Git LFS")
        if not checked.is_web:
            msg = f"{root}: Git LFS is fetched over https"
            raise Rejected(msg)
        addresses = public_addresses(checked, hosts=self.sources.hosts, environment=self.steps.environment)
        is_proxied = checked.scheme in request.getproxies() and not request.proxy_bypass(checked.host)
        client = HttpClient(
            service=f"the Git LFS server {checked.host}",
            url=root,
            headers=headers,
            auth=auth,
            timeout=_SECONDS,
            address="" if is_proxied or not addresses else addresses[0],
        )
        return client, parts._replace(scheme="", netloc="", fragment="").geturl() or "/"


def _keeps_none(named: str) -> Rejected:
    return Rejected(
        f"{named}: this machine's git server keeps no objects of Git LFS. Put the files into git by `git lfs migrate "
        f"export --everything --include='*'` and push again, or name another forge's server by lfs.url in {_CONFIG}"
    )


def _refused(server: Server, what: str, named: str) -> Rejected:
    host = urlsplit(server.url).hostname
    remedy = (
        "push its objects by `git lfs push --all REMOTE`, and check that the platform may read them"
        if server.is_own or server.headers
        else "push its objects by `git lfs push --all REMOTE`; it is asked without credentials, so they must be public"
    )
    return Rejected(f"{named} is in Git LFS, and its content cannot be fetched: the server {host} {what}: {remedy}")
