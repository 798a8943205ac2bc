"""What is counted, for Prometheus. Each process counts for itself."""

from functools import lru_cache

from prometheus_client import Counter, Histogram

REQUESTS = Counter("tracker_requests", "Requests answered.", ["method", "route", "status"])
SECONDS = Histogram(
    "tracker_request_seconds",
    "Seconds from request to answer.",
    ["method", "route"],
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10),
)


def count(method: str, route: str, status: int, seconds: float) -> None:
    """Count one request."""
    answered, taken = _series(method, route, status)
    answered.inc()
    taken.observe(seconds)


@lru_cache(10_000)
def _series(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Return the series of a kind of request; finding them by their labels takes longer than counting."""
    return REQUESTS.labels(method, route, str(status)), SECONDS.labels(method, route)
