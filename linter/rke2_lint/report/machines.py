"""The table of clusters and their machines: what each runs with, and the line that decides it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from rke2_lint.page.escape import path, text
from rke2_lint.page.section import none_left, nothing, section
from rke2_lint.page.table import Group, Row, table
from rke2_lint.page.wording import sentence
from rke2_lint.remarks import MachineRow
from rke2_lint.report import badges
from rke2_lint.report.references import References

STYLE = """\
.machines { --columns: minmax(0, 1.35fr) 8.6rem 6rem minmax(0, 1.45fr) minmax(0, 1.8fr); }
.machines .links { display: block; margin-top: .15rem; font-size: .875rem; }
@media (max-width: 47.99rem) {
  .machines tr:not(.head) { grid-template-columns: minmax(0, 1fr) auto; }
  .machines td:nth-child(n + 3) { grid-column: 1 / -1; }
  .machines td:nth-child(3)::before { content: "Value: "; color: var(--muted); }
  .machines td:nth-child(4)::before { content: "Decided by: "; color: var(--muted); }
}
"""
_HEADS = ("Machine", "Verdict", "Value", "Decided by", "Reason")
_INTRO = "What kube-proxy of each machine will run with, and the line that decides it."
_EMPTY = '""'
_MOST_LINKS = 3


class Machines:
    """The section of machines."""

    def __init__(self, references: References) -> None:
        self._references = references
        self.words: set[tuple[str, str]] = set()
        """What groups of rows say of those within, for the style that filters."""

    def render(self) -> str:
        """Return the section."""
        rows = self._references.rows
        if rows:
            shown = table("machines", "Clusters and their machines", _HEADS, self._groups())
            left = none_left("machines", "No machine is left by these filters.")
            inside = f'<div data-list="machines">\n{shown}{left}</div>\n'
        else:
            inside = nothing("No machine of RKE2 was found in these files.")
        return section("machines", "Clusters and machines", len(rows), _INTRO, inside)

    def _groups(self) -> Iterator[Group]:
        for (origin, where, _, cluster), together in groupby(
            self._references.rows, lambda one: _cluster(one[0])
        ):
            rows = list(together)
            counts = Counter(row.verdict for row, _ in rows)
            verdicts = [one for one in badges.VERDICTS if counts[one]]
            said = " ".join(verdicts)
            self.words.add(("verdict", said))
            heading = ""
            if origin == "rancher":
                heading = f"<strong>{text(cluster)}</strong> <code>{path(where)}</code>"
                if len(rows) > 1:
                    sums = " ".join(badges.verdict(one, counts[one]) for one in verdicts)
                    heading += f' <span class="badges">{sums}</span>'
            shown = [self._row(row, name, short=origin == "rancher") for row, name in rows]
            yield Group(shown, heading, f' data-group data-verdict="{said}"')

    def _row(self, row: MachineRow, name: str, *, short: bool) -> Row:
        """Return a row; `short` where the heading above it names the cluster."""
        called = row.name.split("/", 2)[-1] if short else row.name
        roles = ", ".join(role.replace("-", " ") for role in row.roles)
        under = ""
        if roles and called.replace("+", ", ").replace("-", " ") != roles:
            under += f"<br><small>{text(roles)}</small>"
        if not short and row.path != row.name:
            under += f"<br><small>{path(row.path)}</small>"
        value = "" if row.value is None else f"<code>{text(row.value or _EMPTY)}</code>"
        decider = ""
        if row.decided_by is not None:
            where, line, column = row.decided_by
            decider = f"<code>{path(where)}:{line}:{column}</code>"
        cells = (
            path(called) + under,
            badges.verdict(row.verdict),
            value,
            decider,
            text(sentence(row.reason)) + self._links(name),
        )
        return Row(cells, f' id="{name}" data-item data-verdict="{row.verdict}"')

    def _links(self, name: str) -> str:
        """Return the rules of the findings that concern a machine, each with its way there."""
        findings = self._references.findings(name)
        links = ", ".join(
            f'<a href="#{told.name}">{told.remark.rule}</a>' for told in findings[:_MOST_LINKS]
        )
        if len(findings) > _MOST_LINKS:
            links += f" and {len(findings) - _MOST_LINKS:,} more"
        return f'<span class="links">{links}</span>' if links else ""


def _cluster(row: MachineRow) -> tuple[str, str, int, str]:
    """Return what rows have in common that stand below one heading."""
    cluster = "/".join(row.name.split("/", 2)[:2]) if row.origin == "rancher" else row.name
    return row.origin, row.path, row.document, cluster
