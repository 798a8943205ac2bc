"""What can go wrong, in terms of the service. `core.problems` turns each into an HTTP answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One thing wrong with an input: where (a JSON pointer) and what to do about it."""

    pointer: str
    detail: str


class TrackerError(Exception):
    """Anything the service refuses, with a message for the reader."""

    def __init__(self, detail: str, faults: Sequence[Fault] = (), headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.faults = tuple(faults)
        self.headers = dict(headers or {})


class Malformed(TrackerError):
    """The request cannot be read at all."""


class Unauthenticated(TrackerError):
    """No credentials, or none that hold."""


class Forbidden(TrackerError):
    """The actor may see this, and may not do that with it."""


class NotFound(TrackerError):
    """It is not there, or the actor may not see it."""


class Conflict(TrackerError):
    """It clashes with what is there: a duplicate ref, or something still refers to it."""


class Stale(TrackerError):
    """The row has moved since the caller read it."""


class TooLarge(TrackerError):
    """The body is over the limit."""


class UnsupportedMedia(TrackerError):
    """The body is not JSON."""


class Invalid(TrackerError):
    """The input can be read, and breaks a rule; each fault says which."""

    def __init__(self, *faults: Fault) -> None:
        told = (f"{fault.pointer}: {fault.detail}" if fault.pointer else fault.detail for fault in faults[:3])
        super().__init__(" ".join(told), faults)


class PreconditionMissing(TrackerError):
    """A change needs If-Match."""


class TooMany(TrackerError):
    """The caller asks too often, or shows credentials that do not hold too often."""

    def __init__(self, detail: str, retry_after_seconds: int) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_seconds)})


class Unavailable(TrackerError):
    """The database is busy or away; asking again may work."""

    def __init__(self, detail: str, retry_after_seconds: int = 2) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_seconds)})
