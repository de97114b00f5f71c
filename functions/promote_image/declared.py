"""Gives production what its repository declares in app.json, and never changes what a person has set."""

import secrets
from dataclasses import dataclass

from functions.common.domain.declared import SECRET, Declared
from functions.common.domain.environment import PRODUCTION
from functions.common.events.build import ImagePublished
from functions.common.ports.apps import FirstConfig
from functions.common.ports.images import DeclaredImages

_SECRET_BYTES = 32
_NOT_PROCESSES = frozenset({"release"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaring:
    """Reads what an image's repository declares; an app has its values until its production was live once."""

    images: DeclaredImages
    config: FirstConfig

    def __call__(self, event: ImagePublished) -> str:
        """Set what is declared and not set, and return why the image cannot be released; empty when it can.

        Safe to repeat: what is set by then stays.
        """
        if event.environment != PRODUCTION:
            return ""
        found = self.images.declared(event.digest)
        numbers = {
            process: number
            for process, number in found.formation.items()
            if process in event.processes and process not in _NOT_PROCESSES and (process, number) != ("web", 1)
        }
        if numbers:
            self.config.scale(event.app, numbers)
        return self._fill(event.app, found) if found.env else ""

    def _fill(self, app: str, found: Declared) -> str:
        values = {
            name: secrets.token_hex(_SECRET_BYTES) if one.generator == SECRET and not one.value else one.value
            for name, one in found.env.items()
            if one.value or one.generator == SECRET
        }
        known = self.config.fill(app, values)
        if known is None:
            return ""
        missing = [(name, one.description) for name, one in found.env.items() if one.is_open and name not in known]
        if not missing:
            return ""
        names = "; ".join(f"{name} ({description})" if description else name for name, description in missing)
        sets = " ".join(f"{name}=VALUE" for name, _ in missing)
        remedy = f"Set it by `paas config set {sets}`, then run `paas deploy`"
        return f"app.json requires config that is not set: {names}. {remedy}"
