"""16 own sources: git gets checked URLs and refs alone, and a build has a commit of its app's branch."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from functions.common.adapters.addresses import git_hosts, pinned
from functions.common.adapters.local.builder import LocalBuilder
from functions.common.adapters.local.repositories import GitHeads
from functions.common.adapters.postgres.client import Postgres
from functions.common.domain.build import BuildOrder
from functions.common.domain.git_url import checked_git_url
from functions.common.errors import Rejected
from functions.local.builds.fetch import Source, fetch, folder_source, url_source
from functions.local.builds.steps import BuildLog, StepFailed, Steps
from tests.api_world import api_world
from tests.local.repositories import Repository, make_repository

INSIDE = [
    "http://127.0.0.1:5432/a/b",
    "http://localhost/a/b",
    "https://169.254.169.254/latest/meta-data",
    "http://10.0.0.1/a/b",
    "http://192.168.1.1/a/b",
    "http://172.16.0.1/a/b",
    "http://100.64.0.1/a/b",
    "http://[::1]/a/b",
    "http://[fe80::1]/a/b",
    "http://[fd00::1]/a/b",
    "http://[::ffff:7f00:1]/a/b",
    "http://[64:ff9b::a9fe:a9fe]/a/b",
    "http://[2002:7f00:1::]/a/b",
    "http://0.0.0.0/a/b",
    "git@127.0.0.1:a/b",
    "ssh://git@169.254.169.254/a/b",
    "git://10.1.2.3/a/b",
]


@pytest.mark.parametrize(
    "url", [*INSIDE, "ext::sh -c x", "file:///etc", "/etc", "-oProxyCommand=x:y", "http://127.1/a/b"]
)
def test_invariant_16_no_app_is_made_over_the_platforms_network(url: str, database: str, tmp_path: Path) -> None:
    with api_world(database, tmp_path) as api:
        api.app("shop", git_url="https://git.example.org/people/shop.git")
        made = api.call("POST", "/v1/apps", {"name": "thief", "git_url": url})
        moved = api.call("PUT", "/v1/apps/shop/git", {"url": url})

    assert (made.status, moved.status) == (422, 422)
    assert made.body["error"]


def test_invariant_16_an_operator_allows_a_private_forge_and_no_more(database: str, tmp_path: Path) -> None:
    settings = {"GITEA_URL": "http://10.0.0.1:3000", "GITEA_TOKEN": "x", "GITEA_DEFAULT_ORG": "team"}
    with api_world(database, tmp_path, SLIPWAY_GIT_INTERNAL="10.9.0.0/16", **settings) as api:
        for name, url in (("a", "http://10.0.0.1:3000/x/y"), ("b", "git@10.0.0.1:x/z"), ("c", "http://10.9.8.7/x/y")):
            api.app(name, git_url=url)
        for url in ("http://10.0.0.1:5432/x/y", "http://10.8.0.1/x/y", "http://169.254.169.254/x/y"):
            refused = api.call("POST", "/v1/apps", {"name": "thief", "git_url": url})
            assert (refused.status, "SLIPWAY_GIT_INTERNAL" in refused.body["error"]) == (422, True)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return make_repository(tmp_path)


@pytest.fixture
def steps(tmp_path: Path) -> Steps:
    log = BuildLog(tmp_path / "log")
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path)}
    return Steps(log=log, environment=environment, confine=lambda argv, *_: argv)


def source_at(url: str, ref: str = "refs/heads/main") -> Source:
    return url_source(url, ref, hosts=git_hosts(internal=(), trusted=()), environment={})


@pytest.mark.parametrize("url", [*INSIDE, "ext::sh -c x", "file:///etc", "/etc", "none-such.invalid:a/b"])
def test_invariant_16_a_url_is_checked_again_when_it_is_fetched(url: str) -> None:
    with pytest.raises(Rejected):
        source_at(url)


def test_invariant_16_git_connects_to_the_addresses_that_were_checked(steps: Steps, tmp_path: Path) -> None:
    """The name has no address of its own here: only the checked one leads to the listener."""
    url = checked_git_url("http://forge.example.org:1/a/b")
    assert pinned(url, ("203.0.113.7", "2001:db8::1")) == "forge.example.org:1:203.0.113.7,[2001:db8::1]"
    with _listener() as (port, requests):
        url = checked_git_url(f"http://none-such.invalid:{port}/team/hello")
        setting = ("-c", f"http.curloptResolve={pinned(url, ('127.0.0.1',))}")
        source = Source(url=url.text, ref="refs/heads/main", protocol="http", settings=setting)
        with pytest.raises(StepFailed):
            fetch(steps, source, sha="a" * 40, folder=tmp_path / "out")

    assert requests
    assert all(b"GET /team/hello/info/refs" in request for request in requests)


def test_invariant_16_a_redirect_is_not_followed(steps: Steps, tmp_path: Path) -> None:
    with _listener() as (inner, inside), _listener(f"http://127.0.0.1:{inner}/a/b") as (outer, asked):
        source = Source(url=f"http://127.0.0.1:{outer}/a/b", ref="refs/heads/main", protocol="http")
        with pytest.raises(StepFailed):
            fetch(steps, source, sha="a" * 40, folder=tmp_path / "out")

    assert asked
    assert inside == []


@contextmanager
def _listener(redirect: str = "") -> Iterator[tuple[int, list[bytes]]]:
    """Yield a port and what was sent there; every answer is a redirect or a 404."""
    requests, line = list[bytes](), f"302 Found\r\nLocation: {redirect}/info/refs" if redirect else "404 Not Found"
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    requests.append(connection.recv(4096))
                    connection.sendall(f"HTTP/1.1 {line}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1], requests
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_invariant_16_a_commit_of_another_branch_is_not_built(
    repository: Repository, steps: Steps, tmp_path: Path
) -> None:
    first = repository.commit({"a": "1"})
    repository.commit({"a": "2"})
    lost = repository.commit({"a": "lost"})
    repository.git("update-ref", "refs/heads/other", lost)
    repository.git("update-ref", "refs/heads/main", f"{lost}~1")
    source = folder_source(repository.url, "refs/heads/main")

    fetch(steps, source, sha=first, folder=tmp_path / "first")
    assert (tmp_path / "first" / "a").read_text() == "1"
    with pytest.raises(StepFailed, match="is not on main"):
        fetch(steps, source, sha=lost, folder=tmp_path / "lost")
    fetch(steps, folder_source(repository.url, "refs/heads/other"), sha=lost, folder=tmp_path / "other")


@pytest.mark.parametrize(
    "branch", ["../../../../../../../../etc/hostname", "..", "-x", "a/../../HEAD", "/etc/hostname"]
)
def test_invariant_16_a_branch_names_no_file(branch: str, tmp_path: Path) -> None:
    repository = tmp_path / "slipway" / "hello.git"
    (repository / "refs" / "heads").mkdir(parents=True)
    (repository / "HEAD").write_text("ref: refs/heads/main")
    heads = GitHeads(folder=tmp_path, base_url="http://127.0.0.1:1")

    assert heads.head("http://127.0.0.1:1/slipway/hello.git", branch) == ""
    assert heads.head(f"http://127.0.0.1:1/{'../' * 9}etc/{branch}", "main") is None


@pytest.mark.parametrize(
    ("clone_url", "ref"),
    [
        ("ext::sh -c x", "refs/heads/main"),
        ("/etc", "refs/heads/main"),
        ("-oProxyCommand=x:y", "refs/heads/main"),
        ("https://forge.example.org/a/b", "refs/heads/../../x"),
        ("https://forge.example.org/a/b", "--upload-pack=x"),
        ("https://forge.example.org/a/b", "refs/heads/a b"),
    ],
)
def test_invariant_16_a_builder_takes_no_other_order(clone_url: str, ref: str, database: str) -> None:
    builder = LocalBuilder(database=Postgres(database))
    order = BuildOrder(
        name="hello-1", app="hello", environment="production", push="p1", clone_url=clone_url, ref=ref, sha="a" * 40
    )
    with pytest.raises(Rejected):
        builder.start(order)
    assert builder.observe("hello-1") is None
