"""Process start to first answer of each function, against a hello that the Functions Framework itself starts."""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median

from functions.local.manifests import read_routing
from functions.local.platform.programs import CODE, Program, binary, environment, platform_programs
from functions.local.platform.run import Platform
from tests.bench.options import Options
from tests.bench.payload import BODY_BYTES, push, raw_request, signed_headers
from tests.bench.processes import first_answer, free_port
from tests.bench.row import Row
from tests.bench.stage import lean_platform, settings

HELLO = "def target(request):\n    return 'hello'\n"
HOT = ("verify-webhook", "resolve-app")
AT_MOST_HOT, AT_MOST = 1.5, 2.0
REPOSITORY = {"clone_url": "http://git.example.com/team/nobody.git", "full_name": "team/nobody"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A server, the request it is asked first, and the status of the answer."""

    name: str
    function: str
    program: Program
    request: Callable[[], bytes]
    status: int

    def run(self, environment_of_all: Mapping[str, str]) -> float:
        """Return the milliseconds to the first answer."""
        port = free_port()
        given = {**environment_of_all, **self.program.environment, "PORT": str(port)}
        return first_answer(self.program.command, given, port=port, request=self.request(), status=self.status)


def measure(options: Options) -> Iterator[Row]:
    """Start all in turn, several times, each right after a hello: a machine's speed changes from minute to minute."""
    with lean_platform() as platform:
        hello, *others = _starts(platform)
        path = {"PATH": settings().environment["PATH"]}
        times: dict[str, list[tuple[float, float]]] = {start.name: [] for start in others}
        for start in (hello, *others):
            start.run(path)  # compiles what was not compiled yet
        for _ in range(options.pick(15, 5)):
            for start in others:
                times[start.name].append((hello.run(path), start.run(path)))
    for start in others:
        pairs, limit = times[start.name], AT_MOST_HOT if start.function in HOT else AT_MOST
        told = start.request is not _health
        yield Row(
            measure=f"cold start {start.name}",
            value=median(own for _, own in pairs),
            unit="ms",
            baseline=median(bare for bare, _ in pairs),
            ratio=median(own / bare for bare, own in pairs),
            at_most=None if told else limit,
            note="told" if told else "",
        )


def _starts(platform: Platform) -> list[Start]:
    routing = read_routing(CODE)
    ports = {**platform.instance.ports, **{service.name: 0 for service in routing.services}}
    instance = replace(platform.instance, ports=ports)
    given = environment(instance, routing, settings())
    programs = {program.name: program for program in platform_programs(instance, routing, CODE, given, ())}
    starts = [_hello(programs["verify-webhook"], platform.home)]
    for service in routing.services:
        program = programs[service.name]
        starts.append(Start(name=service.name, function=service.name, program=program, request=_health, status=204))
    firsts = (
        ("verify-webhook", partial(_webhook, platform.endpoints.webhook_secret), 202),
        ("resolve-app", _event, 200),
    )
    for name, request, status in firsts:
        told = f"{name}, first real answer"
        starts.append(Start(name=told, function=name, program=programs[name], request=request, status=status))
    return starts


def _hello(like: Program, home: Path) -> Start:
    source = home / "hello.py"
    source.write_text(HELLO)
    own = {"FUNCTION_SOURCE": str(source), "FUNCTION_TARGET": "target"}
    own["XDG_RUNTIME_DIR"] = str(home)  # gunicorn's control socket, which our functions go without
    program = replace(like, command=(binary("functions-framework"),), environment={**like.environment, **own})
    return Start(name="hello", function="hello", program=program, request=_health, status=200)


def _health() -> bytes:
    return b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def _webhook(secret: str) -> bytes:
    body = push("a" * 40, size=BODY_BYTES, **REPOSITORY)
    headers = signed_headers(body, secret=secret, delivery=str(uuid.uuid4()))
    return raw_request("/v1/webhooks/forgejo", headers, body)


def _event() -> bytes:
    push_id = str(uuid.uuid4())
    data = {
        "push": push_id,
        "provider": "forgejo",
        "delivery": push_id,
        "repository": {"full_name": REPOSITORY["full_name"], "urls": [REPOSITORY["clone_url"]]},
        "ref": "refs/heads/main",
        "branch": "main",
        "before": "0" * 40,
        "after": "a" * 40,
    }
    event = {"specversion": "1.0", "id": push_id, "source": "/bench", "type": "dev.slipway.push.received.v1"}
    headers = {"Content-Type": "application/cloudevents+json"}
    return raw_request("/", headers, json.dumps({**event, "data": data}).encode())
