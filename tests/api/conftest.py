"""Plans for the tests of the API, most of which share one service a file: see `shared` and `served`."""

from itertools import count

import pytest

from tests.conftest import Api
from tests.factories import Plan, make_plan

numbers = count(1)


@pytest.fixture(scope="module")
def plan(shared: Api) -> Plan:
    """A plan whose rows the tests of a file refer to and leave as they are."""
    return make_plan(shared)


@pytest.fixture
def own_plan(shared: Api) -> Plan:
    """A plan that no other test knows of."""
    return make_plan(shared, f"-{next(numbers)}")
