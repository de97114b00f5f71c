"""`task apps`: pushes the catalogue to a platform of its own, and prints what became of each app."""

import argparse
import asyncio
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from functions.common.settings import from_environment
from functions.local.platform.run import StopRequested, stop_at_signals
from functions.local.tools import beside_python
from tests.apps import node_apps, python_apps, sites
from tests.apps.app import App, NotMade, Workshop, tools_environment
from tests.local.pipeline.developer import Developer, begin
from tests.local.pipeline.stage import Stage

CATALOGUE = (*python_apps.APPS, *node_apps.APPS, *sites.APPS)
_LIVE_SECONDS = 600.0
_ANSWER_SECONDS = 20.0
_SHOWN = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an app; `problem` is empty where that was what is expected."""

    app: App
    state: str = ""
    cold: float = 0.0
    again: float = 0.0
    problem: str = ""

    def line(self) -> str:
        """Return the app's line of the table."""
        times = f"{self.cold:7.1f} {self.again:7.1f}" if self.state == "live" else f"{self.cold:7.1f} {'':7}"
        return f"{self.app.name:26} {self.state or '-':10} {times}  {self.problem}".rstrip()


class Wrong(Exception):
    """The app is not as expected."""


def try_app(stage: Stage, app: App) -> Outcome:
    """Make the app, push it twice, look at it, and delete it."""
    cold = 0.0
    state = ""
    try:
        developer = _made(stage, app)
        cold, end = _push(developer)
        state = str(end["state"])
        _check_end(app, state, str(end.get("reason", "")))
        if app.refused:
            return Outcome(app=app, state="refused", cold=cold)
        _look(stage, app)
        for name, text in app.changes.items():
            (developer.clone / name).write_text(text, encoding="utf-8")
        again, end = _push(developer)
        _check_end(app, str(end["state"]), str(end.get("reason", "")))
        _look(stage, app)
        return Outcome(app=app, state=state, cold=cold, again=again)
    except (NotMade, Wrong, AssertionError, OSError, aiohttp.ClientError, subprocess.SubprocessError) as error:
        problem = f"FAILED: {error}{_log_tail(stage, app)}"
        return Outcome(app=app, state=state or "not made", cold=cold, problem=problem)
    finally:
        _delete(stage, app)


def _log_tail(stage: Stage, app: App) -> str:
    """Return the last lines of the app's logs and of its newest build, each on a line of its own."""
    builds = sorted((stage.home / "builds").glob(f"{app.name}-*.log"), key=lambda path: path.stat().st_mtime)
    logs = [*builds[-1:], *sorted((stage.home / "logs" / "apps" / app.name / "production").glob("*.log"))]
    lines = [
        f"    {path.name}: {line}" for path in logs for line in path.read_text("utf-8", "replace").split("\n")[-12:]
    ]
    return "\n".join(["", *lines])


def _made(stage: Stage, app: App) -> Developer:
    options = ("--root", app.root) if app.root else ()
    developer = begin(stage, app.name, *options)
    uv = beside_python("uv")
    environment = tools_environment(from_environment().environment, stage.home / "tools", uv or Path("uv"))
    app.make(Workshop(folder=developer.clone, environment=environment))
    for setting in app.config:
        developer.paas("config", "set", setting)
    if app.scale:
        developer.paas("scale", app.scale)
    return developer


def _push(developer: Developer) -> tuple[float, dict[str, object]]:
    sha = developer.commit_tree()
    began = time.monotonic()
    developer.push()
    end = developer.stage.ended(sha, developer.app, seconds=_LIVE_SECONDS)
    return time.monotonic() - began, end


def _check_end(app: App, state: str, reason: str) -> None:
    if app.refused and (state == "live" or app.refused not in reason):
        msg = f"expected a refusal with {app.refused!r}, but it is {state}: {reason}"
        raise Wrong(msg)
    if not app.refused and state != "live":
        msg = f"{state}: {reason}"
        raise Wrong(msg)


def _look(stage: Stage, app: App) -> None:
    deadline = time.monotonic() + _ANSWER_SECONDS
    while True:
        status, text = stage.get(app.name, app.path)
        if status == app.status and app.says in text:
            break
        if time.monotonic() > deadline:
            msg = f"GET {app.path} answers {status}: {' '.join(text[:_SHOWN].split())}"
            raise Wrong(msg)
        time.sleep(0.2)
    if app.websocket:
        said = asyncio.run(_talk(stage, app))
        if said != "hello you":
            msg = f"the web socket answers {said!r}"
            raise Wrong(msg)


class _ThisMachine(AbstractResolver):
    """Finds every host on this machine, where the system may know no `*.localhost`."""

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[ResolveResult]:
        """Return the address of this machine."""
        found = ResolveResult(hostname=host, host="127.0.0.1", port=port, family=family, proto=0, flags=0)
        return [found]

    async def close(self) -> None:
        """Close nothing."""


async def _talk(stage: Stage, app: App) -> str:
    host = f"{app.name}.localhost"
    context = ssl.create_default_context(cafile=stage.at.ca)
    connector = aiohttp.TCPConnector(resolver=_ThisMachine())
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.ws_connect(f"https://{host}:{stage.at.apps_port}{app.websocket}", ssl=context) as talk,
    ):
        await talk.send_str("you")
        return str(await talk.receive_str(timeout=10))


def _delete(stage: Stage, app: App) -> None:
    with stage.http() as http:
        headers = {"Authorization": f"Bearer {stage.at.token}"}
        http.delete(f"{stage.at.gateway}/v1/apps/{app.name}", headers=headers)


def main(arguments: list[str]) -> int:
    """Try the apps that are named, all without a name; exit with 1 unless each is as expected."""
    parser = argparse.ArgumentParser(prog="task apps --", description="Push the catalogue of apps to one machine")
    parser.add_argument("names", nargs="*", help="apps to try, or beginnings of their names (default: all)")
    parser.add_argument("--jobs", type=int, default=2, help="apps at once (default: 2)")
    parser.add_argument("--list", action="store_true", help="list the apps and end")
    given = parser.parse_args(arguments)
    apps = [app for app in CATALOGUE if not given.names or app.name.startswith(tuple(given.names))]
    if given.list:
        print("\n".join(app.name for app in apps))
        return 0
    with tempfile.TemporaryDirectory(prefix="slipway-apps-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        settings = {**from_environment().environment, "SLIPWAY_CANARY_PAUSE": "0", "SLIPWAY_HEALTH_LIMIT": "60"}
        stage = Stage(folder=Path(folder), settings=settings)
        stop_at_signals()
        try:
            stage.start()
            outcomes = list(_tried(stage, apps, given.jobs))
        except StopRequested:
            return 1
        finally:
            stage.stop()
    good = sum(not one.problem for one in outcomes)
    live = sum(one.state == "live" and not one.problem for one in outcomes)
    print(f"\n{good} of {len(outcomes)} as expected; {live} live, {good - live} refused in words")
    return 0 if good == len(outcomes) else 1


def _tried(stage: Stage, apps: Iterable[App], jobs: int) -> Iterable[Outcome]:
    print(f"{'app':26} {'outcome':10} {'cold s':>7} {'again s':>7}", flush=True)
    lock = threading.Lock()

    def one(app: App) -> Outcome:
        outcome = try_app(stage, app)
        with lock:
            print(outcome.line(), flush=True)
        return outcome

    pool = ThreadPoolExecutor(max_workers=jobs)
    try:
        yield from pool.map(one, apps)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)  # no generator that still runs is waited for
