"""The service's log: one line a happening on standard error, as text or as JSON.

Nothing that a client sends is logged but its address, the method, the route's pattern and our own ids: so
neither tokens nor names nor pictures can be in a log.
"""

import asyncio
import json
import logging
import sys
import time

_EXTRA = ("job", "attempt", "worker", "token", "method", "route", "status", "client")


def log_to_stderr(kind: str) -> None:
    """Send every log record there, "text" or "json"."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if kind == "json" else TextLines())
    # A request that is cut off where the service stops is no mistake of anybody's.
    handler.addFilter(lambda record: not _cut_off(record))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


class TextLines(logging.Formatter):
    """For people."""

    def __init__(self):
        super().__init__("%(asctime)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        extra = " ".join(f"{name}={value}" for name, value in _extra(record).items())
        return f"{super().formatMessage(record)} {extra}".rstrip()


class JsonLines(logging.Formatter):
    """For programs: an object a line, with ``time`` in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{record.msecs:03.0f}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_extra(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def _cut_off(record: logging.LogRecord) -> bool:
    return bool(record.exc_info) and isinstance(record.exc_info[1], asyncio.CancelledError)


def _extra(record: logging.LogRecord) -> dict:
    return {name: getattr(record, name) for name in _EXTRA if hasattr(record, name)}
