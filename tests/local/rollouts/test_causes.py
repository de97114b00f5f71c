"""Why a process ended, as `paas explain` shows it: the cause that is known, the exit code or signal, the last lines."""

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from functions.common.events.release import WorkloadChanged
from functions.local.rollouts.cause import Ended, Ending
from tests.databases import Databases
from tests.local.rollouts.conftest import controlled
from tests.local.rollouts.world import RolloutWorld, rollout_world
from tests.patience import patient

CRLF = b"#!/bin/sh\r\necho started\r\n"
FILES = {
    "requirements.txt": b"flask\n",
    "bin/start.sh": CRLF,
    "bin/env.sh": b"#!/usr/bin/env sh\r\necho started\r\n",
    "run.sh": b"cd sub\r\nif true; then\r\necho x\r\nfi\r\n",
    "plain.sh": b"#!/bin/sh\necho started\n",
    "bin/nothing": b"#!/no/such/python\n",
    "bin/arm": b"\x7fELF\x02\x01\x01" + bytes(200),
    "bin/program.exe": b"MZ\x90\x00" + bytes(range(1, 200)),
    "main.py": b"import socket, os, time\n"
    b"taken = socket.create_server(('127.0.0.1', 0))\n"
    b"socket.create_server(('127.0.0.1', taken.getsockname()[1]))\n",
    "needs.py": b"import yaml_of_none\n",
    "node.js": b"require('express')\n",
    "esm.mjs": b"import '@nest/core/x'\n",
    "hungry.js": b"const all = []; for (;;) all.push(Buffer.alloc(1e6, 1))\n",
    "own.js": b"require('./gone')\n",
    "package.json": b'{"scripts": {"other": "true"}}',
}
ENDINGS = {
    "exec python needs.py": "the Python module yaml_of_none is not installed: add yaml_of_none to requirements.txt (",
    "exec python -m gunicorn_of_none app:app": "the Python module gunicorn_of_none, which the command",
    "node node.js": "the Node package express is not installed: add express to the dependencies of package.json",
    "node esm.mjs": "the Node package @nest/core is not installed",
    "node own.js": "there is no file gone, which the command or an import names",
    "node server.js": "there is no file server.js, which the command or an import names",
    "npm start": "package.json has no script start",
    "python missing.py": "there is no file missing.py, which the command `python missing.py` names",
    "bin/start.sh": "the lines of bin/start.sh end as on Windows (CRLF)",
    "./bin/env.sh --port $PORT": "the lines of bin/env.sh end as on Windows (CRLF)",
    "sh run.sh": "the lines of run.sh end as on Windows (CRLF)",
    "./plain.sh": "permission denied: ./plain.sh is not executable: `git update-index --chmod=+x plain.sh`",
    "bin/nothing": "the command bin/nothing was not found: its first line names a program that is not here: #!/no/such",
    "gunicorn_of_none -b $HOST:$PORT": "the command gunicorn_of_none was not found: add its package to",
    "exec bin/arm": "exec format error: bin/arm is a program for another kind of processor",
    "bin/program.exe": "exec format error: bin/program.exe is a program for another system",
    "python main.py": "its address is in use: listen at $HOST:$PORT",
    "python -c 'bytearray(10**10)'": "out of memory: its limit is 256Mi: `paas limits --memory`",
    "exec node hungry.js": "out of memory: its limit is 256Mi",
    "kill -9 $$": "the web process was ended by SIGKILL (exit code 137)",
    "kill -SEGV $$": "the web process was ended by SIGSEGV (exit code 139)",
    "echo some words; exit 3": "the web process ended with exit code 3; its last line: some words",
    "sleep 1.5; echo late; exit 4": "the web process ended with exit code 4; its last line: late",
    "true": "the web process ended with exit code 0: its command must run until it is stopped",
}


@pytest.fixture(scope="module")
def shared(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RolloutWorld]:
    """A platform on which nothing waits for a time limit."""
    with (
        databases.one() as url,
        rollout_world(url, tmp_path_factory.mktemp("causes") / "home", pause=0.0) as world,
        controlled(world, SLIPWAY_HEALTH_LIMIT="3600", SLIPWAY_RELEASE_LIMIT="3600"),
    ):
        yield world


RELEASES = count(1)


def failure(world: RolloutWorld, **changes: object) -> WorkloadChanged:
    """Return the report on a release that fails."""
    release = next(RELEASES)
    changes = {"files": FILES, "memory": "256Mi", **changes}
    world.deployer.apply(world.workload(release, "", **changes))
    report = world.ended(release)
    assert report.phase == "failed"
    return report


@pytest.mark.parametrize("command", ENDINGS)
def test_a_web_process_that_ends_is_explained_by_its_own_words(shared: RolloutWorld, command: str) -> None:
    memory = "" if command.startswith(("node", "npm")) else "256Mi"  # Node needs more
    report = failure(shared, processes={"web": command}, memory=memory)

    assert report.step == "start"
    assert report.reason.startswith(ENDINGS[command]), report
    assert "must listen on" not in report.reason


def test_a_release_command_that_ends_is_explained_by_its_own_words(shared: RolloutWorld) -> None:
    causes = {
        "python needs.py": "the Python module yaml_of_none is not installed",
        "./bin/start.sh": "the lines of bin/start.sh end as on Windows",
        "alembic_of_none upgrade head": "the command alembic_of_none was not found",
        "kill -9 $$": "the release command `kill -9 $$` was ended by SIGKILL (exit code 137)",
        "echo locked; exit 4": "the release command `echo locked; exit 4` ended with exit code 4; its last",
    }
    for command, reason in causes.items():
        report = failure(shared, processes={"release": command})
        assert report.step == "release command"
        assert report.reason.startswith(reason), report


def test_values_that_are_too_long_to_start_a_program_are_named(shared: RolloutWorld) -> None:
    report = failure(shared, config={"BIG": "x" * 140_000})

    assert report.reason.startswith("its command or config values are too long: Linux takes 128 KiB in each")


def test_the_reason_of_a_release_has_no_words_of_the_one_before(shared: RolloutWorld) -> None:
    failure(shared, processes={"web": "echo first; exit 3"})
    report = failure(shared, processes={"web": "exit 5"})

    assert report.reason == "the web process ended with exit code 5"
    assert report.log_tail == ""


LISTENS = "exec python -c 'import os, socket, time; s = socket.create_server((\"{}\", {})); time.sleep(600)'"
PLACES = {
    "exec sleep 600": r"connection refused: the web process runs, and must listen on \$HOST:\$PORT",
    LISTENS.format("127.0.0.1", 0): r"the web process listens at 127\.0\.0\.1:\d+, and not at \$HOST:\$PORT",
    LISTENS.format("127.0.0.2", 'int(os.environ["PORT"])'): r"the web process listens at 127\.0\.0\.2:\d+, and not at",
}


def test_where_a_process_listens_instead_of_its_port_is_named(bare: RolloutWorld) -> None:
    with controlled(bare, SLIPWAY_HEALTH_LIMIT=f"{patient(6):g}"):  # they must have started before
        for release, command in enumerate(PLACES, start=1):
            name = f"app{release}"
            hosts = (f"{name}.localhost",)
            bare.deployer.apply(bare.workload(release, app=name, label=name, hosts=hosts, processes={"web": command}))
        reports = [bare.ended(release) for release in range(1, len(PLACES) + 1)]

    assert {(one.phase, one.step) for one in reports} == {("failed", "health check")}
    for report, place in zip(reports, PLACES.values(), strict=True):
        assert re.match(place, report.reason), report


def test_a_kill_by_the_system_is_lack_of_memory_where_the_system_says_so(tmp_path: Path) -> None:
    ended = Ended(command="x", ending=Ending(code=137, is_out_of_memory=True), output="", folder=tmp_path)

    assert ended.reason("web process").startswith("out of memory: the system ended it")
