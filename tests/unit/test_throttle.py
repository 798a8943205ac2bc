"""How often someone may be wrong, and how often a token may ask."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.access.throttle import BadCredentials, RequestLimit, names_of

START = datetime(2018, 12, 10, 9, 30, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def noted(counter: BadCredentials, times: int, *names: str, at: float = 0) -> list[int | None]:
    return [counter.note(names, after(at)) for _ in range(times)]


def taken(limit: RequestLimit, times: int, name: str = "a", at: float = 0) -> list[int | None]:
    return [limit.take(name, after(at)) for _ in range(times)]


def test_ten_bad_attempts_pass_and_the_eleventh_waits() -> None:
    assert noted(BadCredentials(10), 11, "a") == [None] * 10 + [60]


def test_the_wait_ends_a_minute_after_the_oldest_attempt() -> None:
    counter = BadCredentials(2)
    noted(counter, 1, "a", at=0)
    noted(counter, 1, "a", at=30.5)
    assert [counter.note(["a"], after(second)) for second in (31, 59.5, 60, 60, 90.5)] == [29, 1, None, 31, None]


def test_attempts_over_the_limit_do_not_make_the_wait_longer() -> None:
    counter = BadCredentials(1)
    noted(counter, 1, "a")
    noted(counter, 100, "a", at=59)
    assert counter.note(["a"], after(60)) is None


def test_one_name_over_its_limit_is_enough() -> None:
    counter = BadCredentials(2)
    noted(counter, 2, "token a", "client x")
    assert counter.note(["token b", "client x"], after(20)) == 40


def test_names_count_each_for_itself() -> None:
    counter = BadCredentials(2)
    noted(counter, 2, "a")
    assert noted(counter, 2, "b") == [None, None]


def test_the_longest_wait_is_told() -> None:
    counter = BadCredentials(1)
    noted(counter, 1, "a", at=0)
    noted(counter, 1, "b", at=20)
    assert counter.note(["a", "b"], after(30)) == 50


def test_who_has_no_name_is_not_counted() -> None:
    assert noted(BadCredentials(1), 5) == [None] * 5


def test_no_more_names_are_kept_than_said() -> None:
    counter = BadCredentials(1, most_names=100)
    for number in range(10_000):
        counter.note([str(number)], START)
    assert len(counter._attempts) == 100


def test_the_name_that_was_quiet_for_longest_is_forgotten() -> None:
    counter = BadCredentials(1, most_names=2)
    for name in ("a", "b", "a", "c"):
        counter.note([name], START)
    assert (counter.note(["a"], START), counter.note(["b"], START)) == (60, None)


def test_a_clock_that_was_set_back_locks_nobody_out() -> None:
    counter = BadCredentials(1)
    noted(counter, 1, "a", at=3600)
    assert counter.note(["a"], after(0)) is None


moments = st.lists(st.floats(0, 300), min_size=1, max_size=60).map(sorted)


@given(moments, st.integers(1, 12))
def test_no_minute_sees_more_bad_attempts_let_by_than_the_limit(seconds: list[float], most: int) -> None:
    counter = BadCredentials(most)
    passed = [second for second in seconds if counter.note(["a"], after(second)) is None]
    assert all(sum(1 for other in passed if 0 <= other - first < 59.999) <= most for first in passed)


@given(moments, st.integers(1, 12))
def test_who_waits_as_long_as_told_is_let_by(seconds: list[float], most: int) -> None:
    counter = BadCredentials(most)
    for second in seconds:
        wait = counter.note(["a"], after(second))
        assert wait is None or 1 <= wait <= 60
    told = counter.note(["a"], after(seconds[-1])) or 0
    assert counter.note(["a"], after(seconds[-1] + told)) is None or not told


def test_a_token_may_ask_as_often_as_its_limit_says() -> None:
    assert taken(RequestLimit(3), 4) == [None, None, None, 20]


def test_the_allowance_comes_back_as_the_minute_goes_by() -> None:
    limit = RequestLimit(3)
    taken(limit, 3)
    assert [limit.take("a", after(second)) for second in (19, 20, 20, 60, 60, 60)] == [1, None, 20, None, None, 20]


def test_tokens_count_each_for_itself() -> None:
    limit = RequestLimit(1)
    taken(limit, 1, "a")
    assert taken(limit, 1, "b") == [None]


def test_without_a_limit_nothing_is_counted() -> None:
    limit = RequestLimit(0)
    assert taken(limit, 1000) == [None] * 1000
    assert not limit._worked_off_at


def test_no_more_tokens_are_kept_than_said() -> None:
    limit = RequestLimit(1, most_names=100)
    for number in range(1000):
        limit.take(str(number), START)
    assert len(limit._worked_off_at) == 100


def test_a_token_that_asks_is_not_forgotten_before_one_that_is_quiet() -> None:
    limit = RequestLimit(2, most_names=2)
    for token_id in ("a", "b", "a", "c"):
        limit.take(token_id, START)
    assert (limit.take("a", START), limit.take("b", START)) == (30, None)


def test_a_clock_that_was_set_back_stops_no_token() -> None:
    limit = RequestLimit(2)
    taken(limit, 2, at=3600)
    assert taken(limit, 2) == [None, None]


@given(st.integers(1, 500))
def test_the_whole_allowance_can_be_used_at_once_and_no_request_more(most: int) -> None:
    *within, over = taken(RequestLimit(most), most + 1)
    assert (set(within), over is None) == ({None}, False)


@given(moments, st.integers(1, 12))
def test_a_token_that_waits_as_long_as_told_may_ask(seconds: list[float], most: int) -> None:
    limit = RequestLimit(most)
    for second in seconds:
        limit.take("a", after(second))
    wait = limit.take("a", after(seconds[-1]))
    assert wait is None or limit.take("a", after(seconds[-1] + wait)) is None


@given(moments, st.integers(1, 12))
def test_over_any_time_a_token_gets_no_more_than_one_allowance_and_the_even_rate(
    seconds: list[float], most: int
) -> None:
    limit = RequestLimit(most)
    passed = [second for second in seconds if limit.take("a", after(second)) is None]
    for position, first in enumerate(passed):
        for count, last in enumerate(passed[position:], start=1):
            assert count <= most + (last - first) * most / 60 + 0.001


@pytest.mark.parametrize(
    ("token_id", "address", "names"),
    [
        ("0123456789abcdef", "192.0.2.7", ["token 0123456789abcdef", "client 192.0.2.7"]),
        (None, "192.0.2.7", ["client 192.0.2.7"]),
        (None, "2001:db8:0:1::17", ["client 2001:db8:0:1::/64"]),
        (None, "2001:db8:0:1:ffff:ffff:ffff:ffff", ["client 2001:db8:0:1::/64"]),
        (None, "2001:db8:0:2::17", ["client 2001:db8:0:2::/64"]),
        ("0123456789abcdef", None, ["token 0123456789abcdef"]),
        (None, None, []),
    ],
)
def test_bad_credentials_count_under_the_token_and_the_client(
    token_id: str | None, address: str | None, names: list[str]
) -> None:
    assert names_of(token_id, ip_address(address) if address else None) == names
