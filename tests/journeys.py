"""Which files five behaviours cross, found by executing them: `task journeys [-- --write]`.

The functions are composed as they are deployed on one machine, in this process, with a real PostgreSQL. Their events go
to a broker on this machine and from there to the functions whose Triggers let them through. Each behaviour runs twice;
the second run is traced, so that imports, composition and new connections do not count.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from importlib import import_module
from io import StringIO
from itertools import groupby
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from flask import Flask, Request
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder

from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.events import PostgresEventLog
from functions.common.adapters.postgres.migrations import migrate
from functions.common.events.envelope import from_json
from functions.common.ports.accounts import Scope
from tests.api_world import TOKENS, give_tokens
from tests.conftest import ROOT
from tests.fakes.loopback_broker import LoopbackBroker, loopback_broker
from tests.manifests import function_manifests
from tests.patience import patient
from tests.postgres_server import postgres_server
from tests.webhook_sender import SECRET, forge_headers, payload

PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- journeys: written by `task journeys -- --write` -->", "<!-- /journeys -->"
FUNCTIONS = f"{ROOT / 'functions'}{os.sep}"
OPTIMIZED = 0x1  # the code of a function, not of a module or a class body
Event = dict[str, Any]


@dataclass(slots=True)
class Trace:
    """The files in order of their first call, and which called which."""

    files: dict[str, None] = field(default_factory=dict)
    jumps: dict[tuple[str, str], None] = field(default_factory=dict)


class Tracer:
    """Notes calls of functions that are defined below functions/, in all threads."""

    def __init__(self) -> None:
        self._trace: Trace | None = None
        sys.setprofile(self._noted)
        threading.setprofile(self._noted)

    @contextmanager
    def tracing(self) -> Iterator[Trace]:
        """Trace the block."""
        self._trace = trace = Trace()
        try:
            yield trace
        finally:
            self._trace = None

    def _noted(self, frame: FrameType, event: str, _: object) -> None:
        trace = self._trace
        if trace is None or event != "call" or not _is_ours(frame.f_code):
            return
        file = frame.f_code.co_filename
        trace.files[file] = None
        caller = frame.f_back
        while caller and not _is_ours(caller.f_code):
            caller = caller.f_back
        if caller and caller.f_code.co_filename != file:
            trace.jumps[caller.f_code.co_filename, file] = None


def _is_ours(code: CodeType) -> bool:
    return code.co_filename.startswith(FUNCTIONS) and bool(code.co_flags & OPTIMIZED)


class Platform:
    """The functions, composed by their environment, and what they publish."""

    def __init__(self, broker: LoopbackBroker) -> None:
        self._broker, self._flask = broker, Flask("journeys")
        self._routes = {manifest.name: manifest.event_types for manifest in function_manifests()}

    def call(self, function: str, method: str, path: str, body: bytes, headers: dict[str, str]) -> list[Event]:
        """Call a function and return the events that follow, its reply last."""
        module = function.replace("-", "_")
        target: Callable[[Request], Any] = getattr(import_module(f"functions.{module}.app"), module)
        builder = EnvironBuilder(method=method, path=path, data=body, headers=Headers(headers))
        already = len(self._broker.events)
        with self._flask.app_context():
            answer = self._flask.make_response(target(Request(builder.get_environ())))
        assert answer.status_code < 400, (function, path, answer.status_code, answer.get_data())
        text = answer.get_data()
        reply = [json.loads(text)] if answer.content_type.startswith("application/cloudevents") else []
        if function == "verify-webhook":  # it publishes a moment after its answer
            self._wait(already)
        return self._broker.events[already:] + reply

    def api(self, method: str, path: str, body: object = None) -> list[Event]:
        """Call the API as an administrator."""
        headers = {"Authorization": f"Bearer {TOKENS[Scope.ADMIN]}", "Content-Type": "application/json"}
        return self.call("manage-apps", method, f"/v1{path}", json.dumps(body or {}).encode(), headers)

    def deliver(self, event: Event, *names: str) -> list[Event]:
        """Deliver an event to those of these functions whose Triggers let it through."""
        headers = {"Content-Type": "application/cloudevents+json"}
        wanted = [name for name in names if event["type"] in self._routes[name]]
        return [one for name in wanted for one in self.call(name, "POST", "/", json.dumps(event).encode(), headers)]

    def _wait(self, already: int) -> None:
        deadline = time.monotonic() + patient(10)
        while len(self._broker.events) == already:
            assert time.monotonic() < deadline, "the webhook's event was not published"
            time.sleep(0.01)
        time.sleep(0.2)  # it is marked as published a moment later


class Developer:
    """One app and what happens to it; each behaviour is a method, and needs those before it."""

    def __init__(self, platform: Platform, app: str, home: Path, database: Postgres) -> None:
        self._platform, self._app, self._home, self._database = platform, app, home, database
        self._clone, self._started, self._letter = home / f"clone-{app}", Event(), 0
        platform.api("POST", "/apps", {"name": app})
        self._git("init", "--quiet", "-b", "main", str(self._clone), folder=home)

    def push(self) -> None:
        """A webhook comes in, and the commit's build is started."""
        (self._clone / "app.py").write_text(f"print('{self._app}')\n")
        bare = next(self._home.glob(f"git/*/{self._app}.git"))
        self._git("add", "app.py")
        self._git("-c", "user.name=dev", "-c", "user.email=dev@example.org", "commit", "--quiet", "-m", "Say it")
        self._git("push", "--quiet", str(bare), "main")
        body = self._webhook(self._git("rev-parse", "HEAD").strip(), f"slipway/{self._app}")
        headers = forge_headers("forgejo", "push", f"delivery-{self._app}", body)
        (received,) = self._platform.call("verify-webhook", "POST", "/v1/webhooks/forgejo", body, headers)
        (requested,) = self._platform.deliver(received, "resolve-app", "start-build")
        (self._started,) = self._platform.deliver(requested, "start-build")
        _expect(self._started, "build.started")

    def config_set(self) -> None:
        """A variable is changed, and a release with it is ordered."""
        (changed,) = self._platform.api("PATCH", f"/apps/{self._app}/config", {"GREETING": "hello"})
        (started,) = self._platform.deliver(changed, "promote-image")
        _expect(started, "release.started")

    def canary_fails(self) -> None:
        """The deployer reports that the new version failed with part of the traffic, and the live one is kept."""
        (failed,) = self._platform.deliver(self._reported(2, "failed", step="canary at 25 %"), "track-release")
        _expect(failed, "release.failed")
        self._platform.deliver(failed, "promote-image", "report-status")

    def redrive(self) -> None:
        """A parked event is sent to its functions again."""
        (again,) = self._platform.api("POST", f"/dead-letters/{self._letter}/redrive")
        _expect(again, "build.started")

    def delete(self) -> None:
        """The app is deleted, and everything of it."""
        (deleted,) = self._platform.api("DELETE", f"/apps/{self._app}")
        self._platform.deliver(deleted, "start-build", "promote-image", "upsert-dns", "issue-cert")

    def goes_live(self) -> None:
        """Not traced: the build ends and its release goes live."""
        digest = "sha256:" + self._started["data"]["sha"].ljust(64, "0")
        (self._home / "images" / digest.removeprefix("sha256:")).mkdir(parents=True)
        image = {"digest": digest, "image": "local/app", "processes": {"web": "python app.py"}}
        ended = {"build": self._started["data"]["build"], "state": "succeeded", **image}
        (published,) = self._platform.deliver(self._event("build.ended", ended), "record-build")
        (started,) = self._platform.deliver(published, "promote-image")
        _expect(started, "release.started")
        (live,) = self._platform.deliver(self._reported(1, "live"), "track-release")
        _expect(live, "release.live")

    def is_parked(self) -> None:
        """Not traced: an event cannot be delivered."""
        why = {"knativeerrordest": "http://report-status/", "knativeerrorcode": "400"}
        body = json.dumps({**self._started, **why}).encode()
        self._platform.call("park-event", "POST", "/", body, {"Content-Type": "application/cloudevents+json"})
        self._letter = self._database.run("select max(id) from dead_letters")[0][0]

    def _webhook(self, sha: str, name: str) -> bytes:
        sent = json.loads(payload("forgejo/push"))
        sent["before"], sent["after"], sent["commits"][0]["id"] = "0" * 40, sha, sha
        url = f"http://127.0.0.1:3000/{name}.git"
        sent["repository"] |= {
            "full_name": name,
            "clone_url": url,
            "html_url": url.removesuffix(".git"),
            "ssh_url": "",
        }
        return json.dumps(sent).encode()

    def _reported(self, release: int, phase: str, **more: object) -> Event:
        known = {"app": self._app, "environment": "production", "push": self._started["data"]["push"]}
        return self._event("workload.changed", {**known, "release": release, "phase": phase, "weight": 25, **more})

    def _event(self, kind: str, data: Event) -> Event:
        identity = f"{kind}-{self._app}-{data.get('release', '')}-{data.get('phase', '')}"
        about = {"id": identity, "source": "/slipway/platform", "type": f"dev.slipway.{kind}.v1"}
        event = {"specversion": "1.0", **about, "datacontenttype": "application/json", "data": data}
        PostgresEventLog(database=self._database).append(from_json(json.dumps(event)))
        return event

    def _git(self, *arguments: str, folder: Path | None = None) -> str:
        command = ["git", *arguments]
        return subprocess.run(
            command, cwd=folder or self._clone, check=True, capture_output=True, text=True, timeout=patient(60)
        ).stdout


def _expect(event: Event, kind: str) -> None:
    assert event["type"] == f"dev.slipway.{kind}.v1", event


BEHAVIOURS: dict[str, Callable[[Developer], None]] = {
    "push, until build.started": Developer.push,
    "config set": Developer.config_set,
    "canary that fails": Developer.canary_fails,
    "redrive": Developer.redrive,
    "delete": Developer.delete,
}


def journeys() -> dict[str, Trace]:
    """Return the trace of each behaviour."""
    tracer, traces = Tracer(), dict[str, Trace]()
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slipway-journeys-")))
        url = stack.enter_context(postgres_server())
        broker = stack.enter_context(loopback_broker())
        os.environ.update(_settings(url, broker.url, home))  # noqa: TID251 - the functions of this process read it
        database = Postgres(url)
        migrate(database, ROOT / "schemas" / "migrations")
        migrate(database, ROOT / "functions" / "local" / "migrations")
        give_tokens(database)
        platform = Platform(broker)
        for app in ("first", "second"):
            developer = Developer(platform, app, home, database)
            for name, behaviour in BEHAVIOURS.items():
                with tracer.tracing() as trace:
                    behaviour(developer)
                traces[name] = trace
                if behaviour is Developer.push:
                    developer.goes_live()
                    developer.is_parked()
        database.close()
    return traces


def _settings(url: str, broker: str, home: Path) -> dict[str, str]:
    return {
        "DATABASE_URL": url,
        "K_SINK": broker,
        "DEFAULT_DOMAIN": "apps.example.org",
        "SLIPWAY_GIT_SECRET": SECRET,
        "SLIPWAY_PLATFORM": "local",
        "SLIPWAY_LOCAL_HOME": str(home),
        "SLIPWAY_GIT_URL": "http://127.0.0.1:3000",
    }


def section(traces: dict[str, Trace]) -> str:
    """Return what the page shows: for each behaviour its files in the order of their first call."""
    times = Counter(file for trace in traces.values() for file in trace.files)
    shared = {file for file, count in times.items() if count >= len(traces) - 1}
    lines = [
        f"Nearly all cross {_by_folder(map(_short, sorted(shared)))}; they are counted, and not named again.",
        "",
        "| behaviour | files | jumps | what it crosses, in order of the first call |",
        "|---|---|---|---|",
    ]
    for name, trace in traces.items():
        own = [_short(file) for file in trace.files if file not in shared]
        lines.append(f"| {name} | {len(trace.files)} | {len(trace.jumps)} | {_by_folder(own)} |")
    return "\n".join(lines)


def _by_folder(files: Iterable[str]) -> str:
    """Join files, those of one folder that follow each other in braces."""
    parts = []
    for folder, inside in groupby(files, key=lambda file: file.rpartition("/")[0]):
        names = [file.rpartition("/")[2].removesuffix(".py") for file in inside]
        parts.append(f"`{folder}/{names[0] if len(names) == 1 else '{' + ', '.join(names) + '}'}`")
    return ", ".join(parts)


def write(text: str) -> None:
    """Put the section between its marks on the page."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, found, after = rest.partition(END)
    assert found, f"{PAGE} has no place for it: {BEGIN} ... {END}"
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


def main() -> None:
    """Trace five behaviours and print the files that they cross."""
    parser = argparse.ArgumentParser(prog="task journeys --", description=main.__doc__)
    parser.add_argument("--write", action="store_true", help=f"write the table of {PAGE.name}")
    parser.add_argument("--json", action="store_true", help="print for machines")
    options = parser.parse_args()
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):  # the functions' own log
        traces = journeys()
    if options.write:
        write(section(traces))
    elif options.json:
        print(json.dumps({name: list(map(_short, trace.files)) for name, trace in traces.items()}))
    else:
        for name, trace in traces.items():
            print(f"{name}: {len(trace.files)} files, {len(trace.jumps)} jumps", *map(_short, trace.files), sep="\n  ")


def _short(file: str) -> str:
    return file.removeprefix(FUNCTIONS)


if __name__ == "__main__":
    main()
