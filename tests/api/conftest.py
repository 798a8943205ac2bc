"""Plans for the tests of the API, most of which share one service a file: see `shared` and `served`."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from tests.conftest import Api
from tests.factories import Body, Plan, make_plan

numbers = count(1)


@pytest.fixture(scope="module")
def plan(shared: Api) -> Plan:
    """A plan whose rows the tests of a file refer to and leave as they are."""
    return make_plan(shared)


@pytest.fixture
def own_plan(shared: Api) -> Plan:
    """A plan that no other test knows of."""
    return make_plan(shared, f"-{next(numbers)}")


def followed(api: Api, following: str | None, between: Callable[[], object] = lambda: None) -> Iterator[list[Body]]:
    """Follow a list to its end, and do something between two pages."""
    while following:
        answer = api.get(following)
        assert answer.status_code == 200, answer.text
        following = answer.json()["next"]
        assert answer.headers.get("link") == (f'<{following}>; rel="next"' if following else None)
        yield answer.json()["items"]
        between()
