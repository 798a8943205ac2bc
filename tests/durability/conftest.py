"""These tests start servers of their own and take minutes: TRACKER_TEST_DURABILITY=1 runs them."""

import os

# Asked here, and not in a fixture, so that nothing of them is even collected.
collect_ignore_glob = [] if os.environ.get("TRACKER_TEST_DURABILITY") else ["test_*.py"]  # noqa: TID251
