"""What is counted, for Prometheus. Each process counts for itself."""

from prometheus_client import Counter, Histogram

REQUESTS = Counter("tracker_requests", "Requests answered.", ["method", "route", "status"])
SECONDS = Histogram(
    "tracker_request_seconds",
    "Seconds from request to answer.",
    ["method", "route"],
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10),
)
