"""The page of a push: what happened to it, and why; and the log of its build."""

from collections.abc import Iterator

from functions.dashboard.api import Json, NoSession, Refused
from functions.dashboard.visit import Page, PlainText, Visit

MAX_LOG = 2 * 1024 * 1024
_TAIL = 12_000  # of a log on the page itself, which has at most 50 kB


class PushPages:
    """The page of a push, and logs of builds."""

    def show(self, visit: Visit) -> Page:
        """Show the timeline of a push in each of its apps, with the end of its build's log."""
        me, explanation = visit.api.get("whoami"), visit.api.get("pushes", visit.path["push"])
        pushes = explanation["pushes"]
        context = {
            "explanation": explanation,
            "apps": [{**one, "log": self._log(visit, one)} for push in pushes for one in push["apps"]],
            "push": pushes[-1] if pushes else None,
            "watched": pushes[-1]["id"] if pushes and not explanation["final"] else "",
        }
        return Page(template="push.html", title=f"Push {_short(explanation)}", me=me, context=context)

    def show_log(self, visit: Visit) -> PlainText:
        """Show the whole log of a build as text."""
        return PlainText(text="".join(_chunks(visit, visit.path["build"])))

    def _log(self, visit: Visit, app: Json) -> Json | None:
        """Return the end of the log of the push's newest build; None when there is none that the visitor may see."""
        builds = [step["details"]["build"] for step in app["steps"] if "build" in step["details"]]
        if not builds:
            return None
        try:
            text = "".join(_chunks(visit, builds[-1]))
        except NoSession:
            raise
        except Refused:
            return None
        return {"build": builds[-1], "text": text[-_TAIL:], "is_cut": len(text) > _TAIL}


def _chunks(visit: Visit, build: str) -> Iterator[str]:
    """Return what the log has now."""
    offset, has_more = 0, True
    while has_more and offset < MAX_LOG:
        chunk = visit.api.get("builds", build, "log", offset=offset)
        yield chunk["text"]
        has_more = bool(chunk["text"]) and not chunk["ended"]
        offset = chunk["next_offset"]


def _short(explanation: Json) -> str:
    found: str = next((push["sha"] for push in explanation["pushes"]), explanation["query"])
    return found[:10]
