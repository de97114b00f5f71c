"""Git over SSH: the two commands of git, and nothing else that SSH can do."""

import asyncio
import hashlib
import os
import stat
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncssh
import pytest

from functions.common.adapters.postgres.members import PostgresSshKeys
from functions.common.settings import Settings
from functions.local.git.composition import git_access
from functions.local.git.ssh_server import Limits, host_key, serve
from functions.local.ports import port_reservations
from tests.databases import Databases
from tests.local.git.forge import Forge, clone, commit, forge, git, ssh_command
from tests.local.git.people import People, fill
from tests.local.waiting import until
from tests.patience import patient

ONLY_GIT = "only `git fetch` and `git push` work here"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A forge with the repository `own` of a user who has a key."""

    forge: Forge
    people: People
    user: str
    key: Path
    database_url: str

    def ssh(self, *options: str, key: Path | None = None) -> "subprocess.CompletedProcess[bytes]":
        """Run the ssh client with these options and words, and return what it did."""
        command = [*ssh_command(key or self.key).split(), "-p", str(self.forge.instance.ports["ssh"]), *options]
        return subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False, timeout=patient(30))

    def connect(
        self, key: Path | None = None, *, port: int = 0
    ) -> "asyncssh.misc._ACMWrapper[asyncssh.SSHClientConnection]":
        """Return a connection of a client that can send anything."""
        port = port or self.forge.instance.ports["ssh"]
        keys = [str(key or self.key)]
        return asyncssh.connect("127.0.0.1", port, username="git", client_keys=keys, known_hosts=None, config=None)


@pytest.fixture(scope="module")
def world(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("ssh")
    with databases.one() as url, forge(folder / "home", url) as running:
        people = People(database=running.database)
        user = people.user("owner")
        people.app("own", owner=user)
        fill(running, "own", folder)
        key = people.key(user, folder / "key")
        yield World(forge=running, people=people, user=user, key=key, database_url=url)
        assert "Traceback" not in running.ssh_log


def test_a_login_without_a_command_is_greeted_and_ended(world: World) -> None:
    for options in (("git@127.0.0.1",), ("-T", "any-name@127.0.0.1"), ("-t", "git@127.0.0.1")):
        done = world.ssh(*options)
        assert done.returncode == 1
        assert b"hello owner@example.org, your SSH key works; there is no shell" in done.stderr
    assert b"PTY allocation request failed" in world.ssh("-tt", "git@127.0.0.1").stderr


@pytest.mark.parametrize(
    "command",
    [
        "id",
        "sh",
        "scp -f /etc/passwd",
        "git",
        "git-shell",
        "git-upload-archive '/slipway/own.git'",
        "git upload-pack '/slipway/own.git'",
        "git-upload-pack",
        "git-upload-pack ",
        "git-upload-pack ''",
        "git-upload-pack '/'",
        "git-upload-pack '/slipway/own.git'; id",
        "git-upload-pack '/slipway/own.git' id",
        "git-upload-pack '/slipway/own.git'\n",
        "git-upload-pack '/slipway/own.git'\nid",
        "git-upload-pack  '/slipway/own.git'",
        " git-upload-pack '/slipway/own.git'",
        "git-upload-pack '/slipway/own.git",
        'git-upload-pack "/slipway/own.git"',
        "git-upload-pack '/slipway/'own.git''",
        "git-upload-pack '/slipway/../slipway/own.git'",
        "git-upload-pack '../slipway/own.git'",
        "git-upload-pack '/slipway/./own.git'",
        "git-upload-pack '/../../etc'",
        "git-upload-pack '~/own.git'",
        "git-upload-pack '/slipway/own.git/config'",
        "git-upload-pack '/.hooks'",
        "git-upload-pack '--help'",
        "git-upload-pack -h",
        "git-upload-pack '-own.git'",
        "git-upload-pack --strict '/slipway/own.git'",
        "git-receive-pack '--receive-pack=id'",
        "git-upload-pack '/slipway/own.git\0'",
        "git-upload-pack\0 '/slipway/own.git'",
        "git-upload-pack '/slipway/öwn.git'",
        "git-upload-pack '/slipway/$(id).git'",
        "git-upload-pack '/slipway/" + "n" * 5000 + ".git'",
    ],
)
def test_every_other_command_is_refused(world: World, command: str) -> None:
    async def run() -> asyncssh.SSHCompletedProcess:
        async with world.connect() as connection:
            return await connection.run(command)

    done = asyncio.run(run())
    assert (done.exit_status, done.stdout) == (1, "")
    assert ONLY_GIT in str(done.stderr)


@pytest.mark.parametrize(
    "command", ["git-upload-pack '/slipway/own.git'", "git-upload-pack '/own'", "git-upload-pack own.git"]
)
def test_the_spellings_of_a_repository_are_one(world: World, command: str) -> None:
    async def run() -> asyncssh.SSHCompletedProcess:
        async with world.connect() as connection:
            return await connection.run(command, input="0000", env={"GIT_PROTOCOL": "version=9", "LD_PRELOAD": "/x"})

    done = asyncio.run(run())
    assert done.exit_status == 0
    assert "refs/heads/main" in str(done.stdout)


def test_a_request_that_is_not_text_and_a_subsystem_run_nothing(world: World) -> None:
    async def run() -> None:
        async with world.connect() as connection:
            with pytest.raises(asyncssh.ChannelOpenError):
                await connection.run(b"git-upload-pack '\xff'", encoding=None)
            with pytest.raises(asyncssh.ChannelOpenError):
                await connection.create_process(subsystem="sftp")

    asyncio.run(run())


def test_no_port_socket_or_agent_is_forwarded(world: World) -> None:
    forward = world.ssh("-W", f"127.0.0.1:{world.forge.instance.ports['git']}", "git@127.0.0.1")
    assert forward.returncode != 0
    assert b"open failed" in forward.stderr or b"forwarding" in forward.stderr.lower()

    async def run() -> None:
        async with world.connect() as connection:
            with pytest.raises(asyncssh.ChannelListenError):
                await connection.forward_remote_port("127.0.0.1", 0, "127.0.0.1", 1)
            with pytest.raises(asyncssh.ChannelListenError):
                await connection.forward_remote_path("/tmp/slipway-test.sock", "/tmp/other")  # noqa: S108 - not made
            with pytest.raises(asyncssh.ChannelOpenError):
                await connection.open_unix_connection("/var/run/any.sock")

    asyncio.run(run())


def test_only_the_key_of_a_user_gets_in(world: World, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "foreign")], check=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-b", "1024", "-N", "", "-f", str(tmp_path / "short")], check=True)
    for name in ("foreign", "short"):
        refused = world.ssh("git@127.0.0.1", key=tmp_path / name)
        assert refused.returncode == 255
        assert b"Permission denied (publickey)" in refused.stderr or b"Invalid key length" in refused.stderr
    asked = world.ssh("-o", "PubkeyAuthentication=no", "git@127.0.0.1")
    assert b"Permission denied (publickey)" in asked.stderr


def test_a_removed_key_stops_working_at_once_also_on_an_open_connection(world: World, tmp_path: Path) -> None:
    key = world.people.key(world.user, tmp_path / "old")
    keys = PostgresSshKeys(database=world.people.database)
    (record,) = [one for one in keys.of_user(world.user) if one.name == "old"]

    async def run() -> asyncssh.SSHCompletedProcess:
        async with world.connect(key) as connection:
            assert (await connection.run("git-upload-pack '/own'", input="0000")).exit_status == 0
            assert keys.remove(world.user, record.id)
            return await connection.run("git-upload-pack '/own'")

    done = asyncio.run(run())
    assert (done.exit_status, done.stdout) == (1, "")
    assert "your SSH key was removed" in str(done.stderr)
    assert b"Permission denied" in world.ssh("git@127.0.0.1", key=key).stderr


def test_a_push_over_ssh_is_announced_as_its_users(world: World, tmp_path: Path) -> None:
    work = clone(tmp_path / "work")
    sha = commit(work, {"a.txt": "1"}, "over ssh")
    world.forge.gateway.received.clear()
    with world.forge.gateway.listening():
        output = git("push", world.forge.over_ssh("own.git"), "HEAD:refs/heads/ssh", cwd=work, key=world.key)

    (push,) = world.forge.deliveries("push")
    assert (push["ref"], push["after"], push["pusher"]["email"]) == ("refs/heads/ssh", sha, "owner@example.org")
    assert f"paas explain {sha[:12]}" in output
    assert "push of slipway/own by owner@example.org: exit code 0" in world.forge.ssh_log


def test_a_large_push_and_a_clone_stream_through(world: World, tmp_path: Path) -> None:
    work = clone(tmp_path / "work")
    for number in range(6):
        (work / f"{number}.bin").write_bytes(hashlib.shake_256(str(number).encode()).digest(1_000_000))
    sha = commit(work, {"a.txt": "1"}, "much")
    remote = world.forge.over_ssh("slipway/own.git")
    git("push", "-q", remote, "HEAD:refs/heads/large", cwd=work, key=world.key)
    git("clone", "-q", "--branch", "large", remote, "copy", cwd=tmp_path, key=world.key)

    assert git("rev-parse", "HEAD", cwd=tmp_path / "copy").strip() == sha


def test_the_host_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    made = host_key(tmp_path)
    file = tmp_path / "ssh" / "host_ed25519"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.chmod(0o644)

    assert host_key(tmp_path).get_fingerprint() == made.get_fingerprint()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@asynccontextmanager
async def limited(world: World, folder: Path, limits: Limits) -> AsyncIterator[int]:
    """Serve the world's repositories with these limits and yield the port."""
    environment = {
        "SLIPWAY_PLATFORM": "local",
        "SLIPWAY_LOCAL_HOME": str(world.forge.home),
        "DATABASE_URL": world.database_url,
    }
    access = git_access(Settings(environment=environment))
    with port_reservations() as ports:
        port = ports.take()
        async with await serve(access, port=port, key=host_key(folder), path=os.defpath, limits=limits):
            yield port


def test_a_client_that_says_nothing_is_ended(world: World, tmp_path: Path) -> None:
    async def run() -> float:
        begun = time.monotonic()
        async with (
            limited(world, tmp_path, Limits(idle_seconds=0.5)) as port,
            world.connect(port=port) as connection,
            connection.create_process("git-upload-pack '/own'") as process,
        ):
            await asyncio.wait_for(process.wait(), patient(20))
        return time.monotonic() - begun

    assert asyncio.run(run()) < patient(10)


def test_a_client_that_does_not_log_in_is_ended(world: World, tmp_path: Path) -> None:
    async def run() -> bytes:
        async with limited(world, tmp_path, Limits(login_seconds=0.5)) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            answer = await asyncio.wait_for(reader.read(), patient(10))
            writer.close()
        return answer

    assert asyncio.run(run()).startswith(b"SSH-2.0-Slipway")


def test_connections_and_sessions_are_limited(world: World, tmp_path: Path) -> None:
    async def run() -> None:
        async with (
            limited(world, tmp_path, Limits(connections=2, sessions=1)) as port,
            world.connect(port=port) as first,
            world.connect(port=port) as second,
        ):
            with pytest.raises((OSError, asyncssh.Error)):
                await world.connect(port=port)
            async with first.create_process("git-upload-pack '/own'") as busy:
                await busy.stdout.readline()
                refused = await second.run("git-upload-pack '/own'")
                assert "too many fetches and pushes run now" in str(refused.stderr)
                busy.stdin.write("0000")
                await busy.wait()
            assert (await second.run("git-upload-pack '/own'", input="0000")).exit_status == 0

    asyncio.run(run())


def test_the_program_of_a_client_that_goes_away_ends(world: World) -> None:
    async def run() -> None:
        async with world.connect() as connection:
            process = await connection.create_process("git-upload-pack '/own'")
            await process.stdout.readline()
            connection.abort()

    asyncio.run(run())
    until(lambda: not uploads(world), seconds=10, why="the end of git upload-pack")


def uploads(world: World) -> list[str]:
    """Return the commands that serve a fetch of this forge."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if "upload-pack" in line and str(world.forge.home) in line]
