"""A real git server, and a gateway that records the webhooks."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from functions.common.adapters.local.repositories import LocalRepositories
from functions.common.adapters.postgres.client import Postgres
from functions.common.domain.tokens import digest_of
from functions.local.git.hooks import write_hooks
from functions.local.instance import Instance
from functions.local.platform.health import http_answers, ssh_answers
from functions.local.platform.programs import CODE, SSH_COMMAND, git_command
from functions.local.ports import PortReservations
from tests.local.broker.services import Received, RecordingService, Reply
from tests.patience import patient

SECRET = "of this test"
ADMIN = "let-me-in"


@dataclass(frozen=True)
class Forge:
    """Where things are; `gateway` may be made to listen and to stop."""

    home: Path
    instance: Instance
    gateway: RecordingService
    repositories: LocalRepositories
    database: Postgres

    def remote(self, repository: str, token: str = ADMIN) -> str:
        """Return the URL of a repository with a token in it, by default an administrator's."""
        return f"{self.instance.url('git').replace('://', f'://anyone:{token}@')}/{repository}"

    def over_ssh(self, repository: str) -> str:
        """Return the URL of a repository over SSH."""
        return f"{self.instance.ssh_url}/{repository}"

    @property
    def ssh_log(self) -> str:
        """What the SSH server has logged."""
        return (self.home / "ssh.log").read_text(errors="replace")

    @property
    def log(self) -> str:
        """What the git server has logged."""
        return (self.home / "git.log").read_text(errors="replace")

    def deliveries(self, event: str) -> list[dict[str, Any]]:
        """Return the payloads of one kind of event, in order."""
        got = [request for request in self.gateway.received if request.headers["x-forgejo-event"] == event]
        return [json.loads(request.body) for request in got]


def accept(request: Received) -> Reply:
    """Answer as verify-webhook does."""
    delivery = request.headers["x-forgejo-delivery"]
    body = {"status": "accepted", "delivery": delivery, "event": f"event-of-{delivery}"}
    return 202, {"content-type": "application/json"}, json.dumps(body).encode()


@contextmanager
def forge(home: Path, database_url: str, *, reaches: str = "") -> Iterator[Forge]:
    """Run a git server on an instance of its own; the gateway listens only when the test wants it.

    `reaches` is the database that the server knows, by default the same.
    """
    database = Postgres(database_url)
    database.run(
        "insert into api_tokens (digest, name, scope) values (:digest, 'it', 'admin')", digest=digest_of(ADMIN)
    )
    reservations = PortReservations()
    gateway = RecordingService(accept, port=reservations.take(0))
    instance = Instance(
        home=home,
        mark="test",
        ports={"git": reservations.take(0), "ssh": reservations.take(0), "gateway": gateway.port},
        database_password="none",
        nats_token="none",
        webhook_secret=SECRET,
        admin_token=ADMIN,
    )
    home.mkdir()
    instance.save()
    write_hooks(home)
    own = {"SLIPWAY_PLATFORM": "local", "SLIPWAY_LOCAL_HOME": str(home), "DATABASE_URL": reaches or database_url}
    environment = {**own, "PYTHONPATH": str(CODE), "PATH": os.defpath, "SLIPWAY_SSH_URL": instance.ssh_url}
    with (home / "git.log").open("wb") as log, (home / "ssh.log").open("wb") as ssh_log:
        server = subprocess.Popen(
            git_command(instance.ports["git"]), env=environment, stderr=log, start_new_session=True
        )
        ssh_server = subprocess.Popen(SSH_COMMAND, env=environment, stderr=ssh_log, start_new_session=True)
    try:
        _wait(http_answers(instance.ports["git"]))
        _wait(ssh_answers(instance.ports["ssh"]))
        repositories = LocalRepositories(folder=home / "git", base_url=instance.url("git"))
        yield Forge(home, instance, gateway, repositories, database)
    finally:
        database.close()
        for process in (server, ssh_server):
            os.killpg(process.pid, signal.SIGTERM)  # as the process manager does
            process.wait(patient(10))
        reservations.release()


def ssh_command(key: Path | str) -> str:
    """Return what git runs for SSH with this key; any host key is right."""
    hosts = "-o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -o LogLevel=ERROR"
    return f"ssh -F none -i {key} -o IdentitiesOnly=yes -o BatchMode=yes -o ConnectTimeout=20 {hosts}"


def git(*arguments: str, cwd: Path, fails: bool = False, key: Path | None = None) -> str:
    """Run git as a user, and return both of its outputs."""
    settings = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main"]
    environment = {"HOME": str(cwd), "PATH": os.defpath, "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1"}
    if "push" in arguments and any(one.startswith(("http://", "ssh://")) for one in arguments):
        settings += ["-c", "push.pushOption=nowait"]  # the gateway here knows of no build to wait for
    environment |= {"GIT_SSH_COMMAND": ssh_command(key)} if key else {}
    done = subprocess.run(
        ["git", *settings, *arguments], cwd=cwd, capture_output=True, text=True, env=environment, check=False
    )
    assert fails == (done.returncode != 0), done.stderr
    return done.stdout + done.stderr


def commit(folder: Path, files: dict[str, str], message: str) -> str:
    """Commit exactly these changes (an empty text deletes) and return the sha."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text) if text else path.unlink()
    git("add", "-A", cwd=folder)
    git("commit", "-q", "-m", message, cwd=folder)
    return git("rev-parse", "HEAD", cwd=folder).strip()


def clone(folder: Path) -> Path:
    """Make an empty working copy."""
    folder.mkdir()
    git("init", "-q", cwd=folder)
    return folder


def _wait(answers: Callable[[], bool]) -> None:
    deadline = time.monotonic() + patient(15)
    while not answers():
        assert time.monotonic() < deadline, "the git server did not start"
        time.sleep(0.03)
