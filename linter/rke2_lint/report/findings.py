"""Findings by rule: what is wrong, on which line, whom it concerns, and how it is put right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rke2_lint.explain import why
from rke2_lint.page.escape import path, prose, text
from rke2_lint.page.excerpt import change, excerpt
from rke2_lint.page.section import heading, none_left, nothing, section
from rke2_lint.page.table import Group, Row, table
from rke2_lint.page.wording import counted, sentence
from rke2_lint.remarks import Change, Region, Remark
from rke2_lint.report import badges
from rke2_lint.report.references import References, Told
from rke2_policies import catalog

STYLE = """\
.rules { --columns: minmax(0, 1.2fr) 6rem minmax(0, 2.6fr) 5.5rem 5.5rem 5.5rem; }
@media (max-width: 47.99rem) {
  .rules tr { grid-template-columns: repeat(3, auto) minmax(0, 1fr); gap: .3rem 1.25rem; }
  .rules th, .rules td:nth-child(3) { grid-column: 1 / -1; }
  .rules td:nth-child(2) { grid-column: 1 / -1; grid-row: 2; }
  .rules td:nth-child(n + 4) { color: var(--muted); font-size: .875rem; }
  .rules td:nth-child(4)::before { content: "Findings: "; }
  .rules td:nth-child(5)::before { content: "Machines: "; }
  .rules td:nth-child(6)::before { content: "Fixable: "; }
}
"""
_HEADS = ("Rule", "Severity", "What it asks for", "Findings", "Machines", "Fixable")
_INTRO = (
    "By rule, the gravest first: what is wrong, on which line, whom it concerns, and how it is"
    " put right."
)
_HOW = {
    "safe": ("safe", '<code class="command">rke2-lint --fix</code> makes it.'),
    "unsafe": (
        "unsafe",
        '<code class="command">rke2-lint --fix --unsafe-fixes</code> makes it;'
        " look whether it is what was meant.",
    ),
    "shown": ("by hand", "It deletes something, or reaches further than this place."),
}
_FEW = 30
"""So many are shown unfolded."""
_MOST_MACHINES = 200


class Findings:
    """The sections of findings, and of those that are suppressed."""

    def __init__(self, references: References) -> None:
        self._references = references
        self.words: set[tuple[str, str]] = set()
        """What groups of findings say of those within, for the style that filters."""

    def render(self) -> str:
        """Return the section: a table of rules, and below it every finding."""
        told = self._references.told
        if not told:
            return section("findings", "Findings", 0, "", nothing("Nothing was found."))
        groups = _by_rule(told)
        shown = "".join(self._group(rule, together) for rule, together in groups)
        left = none_left("findings", "No finding is left by these filters.")
        return section(
            "findings",
            "Findings",
            len(told),
            _INTRO,
            f'{_rules(groups)}<div data-list="findings">\n{shown}{left}</div>\n',
            folding=len(told) > 1,
        )

    def render_suppressed(self) -> str:
        """Return the section of what was found and does not count, folded; "" where nothing is."""
        told = self._references.suppressed
        if not told:
            return ""
        title = heading("suppressed", "Suppressed findings", len(told))
        shown = "".join(self._finding(one, unfolded=False) for one in told)
        left = none_left("suppressed findings", "No suppressed finding is left by these filters.")
        return (
            '<section id="suppressed" aria-labelledby="suppressed-title" data-list="suppressed findings">\n'
            f'<details class="card fold"><summary>{title}</summary>\n<div class="inside">'
            '<p class="intro">Found, and disregarded for a reason that somebody gave.</p>\n'
            f"{shown}{left}</div></details>\n</section>\n"
        )

    def _group(self, rule: str, told: Sequence[Told]) -> str:
        said = " ".join(_severities(told))
        self.words.add(("severity", said))
        reason = why(rule)
        few = len(self._references.told) <= _FEW
        return "".join(
            (
                f'<section class="rule" id="rule-{rule}" aria-labelledby="title-{rule}" data-group'
                f' data-rule="{rule}" data-severity="{said}">\n<header data-heading>'
                f'<h3 id="title-{rule}"><code>{rule}</code>'
                f' <span class="muted">{counted(len(told), "finding")}</span></h3>'
                f"<p>{prose(catalog.rule(rule).summary)}</p>",
                f'<p class="why">{prose(reason)}</p>' if reason else "",
                "</header>\n",
                *(self._finding(one, unfolded=few) for one in told),
                "</section>\n",
            )
        )

    def _finding(self, told: Told, *, unfolded: bool) -> str:
        one = told.remark
        tags = [counted(len(one.machines), "machine")] if one.machines else []
        tags += ["fixable"] if one.fixable else []
        marks = "".join(f' <span class="tag">{tag}</span>' for tag in tags)
        # Findings that count lie in the group of their rule, which says it for them.
        facet = f' data-rule="{one.rule}"' if told.suppressed else ""
        return "".join(
            (
                f'<details class="finding {one.severity}" data-item data-severity="{one.severity}"{facet}'
                f"{' open' if unfolded else ''}><summary><h4>{text(sentence(one.message))}</h4>"
                f'<code class="place">{_place(one.path, one.region)}</code>'
                f'<span class="marks">{badges.severity(one.severity)}{marks}</span></summary>\n'
                f'<div class="inside" id="{told.name}">\n',
                _suppression(told),
                _source(one),
                _refusal(one),
                _related(one),
                self._machines(one),
                "</div></details>\n",
            )
        )

    def _machines(self, one: Remark) -> str:
        if not one.machines:
            return ""
        names = []
        for machine in one.machines[:_MOST_MACHINES]:
            rows = self._references.machines(machine, one)
            shown = path(machine)
            names.append(f'<a href="#{rows[0]}">{shown}</a>' if rows else shown)
        if len(one.machines) > _MOST_MACHINES:
            names.append(f"and {len(one.machines) - _MOST_MACHINES:,} more")
        items = "".join(f"<li>{name}</li>" for name in names)
        return f'<div><h5>Machines concerned</h5><ul class="names">{items}</ul></div>\n'


def _by_rule(told: Iterable[Told]) -> list[tuple[str, list[Told]]]:
    """Return findings by rule: the gravest first, then the most frequent."""
    groups: dict[str, list[Told]] = {}
    for one in told:
        groups.setdefault(one.remark.rule, []).append(one)

    def order(group: tuple[str, list[Told]]) -> tuple[int, int, str]:
        rule, together = group
        return badges.SEVERITIES.index(_severities(together)[0]), -len(together), rule

    return sorted(groups.items(), key=order)


def _severities(told: Iterable[Told]) -> list[str]:
    """Return the severities of findings, the gravest first: a policy may tell places apart."""
    there = {one.remark.severity for one in told}
    return [severity for severity in badges.SEVERITIES if severity in there]


def _rules(groups: Iterable[tuple[str, Sequence[Told]]]) -> str:
    rows = []
    for rule, told in groups:
        machines = {name for one in told for name in one.remark.machines}
        fixable = sum(one.remark.fixable for one in told)
        cells = (
            f'<a href="#rule-{rule}"><code>{rule}</code></a>',
            " ".join(map(badges.severity, _severities(told))),
            prose(catalog.rule(rule).summary),
            f"<b>{len(told):,}</b>",
            f"{len(machines):,}",
            f"{fixable:,}",
        )
        rows.append(Row(cells))
    return table("rules", "Rules that found something", _HEADS, [Group(rows)])


def _suppression(told: Told) -> str:
    if not told.suppressed:
        return ""
    return (
        f"<p><strong>{text(told.suppressed)}</strong><br>Rule <code>{told.remark.rule}</code></p>\n"
    )


def _source(one: Remark) -> str:
    """Return the lines of a finding, and beside them what its fix makes of them."""
    parts = []
    if one.lines:
        parts.append(f"<div><h5>Where</h5>{excerpt(one.lines, one.region)}</div>\n")
    if one.change is not None:
        parts.append(f"<div>{_fix(one.change, made=not one.refusal)}</div>\n")
    pair = "pair two" if len(parts) > 1 else "pair"
    return f'<div class="{pair}">{"".join(parts)}</div>\n' if parts else ""


def _fix(fix: Change, *, made: bool) -> str:
    label, how = _HOW[fix.safety]
    shown = change(fix.picture) if fix.picture else ""
    said = f"{text(sentence(fix.title))}.{f' {how}' if made else ''}"
    return f'<h5>Fix <span class="tag">{label}</span></h5>{shown}<p>{said}</p>'


def _refusal(one: Remark) -> str:
    if not one.refusal:
        return ""
    label = "Not by <code>--fix</code>" if one.change else "No fix"
    return f'<p class="refusal"><strong>{label}:</strong> {text(one.refusal)}</p>\n'


def _related(one: Remark) -> str:
    if not one.related:
        return ""
    places = "".join(
        f"<li><p>{text(sentence(each.message))}: <code>{_place(each.path, each.region)}</code></p>"
        f"{excerpt([each.line], each.region)}</li>"
        for each in one.related
    )
    return f"<div><h5>Related</h5><ul>{places}</ul></div>\n"


def _place(where: str, region: Region) -> str:
    return f"{path(where)}:{region.line}:{region.column}"
