"""Logs: one JSON object a line on standard output, and never a word of a reviewed object."""

from __future__ import annotations

import logging
import sys
import time
import traceback
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, BinaryIO

import orjson
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


def configure(level: str, to: BinaryIO | None = None) -> FilteringBoundLogger:
    """Send what this program and its libraries say to `to`, as JSON, and return the logger."""
    stream = sys.stdout.buffer if to is None else to
    structlog.configure(
        processors=[_lines],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.BytesLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    log: FilteringBoundLogger = structlog.get_logger().bind()
    # Libraries speak from WARNING on: httpx tells every request at INFO.
    logging.basicConfig(
        handlers=[_Forward(log)], level=max(logging.WARNING, _LEVELS[level]), force=True
    )
    # It warns of every malformed request, as often as somebody sends one; those are counted.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    return log


def frames(error: BaseException) -> list[str]:
    """Return where an exception was raised, outermost first, as `file:line function`."""
    return [
        f"{frame.filename}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__, limit=-30)
    ]


def _lines(_: WrappedLogger, level: str, event: EventDict) -> bytes:
    # structlog calls its methods so, and `exception` is one of them.
    level = "error" if level == "exception" else level
    message = event.pop("event")
    # `many`: one call for many lines, which costs a fifth of many calls.
    many = event.pop("many", None)
    if many is None:
        return _line(level, message, event)
    return b"\n".join(_line(level, message, each) for each in many)


def _line(level: str, message: str, told: MutableMapping[str, Any]) -> bytes:
    # `when`: what is told later than it happened brings its time along.
    when = told.pop("when", None) or time.time()
    line = {"time": datetime.fromtimestamp(when, UTC), "level": level, "message": message}
    raised = _raised(told.pop("exc_info", None))
    line.update(told)
    if raised is not None:
        # No message of the exception: a KeyError or a ValueError quotes the object it stumbled
        # over, and clusters hold secrets.
        kind = type(raised)
        line["exception"] = f"{kind.__module__}.{kind.__qualname__}"
        line["traceback"] = frames(raised)
    return orjson.dumps(line, default=str, option=orjson.OPT_UTC_Z)


def _raised(info: object) -> BaseException | None:
    match info:
        case BaseException():
            return info
        case (_, BaseException() as error, _):
            return error
        case True:
            return sys.exc_info()[1]
        case _:
            return None


class _Forward(logging.Handler):
    """What libraries say with `logging`, told by the same logger."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        told: dict[str, Any] = {"logger": record.name}
        if record.exc_info:
            told["exc_info"] = record.exc_info
        self._log.log(record.levelno, record.getMessage().strip()[:500], **told)


class Seldom:
    """Lets each kind of line through once in a while, and counts those it holds back."""

    def __init__(self, every: float) -> None:
        self._every = every
        self._next: dict[object, float] = {}
        self._unsaid: dict[object, int] = {}

    def turn(self, kind: object) -> int | None:
        """Return how many lines of this kind were held back, or None if this one is, too."""
        now = time.monotonic()
        if now < self._next.get(kind, 0.0):
            self._unsaid[kind] += 1
            return None
        self._next[kind] = now + self._every
        unsaid = self._unsaid.get(kind, 0)
        self._unsaid[kind] = 0
        return unsaid
