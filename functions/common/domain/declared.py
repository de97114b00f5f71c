"""What a repository declares beside its processes: the parts of Heroku's app.json that are honoured here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from functions.common.errors import Rejected

SECRET = "secret"  # noqa: S105 - the name of a generator
_KEY = re.compile(r"^[A-Za-z_][A-Za-z0-9_]{0,127}\Z")
_OF_THE_PLATFORM = re.compile(r"^(PORT\Z|SLIPWAY_)", re.IGNORECASE)
_PROCESS = re.compile(r"^[A-Za-z0-9_-]{1,63}\Z")
_MOST_VARIABLES, _MAX_VALUE_BYTES, _MAX_TEXT = 200, 16 * 1024, 500
_MOST_PROCESSES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A config variable: its first value, or the generator that makes it; `required` ones need one or a person's."""

    value: str = ""
    generator: str = ""
    required: bool = True
    description: str = ""

    @property
    def is_open(self) -> bool:
        """Return whether a person has to set it."""
        return self.required and not self.value and self.generator != SECRET


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """Config variables by name, and the number of processes by type."""

    env: Mapping[str, Variable] = field(default_factory=dict)
    formation: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return what `declared` reads as the same; empty when nothing is declared."""
        env = {
            name: {"required": one.required, **{key: value for key, value in _texts(one).items() if value}}
            for name, one in self.env.items()
        }
        formation = {name: {"quantity": number} for name, number in self.formation.items()}
        return {key: value for key, value in (("env", env), ("formation", formation)) if value}


def declared(found: Mapping[str, Any]) -> Declared:
    """Return what an app.json declares. Raises Rejected, naming the entry that cannot be honoured.

    What Heroku does not read is ignored, and so is what the platform sets itself.
    """
    env = found.get("env")
    variables = {str(name): one for name, one in env.items()} if isinstance(env, dict) else {}
    if len(variables) > _MOST_VARIABLES:
        msg = f"app.json: env has {len(variables)} variables, at most {_MOST_VARIABLES} are possible"
        raise Rejected(msg)
    formation = found.get("formation")
    types = formation if isinstance(formation, dict) else {}
    return Declared(
        env={name: _variable(name, one) for name, one in variables.items() if not _OF_THE_PLATFORM.match(name)},
        formation={str(name): number for name, one in types.items() if (number := _quantity(str(name), one)) >= 0},
    )


_UNREAD = {
    "scripts.postdeploy": "run it once by `paas run`, or each time as the process type `release`",
    "addons": "give the app their URLs by `paas config set`",
    "buildpacks": "the platform chooses how an app is built",
}


def unread(found: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a line for each part of an app.json that Heroku would act on and this platform does not."""
    scripts = found.get("scripts")
    there = {
        "scripts.postdeploy": isinstance(scripts, dict) and scripts.get("postdeploy"),
        "addons": found.get("addons"),
        "buildpacks": found.get("buildpacks"),
    }
    return tuple(f"app.json: {name} is not read: {_UNREAD[name]}" for name, given in there.items() if given)


def _texts(one: Variable) -> dict[str, str]:
    return {"value": one.value, "generator": one.generator, "description": one.description}


def _variable(name: str, found: object) -> Variable:
    if not _KEY.match(name):
        msg = f"app.json: env {name!r} is not usable: letters, digits and _, not starting with a digit"
        raise Rejected(msg)
    given = found if isinstance(found, dict) else {"value": found}
    value = _text(given.get("value"))
    if not _is_unicode(value) or len(value.encode()) > _MAX_VALUE_BYTES or "\0" in value:
        msg = f"app.json: the value of env {name} must be at most {_MAX_VALUE_BYTES} bytes of UTF-8, without NUL"
        raise Rejected(msg)
    generator = _text(given.get("generator"))
    if generator not in {"", SECRET}:
        msg = f"app.json: env {name} has the generator {generator[:40]!r}, and there is only {SECRET!r}"
        raise Rejected(msg)
    return Variable(
        value=value,
        generator=generator,
        required=given.get("required") is not False and "value" not in given,
        description=_described(given.get("description")),
    )


def _described(found: object) -> str:
    """Return a description in one line that a database stores."""
    text = " ".join(_text(found).replace("\0", "").split())[:_MAX_TEXT]
    return text if _is_unicode(text) else ""


def _is_unicode(text: str) -> bool:
    """Return whether UTF-8 can encode the text: JSON can hold halves of characters."""
    return not any("\ud800" <= one <= "\udfff" for one in text)


def _text(found: object) -> str:
    if isinstance(found, bool):
        return "true" if found else "false"
    return str(found) if isinstance(found, str | int | float) else ""


def _quantity(name: str, found: object) -> int:
    """Return a number of processes, -1 for none that is given."""
    number = found.get("quantity") if isinstance(found, dict) else found
    if number is None or not _PROCESS.match(name):
        return -1
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= _MOST_PROCESSES:
        msg = f"app.json: the quantity of {name} must be a number from 0 to {_MOST_PROCESSES}"
        raise Rejected(msg)
    return number
