"""Partnership Action Tracker: the plan behind a partnership's joint priorities, and progress on it."""

__version__ = "0.1.0"
