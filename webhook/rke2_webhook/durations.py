"""Durations as Kubernetes and Go write them: `30s`, `1m30s`, `168h`, and `7d` besides."""

from __future__ import annotations

import re

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = r"(\d+(?:\.\d+)?)(ms|s|m|h|d)"
_WHOLE = re.compile(f"(?:{_PART})+", re.ASCII)
_EACH = re.compile(_PART, re.ASCII)


def seconds(text: str) -> float:
    """Return how many seconds `text` says, or raise ValueError. A bare number is seconds."""
    if _WHOLE.fullmatch(text):
        return sum(float(number) * _UNITS[unit] for number, unit in _EACH.findall(text))
    if text.isascii() and text.isdigit():
        return float(text)
    raise ValueError(f"{text!r} is no duration; write it like 30s, 1m30s, 24h or 7d")
