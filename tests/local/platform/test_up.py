"""`task up` on real parts: start, stop, kill, start again."""

import http.client
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from functions.common.adapters.local.repositories import LocalRepositories
from functions.common.adapters.postgres.client import Postgres
from functions.common.domain.git_url import repository_key
from functions.local.platform.processes import processes
from tests.local.platform.small import Up, is_taken, small_platform, wait
from tests.local.repositories import HOOK_SECRET
from tests.patience import patient

FOREIGN = "http://127.0.0.1:1/slipway/other.git"


@pytest.fixture
def up() -> Iterator[Up]:
    # Not tmp_path: PostgreSQL may run as another user, who must be able to reach the folder.
    with tempfile.TemporaryDirectory(prefix="slipway-test-") as folder:
        Path(folder).chmod(0o711)
        with small_platform(Path(folder)) as platform:
            yield platform


def send(up: Up, event_id: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", up.instance.ports["broker"], timeout=patient(10))
    headers = {"ce-specversion": "1.0", "ce-id": event_id, "ce-source": "/test", "ce-type": "test.asked.v1"}
    headers["Authorization"] = f"Bearer {up.instance.event_token}"
    try:
        connection.request("POST", "/", b"", headers)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def got(up: Up, event_id: str) -> bool:
    return f"got {event_id}\n" in (up.home / "logs/echo.log").read_text()


def test_it_starts_keeps_its_state_stops_completely_and_takes_other_ports(up: Up) -> None:
    output = up.start()
    first, instance = up.endpoints, up.instance

    assert first["gateway"] in output
    for secret in (first["token"], first["webhook_secret"], instance.database_password):
        assert secret not in output
    assert set(first) == {
        "gateway", "broker", "git", "ssh", "apps_port", "ca", "database", "token", "webhook_secret"
    }  # fmt: skip
    for name in ("endpoints.json", "instance.json", "supervisord.conf"):
        assert stat.S_IMODE((up.home / name).stat().st_mode) == 0o600
    assert Path(first["ca"]).read_text().startswith("-----BEGIN CERTIFICATE-----")
    assert stat.S_IMODE(instance.runtime.stat().st_mode) == 0o700
    apps_inherit_no_secret_and_nothing_of_the_shell(up)
    assert send(up, "1") == 202
    wait(lambda: got(up, "1"))
    make_projects(up)

    assert f"in use by process {up.process.pid if up.process else 0}" in up.refused()

    assert stopped_by_command(up) == f"slipway: stopped {up.home}\n"
    assert stopped_by_command(up) == f"slipway: nothing runs in {up.home}\n"
    assert processes(instance.mark) == ()
    assert [name for name, port in instance.ports.items() if is_taken(port)] == []
    assert not instance.runtime.exists()
    assert not (up.home / "endpoints.json").exists()
    mounts = Path("/proc/mounts")  # other programs of this machine may mount what they like
    assert not mounts.exists() or str(up.home) not in mounts.read_text()

    up.start()
    assert up.endpoints == first
    assert urls(up) == [f"{instance.url('git')}/slipway/hello.git", FOREIGN]
    assert up.stop(signal.SIGINT) < patient(30)

    ports_in_use_are_replaced_and_git_urls_follow(up)


def test_killed_programs_come_back_and_a_killed_platform_starts_again(up: Up) -> None:
    up.start()
    instance = up.instance
    before = up.programs()
    assert set(before) >= {"postgres", "nats", "caddy", "broker", "git", "echo", "park"}
    for name in ("postgres", "nats", "broker", "echo", "caddy"):
        os.kill(before[name], signal.SIGKILL)
    wait(lambda: all(pid != before[name] for name, pid in up.programs().items() if name in {"postgres", "echo"}))
    wait(lambda: send(up, "after") == 202)
    wait(lambda: got(up, "after"))
    wait(lambda: _answers(up))

    # First only the parent, then the process manager too: no process is left that could stop the others.
    assert up.process is not None
    up.stop(signal.SIGKILL)
    supervisor = int((instance.runtime / "supervisord.pid").read_text())
    os.kill(supervisor, signal.SIGKILL)
    assert len(processes(instance.mark)) >= len(before)

    output = up.start()
    assert "ended" in output
    assert "processes of an earlier start" in output
    assert up.instance.ports == instance.ports
    wait(lambda: send(up, "again") == 202)
    wait(lambda: got(up, "again"))


def apps_inherit_no_secret_and_nothing_of_the_shell(up: Up) -> None:
    """See what the process manager, which starts apps, has in its environment."""
    supervisor = int((up.instance.runtime / "supervisord.pid").read_text())
    environment = Path(f"/proc/{supervisor}/environ")
    if not environment.exists():
        listing = subprocess.run(["/bin/ps", "ewwp", str(supervisor)], capture_output=True, check=True).stdout
    else:
        listing = environment.read_bytes()

    for secret in (up.instance.database_password, up.instance.webhook_secret, up.instance.admin_token):
        assert secret.encode() not in listing
    assert b"SECRET_OF_THE_SHELL" not in listing


def make_projects(up: Up) -> None:
    """Store an app whose repository is here, and one whose is elsewhere."""
    url = LocalRepositories(folder=up.home / "git", base_url=up.instance.url("git")).create(
        "hello", webhook_secret=HOOK_SECRET
    )
    database = Postgres(up.endpoints["database"])
    assert database.run("select scope from api_tokens") == [["admin"]]
    for app, git_url in (("hello", url), ("foreign", FOREIGN)):
        sql = "insert into projects (name, git_url, git_key) values (:app, :url, :key)"
        database.run(sql, app=app, url=git_url, key=repository_key(git_url))
    database.close()


def urls(up: Up) -> list[str]:
    """Return the URLs of the repositories of hello and foreign, and see that each has its key."""
    database = Postgres(up.endpoints["database"])
    rows = database.run("select git_url, git_key from projects order by name desc")
    database.close()
    assert [key for _, key in rows] == [repository_key(url) for url, _ in rows]
    return [url for url, _ in rows]


def ports_in_use_are_replaced_and_git_urls_follow(up: Up) -> None:
    """Start where other programs have two of the ports."""
    before = up.instance
    with ExitStack() as taken:
        for name in ("broker", "git"):
            taken.enter_context(socket.create_server(("127.0.0.1", before.ports[name])))
        up.start()
        after = up.instance
        assert {name for name, port in after.ports.items() if port != before.ports[name]} == {"broker", "git"}
        assert up.endpoints["broker"] == after.url("broker")
        assert send(up, "1") == 202
        assert urls(up) == [f"{after.url('git')}/slipway/hello.git", FOREIGN]


def stopped_by_command(up: Up) -> str:
    """Run `paas down`, and return what it printed; the process of `up` has ended then."""
    command = [sys.executable, "-m", "functions.cli.main", "down", "--home", str(up.home)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=patient(90), check=True)
    if up.process is not None and up.process.returncode is None:
        up.process.communicate(timeout=patient(5))
    return done.stdout


def _answers(up: Up) -> bool:
    try:
        return Postgres(up.endpoints["database"]).run("select 1") == [[1]]
    except Exception:  # noqa: BLE001 - it is starting
        return False
