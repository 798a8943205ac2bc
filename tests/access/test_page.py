"""docs/access.md says what the table says."""

from tests.access.page import PAGE, page


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == page(), "Run `python -m tests.access.page`."
