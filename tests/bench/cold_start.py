"""From the start of a process to its first answer, for each function and for a hello that the framework serves."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import mean, median

from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.events import PostgresEventLog
from functions.common.events.envelope import Envelope
from tests.bench.checkout import Platform
from tests.bench.options import Options
from tests.bench.payload import BODY_BYTES, of_no_app, push, raw_request, signed_headers
from tests.bench.processes import Process, Start, first_answer, free_port
from tests.bench.row import Row, row

HELLO = "def target(request):\n    return 'hello'\n"
HOT = ("verify-webhook", "resolve-app")
AT_MOST_HOT, AT_MOST = 1.5, 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A function, its first request on each platform that has it, and the status of the answer."""

    name: str
    function: str
    requests: tuple[Callable[[], bytes], ...]
    status: int
    at_most: float | None

    def run(self, platform: Platform, request: Callable[[], bytes]) -> Start:
        """Start the function as the platform starts it."""
        arbiter = platform.function(self.function)[0]
        return _start(arbiter, arbiter.command, request(), self.status)


def measure(options: Options) -> Iterator[Row]:
    """Start all in turn, several times, each beside a hello: the speed of a machine changes all the time."""
    hello = _hello(options.platforms[0])
    cases = [*_health_checks(options), *_first_events(options)]
    found: dict[str, list[tuple[Start, ...]]] = {case.name: [] for case in cases}
    for number in range(-1, options.pick(15, 5)):
        for case in cases:
            pairs = [
                (number_of, *one) for number_of, one in enumerate(zip(options.platforms, case.requests, strict=False))
            ]
            order = pairs if number % 2 else pairs[::-1]
            bare, starts = hello(), {at: case.run(platform, request) for at, platform, request in order}
            if number >= 0:  # the first round compiles what was not compiled yet
                found[case.name].append((bare, *(starts[at] for at in range(len(pairs)))))
    for case in cases:
        yield from _rows(case, found[case.name])


def _rows(case: Case, found: list[tuple[Start, ...]]) -> Iterator[Row]:
    bare, own, *before = ([start.milliseconds for start in of] for of in zip(*found, strict=True))
    yield Row(
        measure=f"cold start {case.name}",
        value=median(own),
        unit="ms",
        before=median(before[0]) if before else None,
        baseline=median(bare),
        ratio=median(one / other for one, other in zip(own, bare, strict=True)),
        at_most=case.at_most,
        note="" if case.at_most else "for information",
    )
    if case.function in HOT and case.at_most:
        used = [[start.cpu_milliseconds for start in of] for of in list(zip(*found, strict=True))[1:]]
        yield row(f"cold start {case.name}, processor time", used, "ms", statistic=mean, note="for information")


def _start(like: Process, command: tuple[str, ...], request: bytes, status: int, **environment: str) -> Start:
    port = free_port()
    given = {**like.environment, **environment, "PORT": str(port)}
    return first_answer(command, given, directory=like.directory, port=port, request=request, status=status)


def _hello(platform: Platform) -> Callable[[], Start]:
    source = platform.place / "hello.py"
    source.write_text(HELLO)
    like = platform.function("verify-webhook")[0]
    framework = Path(like.command[0]).with_name("functions-framework")
    changed = {"FUNCTION_SOURCE": str(source), "FUNCTION_TARGET": "target", "XDG_RUNTIME_DIR": str(platform.place)}
    return lambda: _start(like, (str(framework),), _health(), 200, **changed)


def _health_checks(options: Options) -> Iterator[Case]:
    for name in options.platforms[0].functions():
        at_most = AT_MOST_HOT if name in HOT else AT_MOST
        # The other checkout may not have it: it is measured alone then.
        requests = tuple(_health for platform in options.platforms if name in platform.functions())
        yield Case(name=name, function=name, requests=requests, status=204, at_most=at_most)


def _first_events(options: Options) -> Iterator[Case]:
    webhooks = tuple(partial(_webhook, platform) for platform in options.platforms)
    events = tuple(partial(_event, platform) for platform in options.platforms)
    for name, requests, status in (("verify-webhook", webhooks, 202), ("resolve-app", events, 200)):
        title = f"{name}, first real answer"
        yield Case(name=title, function=name, requests=requests, status=status, at_most=None)


def _health() -> bytes:
    return b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def _webhook(platform: Platform) -> bytes:
    body = push("a" * 40, size=BODY_BYTES, **of_no_app(platform.endpoints.git))
    headers = signed_headers(body, secret=platform.endpoints.webhook_secret, delivery=str(uuid.uuid4()))
    return raw_request("/v1/webhooks/forgejo", headers, body)


def _event(platform: Platform) -> bytes:
    """Return a delivery of an event that is recorded, since no function believes another."""
    push_id, repository = str(uuid.uuid4()), of_no_app(platform.endpoints.git)
    event = Envelope(
        id=push_id,
        source="/bench",
        type="dev.slipway.push.received.v1",
        subject="",
        time=datetime.now(UTC).isoformat(),
        data={
            "push": push_id,
            "provider": "forgejo",
            "delivery": push_id,
            "repository": {"full_name": repository["full_name"], "urls": [repository["clone_url"]]},
            "ref": "refs/heads/main",
            "branch": "main",
            "before": "0" * 40,
            "after": "a" * 40,
        },
    )
    database = Postgres(platform.endpoints.database)
    PostgresEventLog(database=database).append(event)
    database.close()
    token = platform.function("resolve-app")[0].environment.get("SLIPWAY_EVENT_TOKEN", "")
    headers = {"Content-Type": "application/cloudevents+json", "Authorization": f"Bearer {token}"}
    return raw_request("/", headers, event.to_json().encode())
