"""The top of a report: what it comes to, in one line, in a bar and in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rke2_lint import __version__
from rke2_lint.outcome import Outcome
from rke2_lint.page.escape import prose, text
from rke2_lint.page.wording import counted, joined
from rke2_lint.report.badges import SEVERITIES, VERDICTS

_BEST_FIRST = ("pinned", "unknown", "legacy", "unpinned", "broken", "not-applicable")
_STYLE = """\
.bar .bar-broken, .legend .bar-broken { background-image: repeating-linear-gradient(-45deg, rgb(0 0 0 / .35) 0 3px, transparent 3px 6px); }
.bar .bar-legacy, .legend .bar-legacy { background-image: repeating-linear-gradient(90deg, rgb(0 0 0 / .3) 0 2px, transparent 2px 6px); }
"""
MARK = (
    '<svg viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path fill="#2c9c63"'
    ' d="M12 1.5 21 5v6.5c0 5.2-3.7 9.3-9 11-5.3-1.7-9-5.8-9-11V5z"/><path fill="none" stroke="#fff"'
    ' stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round" d="m7.6 12.2 3.1 3.1 5.8-6.4"/></svg>'
)


class Summary:
    """What there is to say first."""

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self._verdicts = Counter(row.verdict for row in outcome.rows)
        self.headline = _headline(self._verdicts, _backends(outcome))
        """For somebody who reads one line."""
        self.lead = _lead(outcome)
        """What was found and what can be done, with code in backticks."""

    @property
    def style(self) -> str:
        """How the bar is drawn: what a page allows itself to do has no style in its tags."""
        lengths = "".join(
            f".bar .bar-{one} {{ flex: {count} 1 0; }}\n"
            for one in VERDICTS
            if (count := self._verdicts[one])
        )
        return _STYLE + lengths

    def header(self, sections: Iterable[tuple[str, str, int]]) -> str:
        """Return the header, with links to sections: each its name in addresses, its title, a number."""
        links = "".join(
            f'<li><a href="#{name}">{title} <span class="count">{count:,}</span></a></li>'
            for name, title, count in sections
        )
        return (
            f'<header>\n<div class="band"><div class="wide"><p class="brand">{MARK}<span>rke2-lint</span></p>'
            f'<p class="version">Version {text(__version__)}</p>'
            f'<nav aria-label="Sections"><ul>{links}</ul></nav></div></div>\n'
            f'<div class="hero"><div class="wide"><div><h1>{text(self.headline)}</h1>'
            f'<p class="lead">{prose(self.lead)}</p>{self._bar()}</div>\n'
            f"{self._totals()}</div></div>\n</header>\n"
        )

    def _bar(self) -> str:
        verdicts = [one for one in _BEST_FIRST if self._verdicts[one]]
        if not verdicts:
            return ""
        parts = "".join(f'<span class="{VERDICTS[one]} bar-{one}"></span>' for one in verdicts)
        legend = "".join(
            f'<li><i class="{VERDICTS[one]} bar-{one}"></i><b>{self._verdicts[one]:,}</b>'
            f" {one.replace('-', ' ')}</li>"
            for one in verdicts
        )
        return (
            f'<div class="meter"><div class="bar" aria-hidden="true">{parts}</div>'
            f'<ul class="legend" aria-label="Machines by verdict">{legend}</ul></div>'
        )

    def _totals(self) -> str:
        outcome = self._outcome
        clusters = {(row.path, row.document) for row in outcome.rows if row.origin != "file"}
        totals = [
            ("error", "Errors", outcome.count("error")),
            ("warning", "Warnings", outcome.count("warning")),
            ("note", "Notes", outcome.count("note")),
            ("", "Clusters", len(clusters)),
            ("", "Nodes", sum(row.origin == "file" for row in outcome.rows)),
            ("", "Files read", outcome.files),
        ]
        cells = "".join(
            f'<div class="{kind}{" some" if count else ""}"><dt>{name}</dt><dd>{count:,}</dd></div>'
            for kind, name, count in totals
        )
        return f'<dl class="totals">{cells}</dl>'


def _backends(outcome: Outcome) -> set[str]:
    """Return what machines are pinned to: a policy may want legacy for some, or for all."""
    return {(row.value or "").strip() for row in outcome.rows if row.verdict == "pinned"}


def _headline(verdicts: Counter[str], backends: set[str]) -> str:
    concerned = verdicts.total() - verdicts["not-applicable"]
    pinned = verdicts["pinned"]
    to = f" to {''.join(backends)}" if len(backends) == 1 else ""
    if not concerned:
        return "No machine here needs a pin"
    if concerned == 1:
        return f"The one machine here is {'' if pinned else 'not '}pinned{to}"
    if pinned == concerned:
        return f"All {concerned:,} machines are pinned{to}"
    return f"{pinned:,} of {concerned:,} machines {'is' if pinned == 1 else 'are'} pinned{to}"


def _lead(outcome: Outcome) -> str:
    found = [
        counted(count, severity) for severity in SEVERITIES if (count := outcome.count(severity))
    ]
    said = f"{joined(found) if found else 'Nothing was found'} in {counted(outcome.files, 'file')}."
    if fixable := sum(one.fixable for one in outcome.remarks):
        said += f" {fixable:,} can be fixed with `rke2-lint --fix`."
    return said
