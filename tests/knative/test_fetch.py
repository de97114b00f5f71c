"""The step that fetches a commit on a cluster: its script, run by a shell as Tekton runs it, from a real git server."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.local.builds.plain_forge import Forge, plain_forge, pointer
from tests.local.repositories import GIT
from tests.patience import patient

FETCH = ROOT / "knative" / "platform" / "builds" / "fetch.yaml"
PYTHON = {"Procfile": 'web: python app.py\nrelease:\tsh -c "x" \n'}
ODD = {"Dockerfile": "", "Procfile": 'web: run "a b" c\\d\nnonsense\n'}
WHO = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """git's own server over `folder`/OWNER/NAME."""

    folder: Path
    url: str

    def commit(self, name: str, files: dict[str, str], *, branch: str = "main") -> str:
        """Commit files to a branch of a repository, and return the sha."""
        folder = self.folder / name
        if not folder.exists():
            folder.mkdir(parents=True)
            self.git(name, "init", "-q", "-b", "main")
        self.git(name, "checkout", "-q", *(() if self._has(name, branch) else ("--orphan",)), branch)
        for path, content in files.items():
            (folder / path).write_text(content)
        self.git(name, "add", ".")
        self.git(name, *WHO, "commit", "-qm", "one", "--allow-empty")
        return self.git(name, "rev-parse", "HEAD")

    def git(self, name: str, *words: str) -> str:
        """Run git in a repository."""
        argv = [GIT, "-C", str(self.folder / name), *words]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()

    def _has(self, name: str, branch: str) -> bool:
        return (self.folder / name / ".git" / "refs" / "heads" / branch).exists()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("git")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--export-all", "--reuseaddr", "--listen=127.0.0.1", f"--port={port}", f"--base-path={folder}"]
    argv = [GIT, "daemon", *options, str(folder)]
    with subprocess.Popen(argv, stderr=subprocess.DEVNULL, start_new_session=True) as daemon:
        end = time.monotonic() + patient(10)
        while socket.socket().connect_ex(("127.0.0.1", port)) and time.monotonic() < end:
            time.sleep(0.02)
        yield Server(folder=folder, url=f"git://127.0.0.1:{port}")
        os.killpg(daemon.pid, signal.SIGTERM)  # git has started a program of its own


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    with plain_forge(tmp_path_factory.mktemp("forge")) as found:
        yield found


def fetched(folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the step's script with its environment, and its results in the folder."""
    (step,) = yaml.safe_load(FETCH.read_text())["spec"]["steps"]
    script = step["script"]
    for result in ("strategy", "PROCESSES"):
        script = script.replace(f"$(results.{result}.path)", str(folder / result))
    fixed = {one["name"]: one["value"] for one in step["env"] if "$(" not in one["value"]}
    known = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "REF": "refs/heads/main", "SOURCE": str(folder / "src")}
    known |= {"STRATEGY": "buildpacks", "BUILDAH_IMAGE": "", "RESOLVE": "", "ROOT": ""}
    shell = shutil.which("sh") or "/bin/sh"
    return subprocess.run(
        [shell, "-c", script], env={**fixed, **known, **environment}, check=False, capture_output=True, text=True
    )


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
    server: Server, tmp_path: Path, files: dict[str, str], strategy: str, processes: str
) -> None:
    name = f"team/{tmp_path.name}"
    sha = server.commit(name, files)

    given = {"CLONE_URL": f"{server.url}/{name}", "SHA": sha, "STRATEGY": "auto", "BUILDAH_IMAGE": "buildah"}
    done = fetched(tmp_path, given)

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "strategy").read_text() == strategy
    assert (tmp_path / "PROCESSES").read_text() == processes
    assert {one.name for one in (tmp_path / "src").iterdir()} - {".git"} == set(files)


def test_an_app_in_a_folder_is_built_there_or_the_folder_is_named(server: Server, tmp_path: Path) -> None:
    files = {"Dockerfile": "FROM scratch", "web.txt": ""}
    (server.folder / "team/mono/web").mkdir(parents=True)
    server.git("team/mono", "init", "-q", "-b", "main")
    (server.folder / "team/mono/out").symlink_to("/etc")
    sha = server.commit("team/mono", {**files, "web/Procfile": "web: a\n"})
    given = {"CLONE_URL": f"{server.url}/team/mono", "SHA": sha, "STRATEGY": "auto", "BUILDAH_IMAGE": "buildah"}
    for root, strategy in (("web", "buildpacks"), ("", "dockerfile")):
        (tmp_path / f"at-{root}").mkdir()
        done = fetched(tmp_path / f"at-{root}", {**given, "ROOT": root})
        assert done.returncode == 0, done.stderr
        assert (tmp_path / f"at-{root}" / "strategy").read_text() == strategy
    assert '"web":"/cnb/process/web"' in (tmp_path / "at-web" / "PROCESSES").read_text()
    for root in ("none", "web/none", "out", "web.txt"):
        (tmp_path / root.replace("/", "-")).mkdir()
        done = fetched(tmp_path / root.replace("/", "-"), {**given, "ROOT": root})
        assert done.returncode == 1
        assert f"the app's root {root} is no folder of this commit: at its top there are: out web" in done.stderr


def test_a_dockerfile_without_a_builder_says_what_to_set(server: Server, tmp_path: Path) -> None:
    sha = server.commit("team/docker", {"Dockerfile": ""})

    done = fetched(tmp_path, {"CLONE_URL": f"{server.url}/team/docker", "SHA": sha, "STRATEGY": "auto"})

    assert done.returncode == 1
    assert "SLIPWAY_BUILDAH_IMAGE" in done.stderr


def test_a_commit_must_be_on_its_branch(server: Server, tmp_path: Path) -> None:
    old = server.commit("team/moved", {"app.py": "1"})
    for _ in range(250):
        server.git("team/moved", *WHO, "commit", "-qm", "more", "--allow-empty")
    elsewhere = server.commit("team/moved", {"app.py": "3"}, branch="other")
    url = f"{server.url}/team/moved"
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()

    assert fetched(tmp_path / "a", {"CLONE_URL": url, "SHA": old}).returncode == 0
    done = fetched(tmp_path / "b", {"CLONE_URL": url, "SHA": elsewhere})

    assert done.returncode == 1
    assert f"commit {elsewhere} is not on main" in done.stderr


@pytest.mark.parametrize(
    "url", ["ext::sh -c 'touch {}'", "file://{}", "{}", "fd::0", "ssh://-oProxyCommand=touch%20{}/a/b"]
)
def test_git_gets_no_command_and_no_file(url: str, tmp_path: Path) -> None:
    done = fetched(tmp_path, {"CLONE_URL": url.format(tmp_path / "touched"), "SHA": "a" * 40})

    assert done.returncode != 0
    assert not (tmp_path / "touched").exists()


def test_a_submodule_of_the_same_owner_is_fetched(server: Server, tmp_path: Path) -> None:
    server.commit("team/part", {"part.py": ""})
    server.commit("team/whole", {"app.py": ""})
    server.git("team/whole", *WHO, "submodule", "--quiet", "add", str(server.folder / "team/part"), "part")
    server.git("team/whole", "config", "--file", ".gitmodules", "submodule.part.url", "../part")
    sha = server.commit("team/whole", {})

    done = fetched(tmp_path, {"CLONE_URL": f"{server.url}/team/whole", "SHA": sha})

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "src" / "part" / "part.py").exists()


def test_an_ssh_url_of_the_same_owner_is_fetched_as_the_app_is_and_so_is_what_is_inside(
    server: Server, tmp_path: Path
) -> None:
    for name, inside in (("deep", ""), ("middle", "deep"), ("top", "middle")):
        server.commit(f"team/{name}", {f"{name}.py": ""})
        if inside:
            server.git(
                f"team/{name}", *WHO, "submodule", "--quiet", "add", str(server.folder / "team" / inside), "part"
            )
            server.git(
                f"team/{name}", "config", "--file", ".gitmodules", "submodule.part.url", f"git@127.0.0.1:team/{inside}"
            )
            server.commit(f"team/{name}", {})
    done = fetched(
        tmp_path, {"CLONE_URL": f"{server.url}/team/top", "SHA": server.git("team/top", "rev-parse", "HEAD")}
    )

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "src" / "part" / "part" / "deep.py").exists()


def test_a_commit_of_an_unnamed_or_unpushed_repository_is_said(server: Server, tmp_path: Path) -> None:
    server.commit("team/none", {"a.py": ""})
    server.git("team/none", "update-index", "--add", "--cacheinfo", f"160000,{'a' * 40},libs/one")
    server.git("team/none", *WHO, "commit", "-qm", "link")
    unnamed = server.git("team/none", "rev-parse", "HEAD")
    text = '[submodule "libs/one"]\n\tpath = libs/one\n\turl = ../none\n'
    (server.folder / "team/none/.gitmodules").write_text(text)
    server.git("team/none", "add", ".gitmodules")
    server.git("team/none", *WHO, "commit", "-qm", "named")
    unpushed = server.git("team/none", "rev-parse", "HEAD")

    for sha, why in ((unnamed, "does not say of which"), (unpushed, "its commit cannot be fetched")):
        (tmp_path / sha).mkdir()
        done = fetched(tmp_path / sha, {"CLONE_URL": f"{server.url}/team/none", "SHA": sha})
        assert done.returncode == 1
        assert f"submodule libs/one: {why}" in done.stderr or "libs/one: it is" in done.stderr
        assert why in done.stderr


LARGE = {".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n"}


def without_lfs(folder: Path) -> str:
    """Return a PATH with all programs of the system except git-lfs."""
    programs = folder / "bin"
    programs.mkdir()
    for one in [*Path("/usr/bin").iterdir(), *Path("/bin").iterdir()]:
        if one.name != "git-lfs" and not (programs / one.name).exists():
            (programs / one.name).symlink_to(one)
    return str(programs)


def test_a_file_in_git_lfs_needs_an_image_with_it(forge: Forge, tmp_path: Path) -> None:
    sha = forge.commit("team/poor", {**LARGE, "sub/a.bin": forge.large(b"there")})

    done = fetched(tmp_path, {"CLONE_URL": forge.url("team/poor"), "SHA": sha, "PATH": without_lfs(tmp_path)})

    assert done.returncode == 1
    assert "file in Git LFS sub/a.bin: the image SLIPWAY_GIT_IMAGE has no git-lfs" in done.stderr


@pytest.mark.skipif(not shutil.which("git-lfs"), reason="git-lfs is not installed: a fetch by it is not tried")
def test_files_in_git_lfs_are_fetched_with_those_of_submodules(forge: Forge, tmp_path: Path) -> None:
    lib = forge.commit("team/lib", {**LARGE, "x/y.bin": forge.large(b"of the submodule")})
    files = {**LARGE, "a.bin": forge.large(b"own")}
    sha = forge.commit("team/rich", files, {"lib": ("../lib.git", lib)})

    done = fetched(tmp_path, {"CLONE_URL": forge.url("team/rich"), "SHA": sha})

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "src/a.bin").read_bytes() == b"own"
    assert (tmp_path / "src/lib/x/y.bin").read_bytes() == b"of the submodule"
    assert not list((tmp_path / "src/.git").rglob("lfs/objects"))


@pytest.mark.skipif(not shutil.which("git-lfs"), reason="git-lfs is not installed: a fetch by it is not tried")
@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://169.254.169.254/latest", "not a public name"),
        ("http://127.0.0.1:1/x/y/info/lfs", "not a public name"),
        ("https://user:word@forge.example.org/x", "must not have a user name"),
        ("ssh://git@forge.example.org/x/y", "give an https URL"),
        ("file:///etc", "give an https URL"),
        ("", "the server does not have it|cannot be fetched"),
    ],
)
def test_files_in_git_lfs_that_may_or_can_not_be_fetched_fail_by_name(
    forge: Forge, tmp_path: Path, url: str, why: str
) -> None:
    name = f"team/{tmp_path.name}"
    files = {**LARGE, "sub/a.bin": pointer("a" * 64, 3)}
    config = {".lfsconfig": f"[lfs]\n\turl = {url}\n\tskipdownloaderrors = true\n"} if url else {}
    sha = forge.commit(name, {**files, **config})

    done = fetched(tmp_path, {"CLONE_URL": forge.url(name), "SHA": sha})

    assert done.returncode == 1
    assert re.search(rf"file in Git LFS sub/a\.bin: .*({why})", done.stderr), done.stderr


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("../../bank/vault", "another protocol"),
        ("{server}/bank/vault", "another protocol"),
        ("{server}/team/../bank/vault", "another protocol"),
        ("{server}/team/%2e%2e/bank/vault", "another protocol"),
        ("ext::touch touched", "another protocol"),
        ("/etc", "another protocol"),
        ("file:///etc", "another protocol"),
        ("ssh://git@forge.example.org/bank/vault", "no address"),
        ("git@127.0.0.1:bank/vault", "not a public name"),
        ("git@-oProxyCommand=touch:x/y", "another protocol"),
        ("https://user:pass@forge.example.org/a/b", "user name"),
        ("http://127.0.0.1:3000/a/b", "not a public name"),
        ("http://169.254.169.254/latest/meta-data", "not a public name"),
        ("http://2130706433/a/b", "not a public name"),
        ("http://[::1]:3000/a/b", "not a public name"),
        ("http://localhost/a/b", "not a public name"),
        ("http://0x7f/a/b", "not a public"),
    ],
)
def test_a_submodule_of_another_owner_gets_neither_credentials_nor_addresses_inside(
    server: Server, tmp_path: Path, url: str, why: str
) -> None:
    name = f"team/{tmp_path.name}"
    server.commit("bank/vault", {"secret.txt": "gold"})
    server.commit(name, {"app.py": ""})
    server.git(name, *WHO, "submodule", "--quiet", "add", str(server.folder / "bank/vault"), "part")
    server.git(name, "config", "--file", ".gitmodules", "submodule.part.url", url.format(server=server.url))
    sha = server.commit(name, {})

    done = fetched(tmp_path, {"CLONE_URL": f"{server.url}/{name}", "SHA": sha})

    assert done.returncode == 1, done.stdout
    assert why in done.stderr
    assert not (tmp_path / "src" / "part" / "secret.txt").exists()
