"""One HTML page about nodes: how each is, why, and what to do, in the linter's own frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rke2_lint import __version__
from rke2_lint.health.told import Told, current, pin_of, predicted
from rke2_lint.page.escape import prose, text
from rke2_lint.page.filters import Choice, Facet, form, style
from rke2_lint.page.frame import framed
from rke2_lint.page.section import listed, none_left, nothing, section
from rke2_lint.page.table import Group, Row, table
from rke2_lint.page.wording import counted, joined, sentence
from rke2_lint.report import badges
from rke2_lint.report.summary import MARK
from rke2_policies import catalog
from rke2_policies.diagnose import VERDICTS, Diagnosis, NodeDiagnosis
from rke2_policies.diagnosis.live_node import LiveNode
from rke2_policies.finding import Finding

_KINDS = {"error": "bad", "warning": "warn", "pass": "good", "not-applicable": "none"}
_HEADS = ("Node", "Verdict", "Now", "Next start", "Pin", "Legacy rules", "nft rules")
_STYLE = """\
.nodes { --columns: minmax(0, 1.6fr) 8.6rem 6rem 6rem minmax(0, 1fr) 7.5rem 8.5rem; }
@media (max-width: 47.99rem) {
  .nodes tr:not(.head) { grid-template-columns: minmax(0, 1fr) auto; }
  .nodes td:nth-child(n + 3) { grid-column: 1 / -1; }
  .nodes td:nth-child(n + 3)::before { color: var(--muted); }
  .nodes td:nth-child(3)::before { content: "Now: "; }
  .nodes td:nth-child(4)::before { content: "Next start: "; }
  .nodes td:nth-child(5)::before { content: "Pin: "; }
  .nodes td:nth-child(6)::before { content: "Legacy rules: "; }
  .nodes td:nth-child(7)::before { content: "nft rules: "; }
}
.node > .inside { display: grid; gap: 1.1rem; }
.node h3 { margin-bottom: .6rem; font-size: 1.0625rem; }
.facts { display: grid; grid-template-columns: minmax(7rem, auto) minmax(0, 1fr); gap: .25rem 1rem; font-size: .9375rem; }
.facts dt { color: var(--muted); }
.facts dd { overflow-wrap: anywhere; }
.found { display: grid; gap: .6rem; }
.found li { padding-inline-start: .9rem; border-inline-start: 4px solid var(--hue); overflow-wrap: anywhere; }
.found p { max-width: 80ch; }
.found .remedy { color: var(--muted); }
.steps { display: grid; gap: .9rem; counter-reset: step; }
.steps > li { counter-increment: step; padding-inline-start: 2.4rem; position: relative; }
.steps > li::before { content: counter(step); position: absolute; inset-inline-start: 0; top: 0; width: 1.6rem; height: 1.6rem; border-radius: 50%; background: var(--accent-soft); color: var(--accent); font-weight: 650; font-size: .875rem; text-align: center; line-height: 1.6rem; }
.steps p { max-width: 80ch; font-size: .9375rem; color: var(--muted); }
.steps pre { margin-top: .35rem; padding: .6rem .9rem; border: 1px solid var(--line); border-radius: 8px; background: var(--sunken); white-space: pre-wrap; overflow-wrap: anywhere; }
"""
_INTRO = (
    "What kube-proxy works with now, what its next start would choose, and how many rules of IPv4 and IPv6 there are;"
    " “?” where nobody looked."
)
_MOST_RULES = 60
_FEW = 10


def render(told: Told) -> str:
    """Return the page, in ASCII."""
    nodes = list(told.nodes)
    headline = _headline(told, len(nodes))
    lead = _lead(nodes)
    facets = _facets(nodes)
    shown = (
        _unreadable(told.unreadable),
        form(facets) if facets else "",
        _table(told.diagnoses, len(nodes), f"{_INTRO} {text(told.note)}".rstrip()),
        _details(told, len(nodes)),
    )
    body = (
        '<a class="skip" href="#content">Skip to the content</a>\n'
        f"{_header(told, headline, lead, len(nodes))}"
        f'<main id="content" class="wide">\n{"".join(shown)}</main>\n{_footer(told)}'
    )
    return framed(
        f"{headline} \u00b7 rke2-lint",
        body,
        description=f"{headline}. {lead}",
        style=_STYLE + _bar_style(told),
        unscripted_style=style(facets, _groups_of_words(told.diagnoses)),
    )


def _headline(told: Told, nodes: int) -> str:
    if not nodes:
        return "No node was looked at"
    fine = told.count("pass") + told.count("not-applicable")
    if fine == nodes and told.unreadable:
        return "What could be read is in order"
    if fine == nodes:
        return "The one node is in order" if nodes == 1 else f"All {nodes:,} nodes are in order"
    if nodes == 1:
        return "The one node needs attention"
    return f"{nodes - fine:,} of {nodes:,} nodes need attention"


def _lead(nodes: Sequence[NodeDiagnosis]) -> str:
    # How many nodes, and not how many findings: a node may have ten damaged dumps.
    found = (sorted({finding.rule for finding in one.findings}) for one in nodes)
    rules = Counter(rule for names in found for rule in names)
    if not rules:
        return "Nothing was found."
    most = [f"{rule} on {counted(count, 'node')}" for rule, count in rules.most_common(3)]
    more = f", and {counted(len(rules) - 3, 'more rule')}" if len(rules) > 3 else ""
    return f"Found: {joined(most)}{more}."


def _header(told: Told, headline: str, lead: str, nodes: int) -> str:
    counts = told.counts
    parts = "".join(
        f'<span class="{_KINDS[one]} bar-{one}"></span>' for one in reversed(list(counts))
    )
    legend = "".join(
        f'<li><i class="{_KINDS[one]}"></i><b>{counts[one]:,}</b> {one.replace("-", " ")}</li>'
        for one in reversed(list(counts))
    )
    meter = (
        f'<div class="meter"><div class="bar" aria-hidden="true">{parts}</div>'
        f'<ul class="legend" aria-label="Nodes by verdict">{legend}</ul></div>'
        if counts
        else ""
    )
    found = Counter(finding.severity.name.lower() for one in told.nodes for finding in one.findings)
    totals = [
        ("error", "Errors", found["error"]),
        ("warning", "Warnings", found["warning"]),
        ("note", "Notes", found["note"]),
        ("", "Nodes", nodes),
        ("", "Clusters", len(told.diagnoses)),
        ("", "Not readable", len(told.unreadable)),
    ]
    cells = "".join(
        f'<div class="{kind}{" some" if count else ""}"><dt>{name}</dt><dd>{count:,}</dd></div>'
        for kind, name, count in totals
    )
    return (
        f'<header>\n<div class="band"><div class="wide"><p class="brand">{MARK}<span>rke2-lint</span></p>'
        f'<p class="version">Version {text(__version__)}</p>'
        f'<nav aria-label="Sections"><ul><li><a href="#nodes">Nodes <span class="count">{nodes:,}</span></a></li>'
        '<li><a href="#details">Details</a></li></ul></nav></div></div>\n'
        f'<div class="hero"><div class="wide"><div><h1>{text(headline)}</h1>'
        f'<p class="lead">{text(lead)}</p>{meter}</div>\n'
        f'<dl class="totals">{cells}</dl></div></div>\n</header>\n'
    )


def _bar_style(told: Told) -> str:
    return "".join(
        f".bar .bar-{one} {{ flex: {count} 1 0; }}\n" for one, count in told.counts.items()
    )


def _unreadable(lines: Iterable[str]) -> str:
    lines = list(lines)
    if not lines:
        return ""
    return (
        '<section class="alert error" aria-labelledby="unreadable-title"><h2 id="unreadable-title">'
        f"{counted(len(lines), 'thing')} could not be looked at</h2>{listed(lines)}</section>\n"
    )


def _facets(nodes: Sequence[NodeDiagnosis]) -> list[Facet]:
    verdicts = Counter(one.verdict for one in nodes)
    facets = [
        Facet(
            "verdict",
            "Nodes",
            [Choice(one, verdicts[one], _KINDS[one]) for one in VERDICTS if verdicts[one]],
        )
    ]
    return [one for one in facets if one.choices]


def _groups_of_words(diagnoses: Iterable[Diagnosis]) -> set[tuple[str, str]]:
    return {("verdict", _words(one)) for one in diagnoses if one.nodes}


def _words(diagnosis: Diagnosis) -> str:
    return " ".join(one for one in VERDICTS if diagnosis.count(one))


def _table(diagnoses: Sequence[Diagnosis], nodes: int, intro: str) -> str:
    if not nodes:
        return section("nodes", "Nodes", 0, "", nothing("No node was looked at."))
    groups = []
    number = 0
    for diagnosis in diagnoses:
        rows = []
        for one in diagnosis.nodes:
            rows.append(_row(one, number))
            number += 1
        heading = f"<strong>{text(diagnosis.name)}</strong>" if len(diagnoses) > 1 else ""
        groups.append(Group(rows, heading, f' data-group data-verdict="{_words(diagnosis)}"'))
    shown = table("nodes", "Nodes", _HEADS, [group for group in groups if group.rows])
    left = none_left("nodes", "No node is left by these filters.")
    return section(
        "nodes", "Nodes", nodes, intro, f'<div data-list="nodes">\n{shown}{left}</div>\n'
    )


def _row(one: NodeDiagnosis, number: int) -> Row:
    node, counts = one.node, one.node.counts
    cells = (
        f'<a href="#node-{number}">{text(node.name)}</a>',
        _badge(one.verdict),
        text(current(node)),
        text(predicted(node)),
        _value(node),
        _numbers(counts.legacy4, counts.legacy6),
        _numbers(counts.nft4, counts.nft6),
    )
    return Row(cells, f' data-item data-verdict="{one.verdict}"')


def _badge(verdict: str) -> str:
    return f'<span class="badge {_KINDS[verdict]}">{verdict.replace("-", " ")}</span>'


def _value(node: LiveNode) -> str:
    if (pin := pin_of(node)) is not None:
        return f"<code>{text(pin)}</code>"
    return "none" if node.mode is not None and not node.not_applicable else "?"


def _numbers(ipv4: int | None, ipv6: int | None) -> str:
    shown = " + ".join("?" if one is None else f"{one:,}" for one in (ipv4, ipv6))
    return f'<span class="number">{shown}</span>'


def _details(told: Told, nodes: int) -> str:
    if not nodes:
        return ""
    several = len(told.clusters) > 1
    named = [
        (f"{diagnosis.name}/{one.node.name}" if several else one.node.name, one)
        for diagnosis in told.diagnoses
        for one in diagnosis.nodes
    ]
    shown = "".join(
        _node(
            name,
            one,
            number,
            missing=not told.note,
            unfolded=nodes <= _FEW and one.verdict in ("error", "warning"),
        )
        for number, (name, one) in enumerate(named)
    )
    left = none_left("details", "No node is left by these filters.")
    inside = f'<div data-list="details">\n{shown}{left}</div>\n'
    intro = "Why, and what to do, in the order in which it has to be done."
    return section("details", "Details", nodes, intro, inside, folding=nodes > 1)


def _node(name: str, one: NodeDiagnosis, number: int, *, missing: bool, unfolded: bool) -> str:
    facts = _facts(one.node, missing=missing)
    parts = (facts, _found(one.findings), _accepted(one), _steps(one), _rules(one))
    return (
        f'<details class="card fold node" data-item data-verdict="{one.verdict}"{" open" if unfolded else ""}>'
        f'<summary><span id="node-{number}">{text(name)}</span> {_badge(one.verdict)}</summary>'
        f'<div class="inside">{"".join(parts)}</div></details>\n'
    )


def _facts(node: LiveNode, *, missing: bool) -> str:
    facts: list[tuple[str, str]] = []
    if node.not_applicable:
        facts.append(("Not applicable", text(node.not_applicable)))
    else:
        mode = node.mode
        by = f" ({text(mode.by)})" if mode is not None else ""
        facts.append(("Pin", f"{_value(node)}{by}"))
        facts.append(("Next start", text(f"{node.next.backend}: {node.next.why}")))
    if node.owners:
        owners = ", ".join(f"{owner} {count:,}" for owner, count in node.owners.items())
        facts.append(("Legacy rules of", text(owners)))
    if missing and node.missing:
        facts.append(("Not known", text(", ".join(node.missing))))
    cells = "".join(f"<dt>{name}</dt><dd>{said}</dd>" for name, said in facts)
    return f'<dl class="facts">{cells}</dl>\n'


def _found(findings: Iterable[Finding]) -> str:
    items = "".join(
        f'<li class="{(severity := finding.severity.name.lower())}"><p>{badges.severity(severity)} '
        f"<strong>{text(sentence(finding.problem.message))}</strong> <code>{finding.rule}</code></p>"
        f"<p>{prose(catalog.rule(finding.rule).summary)}</p>"
        + (
            f'<p class="remedy">{text(sentence(finding.problem.remedy))}</p></li>'
            if finding.problem.remedy
            else "</li>"
        )
        for finding in findings
    )
    return f'<ul class="found">{items}</ul>\n' if items else ""


def _accepted(one: NodeDiagnosis) -> str:
    items = [f"Accepted: {each.finding.rule} ({each.exemption.reason})" for each in one.exempted]
    return listed(items) if items else ""


def _steps(one: NodeDiagnosis) -> str:
    items = "".join(
        f"<li><strong>{text(step.title)}</strong><p>{text(step.why)}</p>"
        f"<pre><code>{chr(10).join(map(text, step.on(one.node.name)))}</code></pre></li>"
        for step in one.steps
    )
    return f'<div><h3>What to do</h3><ol class="steps">{items}</ol></div>\n' if items else ""


def _rules(one: NodeDiagnosis) -> str:
    rules = one.node.legacy_rules
    if not rules:
        return ""
    lines = [
        f"IPv{rule.family} {rule.table}: {rule.text} ({rule.owner})" for rule in rules[:_MOST_RULES]
    ]
    if (more := one.node.counts.legacy - len(lines)) > 0:
        lines.append(f"and {more:,} more")
    return f"<div><h3>Legacy rules</h3>{listed(lines)}</div>\n"


def _footer(told: Told) -> str:
    return (
        '<footer class="foot"><div class="wide"><p>Now: the backend that kube-proxy&#8217;s iptables work with.'
        " Next start: what the image would choose when its container is made anew. A node is in order when"
        " kube-proxy is pinned, works with the backend that is wanted, and nothing of the other one is left.</p>"
        f"<p>Made by {text(told.command)}, version {text(__version__)}. A rule in full:"
        " <code>rke2-lint rule NAME</code>.</p></div></footer>\n"
    )
