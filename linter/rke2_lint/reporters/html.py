"""One HTML page for people who run fleets, and for those who answer for them.

It needs no other file and no network, says the same at every run over the same files, and can be
read without JavaScript, on a phone, by a screen reader and on paper.
"""

from __future__ import annotations

from collections import Counter

from rke2_lint import __version__
from rke2_lint.outcome import Outcome
from rke2_lint.page.escape import text
from rke2_lint.page.filters import Choice, Facet, form, style
from rke2_lint.page.frame import framed
from rke2_lint.report import badges, files, findings, machines
from rke2_lint.report.findings import Findings
from rke2_lint.report.machines import Machines
from rke2_lint.report.references import References
from rke2_lint.report.summary import Summary

_VERDICTS_EXPLAINED = (
    "Pinned: kube-proxy runs with the backend that the policy wants, which is nft unless it says otherwise."
    " Unpinned: it detects the backend at each start, and the answer may change. Legacy: it is pinned to legacy,"
    " and nft is wanted. Broken: its iptables calls fail. Unknown: the files do not say."
)


def render(outcome: Outcome) -> str:
    """Return the page, in ASCII. The outcome is sorted, and has its rows and its pictures."""
    references = References(outcome)
    summary = Summary(outcome)
    table, list_ = Machines(references), Findings(references)
    shown = (
        files.render_unreadable(outcome),
        form(facets) if (facets := _facets(references)) else "",
        table.render(),
        list_.render(),
        list_.render_suppressed(),
        files.render_outside(outcome),
        files.render(outcome),
    )
    sections = [
        ("machines", "Machines", len(references.rows)),
        ("findings", "Findings", len(references.told)),
        ("suppressed", "Suppressed", len(references.suppressed)),
        ("outside", "Not RKE2", len(outcome.outside)),
        ("files", "Files", outcome.files),
    ]
    there = [one for one in sections if one[2] or one[0] not in ("suppressed", "outside")]
    body = (
        '<a class="skip" href="#content">Skip to the content</a>\n'
        f"{summary.header(there)}"
        f'<main id="content" class="wide">\n{"".join(shown)}</main>\n{_footer()}'
    )
    return framed(
        f"{summary.headline} \u00b7 rke2-lint",
        body,
        description=f"{summary.headline}. {summary.lead.replace('`', '')}",
        style=machines.STYLE + findings.STYLE + files.STYLE + summary.style,
        unscripted_style=style(facets, table.words | list_.words),
    )


def _facets(references: References) -> list[Facet]:
    """Return what people may choose by."""
    remarks = [told.remark for told in (*references.told, *references.suppressed)]
    verdicts = Counter(row.verdict for row, _ in references.rows)
    severities = Counter(one.severity for one in remarks)
    rules = Counter(one.rule for one in remarks)
    facets = (
        Facet("rule", "Rule", [Choice(one, rules[one]) for one in sorted(rules)], pick=True),
        Facet(
            "verdict",
            "Machines",
            [Choice(one, verdicts[one], kind) for one, kind in badges.VERDICTS.items()],
        ),
        Facet(
            "severity",
            "Findings",
            [Choice(one, severities[one], one) for one in badges.SEVERITIES],
        ),
    )
    there = (one._replace(choices=[each for each in one.choices if each.number]) for one in facets)
    return [one for one in there if one.choices]


def _footer() -> str:
    return (
        f'<footer class="foot"><div class="wide"><p>{_VERDICTS_EXPLAINED}</p>'
        f"<p>Made by rke2-lint {text(__version__)}. A rule in full: <code>rke2-lint rule NAME</code>."
        " What each machine runs with, in a terminal: <code>rke2-lint effective</code>.</p></div></footer>\n"
    )
