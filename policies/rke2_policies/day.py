"""Days of the calendar, written `YYYY-MM-DD`: the house has no clock, and compares them as texts."""

from __future__ import annotations

from rke2_policies.lazy_pattern import lazily

_DAY = lazily(r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])")


def is_day(text: str) -> bool:
    """Return whether a text is a day of the calendar, `YYYY-MM-DD`."""
    if not _DAY.fullmatch(text):
        return False
    year, month, day = map(int, text.split("-"))
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if month == 2:
        return day <= (29 if leap else 28)
    return day <= (30 if month in (4, 6, 9, 11) else 31)
