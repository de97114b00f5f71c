"""Finding what a path names, or saying that it is not there."""

from functions.common.errors import NotFound
from functions.common.ports.app_register import AppRecord, AppRegister


def found_app(register: AppRegister, reference: str) -> AppRecord:
    """Return the app with this name or id. Raises NotFound."""
    record = register.find(reference)
    if record is None:
        msg = f"there is no app {reference!r}: see `paas apps list`"
        raise NotFound(msg)
    return record
