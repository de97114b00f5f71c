"""The pages of dead letters: events that a function could not handle."""

import json

from functions.dashboard.session import HOME
from functions.dashboard.visit import Page, Result, SeeOther, Visit

STATES = ("parked", "redriven", "discarded", "all")
_MAX_EVENT = 16_000  # characters of an event on the page, which has at most 50 kB


class DeadLetterPages:
    """The pages of dead letters."""

    def list_letters(self, visit: Visit) -> Page:
        """Show dead letters in one state, newest first."""
        me, state = visit.api.get("whoami"), visit.query.get("state", STATES[0])
        found = visit.api.get("dead-letters", state=state, after=visit.query.get("after", ""))
        context = {"letters": found["items"], "next": found["next"], "state": state, "states": STATES}
        return Page(template="dead_letters.html", title="Dead letters", me=me, context=context)

    def show(self, visit: Visit) -> Page:
        """Show a dead letter with its event."""
        me, letter = visit.api.get("whoami"), visit.api.get("dead-letters", visit.path["number"])
        event = json.dumps(letter["body"], indent=2, ensure_ascii=False)
        context = {"letter": letter, "event": event[:_MAX_EVENT], "is_cut": len(event) > _MAX_EVENT}
        return Page(template="dead_letter.html", title=f"Dead letter {letter['id']}", me=me, context=context)

    def redrive(self, visit: Visit) -> Result:
        """Send the event again."""
        return self._end(visit, "redrive", "letter-redriven")

    def discard(self, visit: Visit) -> Result:
        """Give the event up."""
        return self._end(visit, "discard", "letter-discarded")

    def _end(self, visit: Visit, action: str, notice: str) -> Result:
        visit.api.send("POST", "dead-letters", visit.path["number"], action)
        return SeeOther(to=f"{HOME}/dead-letters/{visit.path['number']}", notice=notice)
