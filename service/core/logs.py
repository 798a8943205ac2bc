"""Logs as one JSON object a line, on standard error."""

import logging
from datetime import UTC, datetime

from service.core.answers import to_json

EXTRA = ("request_id", "method", "route", "status", "milliseconds")


class JsonFormatter(logging.Formatter):
    """Write a record as JSON: when, how grave, what, and the fields of a request where there are any."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update({name: getattr(record, name) for name in EXTRA if hasattr(record, name)})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return to_json(line).decode()


def set_up_logs(level: str) -> None:
    """Send every log of this process through the formatter."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("uvicorn.access").disabled = True
