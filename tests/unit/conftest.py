"""A unit test touches neither database nor network: whichever does, fails, even where its code swallows errors."""

import sys
from collections.abc import Iterator

import pytest

OUT_OF_BOUNDS = ("sqlite3.", "socket.")
# An event loop makes a pair of sockets for itself, which lead nowhere.
HARMLESS = "socket.__new__"
_guarded = False


def _refuse(event: str, _arguments: tuple[object, ...]) -> None:
    if _guarded and event.startswith(OUT_OF_BOUNDS) and event != HARMLESS:
        # It is no Exception, so no code under test takes it for a fault to be handled.
        pytest.fail(f"A unit test came to {event}: test this among those that stand on a database or a server.")


# The interpreter keeps a hook for good; the switch says whether it minds.
sys.addaudithook(_refuse)


@pytest.fixture(autouse=True)
def out_of_bounds() -> Iterator[None]:
    """Mind what a test opens, for as long as it runs."""
    global _guarded  # noqa: PLW0603 The hook can look nowhere else.
    _guarded = True
    yield
    _guarded = False
