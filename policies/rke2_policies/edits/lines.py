"""Lines: where they start and end, in any of the line breaks that YAML 1.1 knows."""

from __future__ import annotations

from rke2_policies.lazy_pattern import lazily

# libyaml and go-yaml v2 end lines (and so comments) at NEL, LS and PS, too.
_BREAK = lazily("\r\n|[\r\n\x85\u2028\u2029]")
_RARE_BREAKS = "\r\x85\u2028\u2029"


def line_start(text: str, at: int) -> int:
    """Return where the line starts on which `at` is."""
    start = text.rfind("\n", 0, at) + 1
    for rare in _RARE_BREAKS:
        start = max(start, text.rfind(rare, start, at) + 1)
    return start


def line_end(text: str, at: int) -> int:
    """Return where the line ends on which `at` is, before its line break."""
    found = _BREAK.search(text, at)
    return found.start() if found else len(text)


def next_line(text: str, at: int) -> int:
    """Return where the line below starts. In the last line that is the end of the text."""
    found = _BREAK.search(text, at)
    return found.end() if found else len(text)


def column(text: str, at: int) -> int:
    """Return how many characters stand on the line before `at`."""
    return at - line_start(text, at)


def newline_near(text: str, at: int, otherwise: str) -> str:
    """Return the line break of the line of `at`, or of the line above where it is the last one."""
    found = _BREAK.search(text, at)
    if found is None:
        start = line_start(text, at)
        above = text[max(0, start - 2) : start]
        near = above if above == "\r\n" else above[-1:]
    else:
        near = found.group()
    return near if near in ("\n", "\r\n", "\r") else otherwise


def is_blank(text: str) -> bool:
    """Say whether there is nothing in a stretch but blanks and line breaks."""
    return not text.strip(" \t\r\n\x85\u2028\u2029\ufeff")
