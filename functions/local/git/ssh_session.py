"""One command of git over SSH: what the client asks for, whether it may, and git's program that answers."""

import asyncio
import logging
import re
import time
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

from functions.common.errors import NotFound, Rejected, Unavailable
from functions.common.ports.accounts import Caller
from functions.local.git.access import REPOSITORY, Forbidden, GitAccess, Service
from functions.local.git.composition import git_environment

Client = asyncssh.SSHServerProcess[bytes]

_COMMAND = re.compile(
    rf"(?P<service>git-upload-pack|git-receive-pack) (?P<quote>'?)(?P<repository>{REPOSITORY})/?(?P=quote)"
)
_PROTOCOL = re.compile("version=[0-2]")
_CHUNK_BYTES = 65_536
_GONE_SECONDS = 30.0
_log = logging.getLogger("slipway")


class _Refused(Exception):
    """The command is not run; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A program of git on a repository."""

    service: Service
    repository: str

    @classmethod
    def parse(cls, text: str) -> "Command":
        """Return the command of a client. Raises Rejected for any other than git's two."""
        match = _COMMAND.fullmatch(text)
        if match is None:
            msg = "only `git fetch` and `git push` work here, on repositories such as /slipway/NAME.git"
            raise Rejected(msg)
        return cls(service=Service(match["service"]), repository=match["repository"])


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRunner:
    """Runs the commands of clients; one that sends and gets nothing for `idle_seconds` is ended."""

    access: GitAccess
    path: str
    idle_seconds: float

    async def run(self, client: Client, fingerprint: str) -> None:
        """Answer one session of a client that has proven to hold the key."""
        begun = time.monotonic()
        try:
            caller, command, folder = await asyncio.to_thread(self._authorized, client, fingerprint)
        except _Refused as refused:
            refuse(client, str(refused))
            return
        environment = git_environment(self.path, pusher=caller.email, protocol=_protocol(client))
        code = await self._git(client, command.service, folder, environment)
        seconds = time.monotonic() - begun
        name = f"{folder.parent.name}/{folder.stem}"
        _log.info("%s of %s by %s: exit code %d, %.2f s", command.service.noun, name, caller.email, code, seconds)

    def _authorized(self, client: Client, fingerprint: str) -> tuple[Caller, Command, Path]:
        try:
            caller = self.access.of_key(fingerprint)  # again: it may have been removed since the connection began
            if caller is None:
                msg = "your SSH key was removed: add one with `paas keys add`"
                raise _Refused(msg)
            if client.command is None:
                msg = f"hello {caller.email}, your SSH key works; there is no shell, only `git fetch` and `git push`"
                raise _Refused(msg)
            command = Command.parse(client.command)
            return caller, command, self.access.path(caller, command.repository, command.service)
        except (Rejected, NotFound, Forbidden, Unavailable) as error:
            raise _Refused(str(error)) from error

    async def _git(self, client: Client, service: Service, folder: Path, environment: dict[str, str]) -> int:
        """Run git's program between client and repository and return its exit code."""
        try:
            program = await asyncio.create_subprocess_exec(
                "git", service.removeprefix("git-"), str(folder), env=environment, stdin=PIPE, stdout=PIPE, stderr=PIPE
            )
        except OSError as error:
            refuse(client, f"git cannot be started: {error.strerror}")
            return -1
        flow = _Flow(client=client, program=program)
        finished = await flow.until_end(idle_seconds=self.idle_seconds)
        # A push whose client has gone away is stored and announced all the same.
        await flow.end(seconds=_GONE_SECONDS if finished or service is Service.PUSH else 0)
        code = program.returncode or 0
        client.exit(code if code >= 0 else 1)
        return code


def _protocol(client: Client) -> str:
    given = client.env.get("GIT_PROTOCOL", "")
    return given if _PROTOCOL.fullmatch(given) else ""


# What a client that goes away, or one that sends a signal or a key press, makes of the streams.
_CLOSED = (OSError, asyncssh.Error, asyncssh.BreakReceived, asyncssh.SignalReceived, asyncssh.TerminalSizeChanged)


def refuse(client: Client, text: str) -> None:
    """End a session with an error text."""
    with suppress(*_CLOSED):
        client.stderr.write(f"slipway: {text}\n".encode())
    client.exit(1)


@dataclass(slots=True, kw_only=True)
class _Flow:
    """Copies between client and program in both directions, each at the pace of its reader."""

    client: Client
    program: Process
    _moved_at: float = field(default_factory=time.monotonic)

    async def until_end(self, *, idle_seconds: float) -> bool:
        """Return whether the program said everything; False when the client is gone, or nothing moved for so long."""
        sender = asyncio.ensure_future(self._send())
        output = asyncio.gather(
            self._copy(self.program.stdout, self.client.stdout), self._copy(self.program.stderr, self.client.stderr)
        )
        gone = asyncio.ensure_future(self.client.channel.wait_closed())
        tasks: list[asyncio.Future[Any]] = [sender, output, gone]
        try:
            while not output.done() and not gone.done() and time.monotonic() - self._moved_at < idle_seconds:
                await asyncio.wait(tasks[1:], timeout=min(idle_seconds, 5.0), return_when=asyncio.FIRST_COMPLETED)
            return output.done() and not gone.done()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def end(self, *, seconds: float) -> None:
        """Let the program finish within this time, reading on what it says, then stop it."""
        if self.program.stdin:
            self.program.stdin.close()
        rest = [asyncio.ensure_future(_discard(source)) for source in (self.program.stdout, self.program.stderr)]
        ended = asyncio.ensure_future(self.program.wait())
        await asyncio.wait([*rest, ended], timeout=seconds)
        if not ended.done():
            with suppress(ProcessLookupError):
                self.program.terminate()
        await ended
        for one in rest:  # a hook that outlives git keeps them open
            one.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def _send(self) -> None:
        sink = self.program.stdin
        with suppress(*_CLOSED):
            while sink and (chunk := await self.client.stdin.read(_CHUNK_BYTES)):
                sink.write(chunk)
                await sink.drain()
                self._moved_at = time.monotonic()
        if sink:
            sink.close()

    async def _copy(self, source: asyncio.StreamReader | None, writer: asyncssh.SSHWriter[bytes]) -> None:
        with suppress(*_CLOSED):
            while source and (chunk := await source.read(_CHUNK_BYTES)):
                writer.write(chunk)
                await writer.drain()
                self._moved_at = time.monotonic()


async def _discard(source: asyncio.StreamReader | None) -> None:
    while source and await source.read(_CHUNK_BYTES):
        pass
