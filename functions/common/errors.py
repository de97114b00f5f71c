"""Errors are named by what the caller, in most cases the broker, must do next.

    SlipwayError
    ├── Rejected       permanent: the event or request is bad -> 400, dead letter
    │   └── NotFound   permanent: the named thing does not exist (REST answers 404)
    └── Unavailable    transient: a port is down -> 503, try again

Everything else is a bug: 500, the traceback in the log, no text to the caller.
"""


class SlipwayError(Exception):
    """An error whose text may be shown to the caller: it names the thing and the remedy."""


class Rejected(SlipwayError):
    """The request is wrong and will stay wrong however often it is repeated."""


class NotFound(Rejected):
    """The named thing does not exist."""


class Unavailable(SlipwayError):
    """Something that is needed does not answer now; the same request may succeed later."""
