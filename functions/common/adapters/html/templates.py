"""Renders Jinja2 templates: the caller's, and those in this folder that two functions share."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

_SHARED = Path(__file__).parent
_MINUTE, _HOUR = 60, 3600
_SHA = 10


class JinjaTemplates:
    """Templates of the folders. All text is escaped, and a name that is not given is an error."""

    def __init__(self, *folders: Path) -> None:
        self._environment = Environment(
            loader=FileSystemLoader([*folders, _SHARED]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters |= {"moment": _moment, "clock": _clock, "seconds": _seconds, "sha": _sha}

    def render(self, template: str, context: Mapping[str, object]) -> str:
        """Return the text of a template."""
        return self._environment.get_template(template).render(context)


def _moment(at: str | datetime | None) -> Markup:
    """Show a moment to the minute, in UTC."""
    return _time(at, "%-d %b %Y, %H:%M UTC")


def _clock(at: str | datetime | None) -> Markup:
    """Show the time of day of a moment, in UTC."""
    return _time(at, "%H:%M:%S")


def _time(at: str | datetime | None, form: str) -> Markup:
    if not at:
        return Markup("never")
    moment = (datetime.fromisoformat(at) if isinstance(at, str) else at).astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(timespec="seconds"), moment.strftime(form))


def _seconds(length: float | None) -> str:
    """Show a length of time in at most two units."""
    if length is None:
        return ""
    if length < _MINUTE:
        return f"{length:.1f} s"
    minutes, seconds = divmod(round(length), _MINUTE)
    return f"{minutes} min {seconds} s" if length < _HOUR else f"{minutes // _MINUTE} h {minutes % _MINUTE} min"


def _sha(sha: str) -> str:
    """Show a commit by its first characters."""
    return sha[:_SHA]
