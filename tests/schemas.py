"""Writes schemas/events/<type>.json from the event classes; `--check` only compares."""

import json
import sys
from pathlib import Path

from functions.common.events.base import Event
from tests.event_types import all_events

FOLDER = Path(__file__).parent.parent / "schemas" / "events"


def schema(event: type[Event]) -> str:
    """Return the JSON Schema of an event's data."""
    found = event.model_json_schema(mode="serialization")
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": event.type, **found}
    return json.dumps(whole, indent=2) + "\n"


def drift() -> list[str]:
    """Return the files that are missing, left over, or differ."""
    wanted = {f"{event.type}.json": schema(event) for event in all_events()}
    present = {path.name: path.read_text() for path in FOLDER.glob("*.json")}
    return sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))


def write() -> None:
    """Make the folder what the classes say."""
    for path in FOLDER.glob("*.json"):
        path.unlink()
    for event in all_events():
        (FOLDER / f"{event.type}.json").write_text(schema(event))


def main() -> int:
    """Write, or with --check compare and return 1 on drift."""
    if "--check" not in sys.argv:
        write()
        return 0
    drifted = drift()
    for name in drifted:
        print(f"schemas/events/{name} is not what the event class says: run `task schemas`")  # noqa: T201 - a command
    return 1 if drifted else 0


if __name__ == "__main__":
    sys.exit(main())
