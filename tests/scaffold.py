"""Writes a new function: `task new -- VERB-NOUN EVENT...`, each event the name of its class."""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from functions.common.events.base import Event
from tests.conftest import ROOT
from tests.event_types import all_events

NAME = re.compile(r"[a-z]+(-[a-z]+)+\Z")
MODEL = "report-status"  # the function whose manifest the new one is copied from
KUSTOMIZATION = ROOT / "knative" / "functions" / "kustomization.yml"
ARCHITECTURE = ROOT / "docs" / "architecture.md"
_TABLE = "\n| function | in | out | ports |\n"

PACKAGE = '''\
"""Logs events: say here in one line what {name} is for."""
'''
HANDLER = '''\
"""Handles the events of {name}."""

import logging

{imports}

_log = logging.getLogger("slipway")


def handle(event: {union}) -> None:
    """Log the event. Say and do here what the function is for; return an event to reply with it."""
    _log.info("%s of %s", event.type, event.subject)
'''
APP = '''\
"""Composition root of {name}."""

{imports}
from functions.common.runtime.http import Endpoint, http_target
from functions.common.runtime.subscriber import on, subscriber
from functions.common.platform.core import Core, check_migrations, core
from functions.{folder}.handler import handle


def compose(parts: Core) -> Endpoint:
    """Return the endpoint of these parts."""
    return subscriber(
        "{name}",
        {routes}
        log=parts.log,
        clock=parts.clock,
        token=parts.event_token,
    )


def create() -> Endpoint:
    """Return the endpoint as this process is configured."""
    return compose(core())


{folder} = http_target(create, check_migrations)
'''
TEST = '''\
"""{name}: what it does with each event."""

import json
import logging

import pytest

{imports}
from functions.{folder}.handler import handle
from tests.conftest import ROOT


@pytest.mark.parametrize("event", [{classes}])
def test_an_event_is_logged(caplog: pytest.LogCaptureFixture, event: type[{union}]) -> None:
    example = json.loads((ROOT / "schemas" / "examples" / f"{{event.type}}.json").read_text())
    with caplog.at_level(logging.INFO, logger="slipway"):
        handle(event.model_validate(example))

    assert [message.split()[0] for message in caplog.messages] == [event.type]
'''


def contents(name: str, events: Sequence[type[Event]]) -> dict[Path, str]:
    """Return the five files of a function."""
    folder, names = name.replace("-", "_"), [event.__name__ for event in events]
    words = {
        "name": name,
        "folder": folder,
        "imports": "\n".join(f"from {event.__module__} import {event.__name__}" for event in events),
        "union": " | ".join(names),
        "classes": ", ".join(names),
        "routes": "\n        ".join(f"on({one}, handle)," for one in names),
    }
    code = ROOT / "functions" / folder
    return {
        code / "__init__.py": PACKAGE.format(**words),
        code / "handler.py": HANDLER.format(**words),
        code / "app.py": APP.format(**words),
        KUSTOMIZATION.parent / f"{name}.yaml": manifest(name, events),
        ROOT / "tests" / "functions" / folder / f"test_{folder}.py": TEST.format(**words),
    }


def manifest(name: str, events: Sequence[type[Event]]) -> str:
    """Return the model's account and Service under this name, and a Trigger for each event."""
    model = (KUSTOMIZATION.parent / f"{MODEL}.yaml").read_text().split("---\n")
    account, service, trigger = (part.replace(MODEL, name) for part in model[:3])
    found = re.search(r"type: dev\.slipway\.(.+)\.v1\n", trigger)
    assert found, trigger
    old = found[1]
    triggers = []
    for event in events:
        new = _short(event)
        triggers.append(trigger.replace(old, new).replace(old.replace(".", "-"), new.replace(".", "-")))
    head = f"# {name}: say here in one line what it does.\n" + account.partition("\n")[2]
    service = service.replace(MODEL.replace("-", "_"), name.replace("-", "_"))
    service = re.sub(r".*secretKeyRef.*optional: true.*\n", "", service)  # secrets that the model needs
    return "---\n".join([head, service, *triggers])


def with_resource(kustomization: str, name: str) -> str:
    """Return the kustomization with the function's manifest among its resources."""
    head, _, resources = kustomization.partition("resources:\n")
    lines = sorted({*resources.splitlines(), f"  - {name}.yaml"})
    return f"{head}resources:\n" + "\n".join(lines) + "\n"


def with_row(page: str, name: str, events: Sequence[type[Event]]) -> str:
    """Return the page of the architecture with the function as the last row of its table of functions."""
    before, heading, rest = page.partition(_TABLE)
    assert heading, f"{ARCHITECTURE} has no table of functions"
    rows, end, after = rest.partition("\n\n")
    return f"{before}{heading}{rows}\n| {name} | {', '.join(map(_short, events))} | - | - |{end}{after}"


def _short(event: type[Event]) -> str:
    return event.type.removeprefix("dev.slipway.").removesuffix(".v1")


def main(name: str = "", *events: str) -> str | None:
    """Write the function; return what is wrong with the arguments, if anything is."""
    classes = {event.__name__: event for event in all_events()}
    unknown = [event for event in events if event not in classes]
    if not NAME.match(name) or not events:
        return "usage: task new -- VERB-NOUN EVENT..., such as: task new -- count-releases ReleaseLive ReleaseFailed"
    if unknown:
        return f"no event class is called {', '.join(unknown)}: see functions/common/events"
    if (ROOT / "functions" / name.replace("-", "_")).exists():
        return f"{name} exists already"
    chosen = [classes[event] for event in events]
    files = contents(name, chosen)
    for path, text in files.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    KUSTOMIZATION.write_text(with_resource(KUSTOMIZATION.read_text(), name))
    ARCHITECTURE.write_text(with_row(ARCHITECTURE.read_text(), name, chosen))
    python = [str(path) for path in files if path.suffix == ".py"]
    subprocess.run([sys.executable, "-m", "ruff", "check", "--quiet", "--fix", "--select", "I", *python], check=True)
    subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", *python], check=True)
    print("\n".join(str(path.relative_to(ROOT)) for path in files))  # noqa: T201 - a command
    return None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
