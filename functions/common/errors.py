"""Errors, named by what the caller (usually the broker) must do next.

    SlipwayError
    ├── Rejected       permanent: the event or request is bad -> 400, dead letter
    │   └── NotFound   permanent: the named object does not exist (the API answers 404)
    └── Unavailable    transient: a dependency is down -> 503, retry

Any other exception is a bug: 500, the traceback in the log, no text to the caller.
"""


class SlipwayError(Exception):
    """An error whose text may be shown to the caller; it names the object and the remedy."""


class Rejected(SlipwayError):
    """The request is invalid; repeating it does not help."""


class NotFound(Rejected):
    """The named object does not exist."""


class Unavailable(SlipwayError):
    """A dependency does not answer; the same request may succeed later."""
