"""Text for people: a table of the nodes, and what there is to say and to do about each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rke2_lint.health.told import Told, current, pin_of, predicted
from rke2_lint.paint import Paint, harmless
from rke2_policies.diagnose import NodeDiagnosis
from rke2_policies.diagnosis.live_node import LiveNode
from rke2_policies.diagnosis.remedy import Step
from rke2_policies.finding import Severity

_HEADS = ("NODE", "VERDICT", "NOW", "NEXT START", "PIN", "LEGACY RULES", "NFT RULES")
_STYLES = {"error": "error", "warning": "warning", "pass": "pinned", "not-applicable": "dim"}
_MOST_RULES = 20
_MOST_RULES_OF_MANY = 3
_FEW = 5
"""So many nodes are told in full."""
_MOST_NAMES = 10
"""So many names stand in a heading."""


def render(told: Told, paint: Paint) -> str:
    """Return the table, and a paragraph for each node that something is to be said of."""
    nodes = list(told.nodes)
    if not nodes:
        return ""
    lines = list(_table(told, paint))
    if parts := [one.name for one in told.clusters if not one.complete]:
        said = f"This is not all: {_some(parts)} could be read in part only, or not at all."
        lines += ("", paint("warning", said))
    most = _MOST_RULES if len(nodes) <= _FEW else _MOST_RULES_OF_MANY
    alike: dict[tuple[str, ...], list[str]] = {}
    for name, one in _named(told):
        if len(nodes) <= _FEW or one.findings:
            about = (one.verdict, *_node(one, most, paint, missing=not told.note))
            alike.setdefault(about, []).append(name)
    for (verdict, *paragraph), names in alike.items():
        lines += ("", f"{paint('bold', _some(names))}  {paint(_STYLES[verdict], verdict)}")
        lines += paragraph
    lines += _remedies(told, paint)
    if told.note:
        lines += ("", paint("dim", told.note))
    return "".join(f"{line}\n" for line in lines)


def _named(told: Told) -> Iterator[tuple[str, NodeDiagnosis]]:
    """Yield all nodes, each with the name of its cluster before it where there are several."""
    for diagnosis in told.diagnoses:
        cluster = f"{diagnosis.name}/" if len(told.clusters) > 1 else ""
        for one in diagnosis.nodes:
            yield cluster + one.node.name, one


def _some(names: Sequence[str]) -> str:
    """Return names as a heading, which is one line."""
    more = f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
    return harmless(", ".join(names[:_MOST_NAMES])) + more


def summary(told: Told) -> str:
    """Return one line: how many nodes, and how they are."""
    nodes = sum(1 for _ in told.nodes)
    said = ", ".join(f"{count:,} {_noun(verdict, count)}" for verdict, count in told.counts.items())
    looked = f"Looked at {nodes:,} {'node' if nodes == 1 else 'nodes'}"
    if len(told.clusters) > 1:
        seen, every = sum(1 for one in told.diagnoses if one.nodes), len(told.clusters)
        looked += (
            f" of {every:,} clusters" if seen == every else f" of {seen:,} of {every:,} clusters"
        )
    if kept := sum(len(one.kept) for one in told.clusters):
        looked += f", {kept:,} of them in an earlier run"
    return f"{looked}{f': {said}' if said else ''}."


def _noun(verdict: str, count: int) -> str:
    match verdict:
        case "pass":
            return "in order"
        case "not-applicable":
            return "not applicable"
        case _:
            return (
                f"with {'an ' if verdict == 'error' else 'a '}{verdict}"
                if count == 1
                else f"with {verdict}s"
            )


def _table(told: Told, paint: Paint) -> Iterator[str]:
    rows: list[tuple[str, ...]] = [
        (
            harmless(name),
            one.verdict,
            current(one.node),
            predicted(one.node),
            _value(one.node),
            _numbers(one.node.counts.legacy4, one.node.counts.legacy6),
            _numbers(one.node.counts.nft4, one.node.counts.nft6),
        )
        for name, one in _named(told)
    ]
    heads: tuple[str, ...] = _HEADS
    if not told.inside:
        # Without a command, nobody has counted a rule.
        heads, rows = _HEADS[:-2], [row[:-2] for row in rows]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    yield paint("bold", "  ".join(map(str.ljust, heads, widths)).rstrip())
    for row in rows:
        name, verdict, *others = map(str.ljust, row, widths)
        yield "  ".join((name, paint(_STYLES[row[1]], verdict), *others)).rstrip()


def _value(node: LiveNode) -> str:
    if (pin := pin_of(node)) is not None:
        return harmless(pin)
    return "none" if node.mode is not None and not node.not_applicable else "-"


def _numbers(ipv4: int | None, ipv6: int | None) -> str:
    """Return how many rules of each family there are; `?` where nobody knows."""
    return " + ".join("?" if one is None else f"{one:,}" for one in (ipv4, ipv6))


def _node(one: NodeDiagnosis, most: int, paint: Paint, *, missing: bool) -> Iterator[str]:
    """Yield what there is to say of a node. `missing`: also what else could be known."""
    node = one.node
    yield from (f"  {line}" for line in _known(node))
    for finding in one.findings:
        severity = finding.severity.name.lower()
        yield f"  {paint(severity, severity)} {harmless(finding.problem.message)}  {paint('dim', finding.rule)}"
        if finding.problem.remedy:
            yield f"    -> {harmless(finding.problem.remedy)}"
    for accepted in one.exempted:
        said = f"accepted: {accepted.finding.rule} ({accepted.exemption.reason})"
        yield f"  {paint('dim', harmless(said))}"
    yield from _rules(one, most, paint)
    if missing and node.missing:
        yield f"  {paint('dim', 'Not known: ' + ', '.join(node.missing))}"


def _known(node: LiveNode) -> Iterator[str]:
    if node.not_applicable:
        yield node.not_applicable
        return
    mode = node.mode
    if mode is None:
        yield "pin: not known"
    elif mode.value is None:
        yield f"pin: none ({mode.by})"
    else:
        yield f"pin: IPTABLES_MODE={harmless(mode.value)} ({mode.by})"
    yield f"now: {current(node)}; next start: {node.next.backend} ({harmless(node.next.why)})"
    counts = node.counts
    unpinned = node.judge(node.next_mode) in ("unpinned", "unknown")
    if unpinned and node.next.backend == "nft" and counts.legacy_known and counts.nft_known:
        more = counts.margin + 1
        yield f"distance to legacy: {more} more legacy {'rule' if more == 1 else 'rules'}"
    if node.owners:
        owners = ", ".join(f"{owner} {count:,}" for owner, count in node.owners.items())
        yield f"legacy rules of: {owners}"


def _rules(one: NodeDiagnosis, most: int, paint: Paint) -> Iterator[str]:
    """Yield the legacy rules, where they are something to act upon."""
    if not any(finding.severity >= Severity.WARNING for finding in one.findings):
        return
    rules = one.node.legacy_rules
    if rules:
        yield f"  {paint('bold', 'Legacy rules')}"
    for rule in rules[:most]:
        about = f"IPv{rule.family} {rule.table}".ljust(12)
        yield f"    {about} {harmless(rule.text)}  {paint('dim', rule.owner)}"
    there = one.node.counts.legacy
    if there > len(rules[:most]) and rules:
        yield f"    and {there - len(rules[:most]):,} more"


def _remedies(told: Told, paint: Paint) -> Iterator[str]:
    """Yield what to do, once for all nodes that need the same."""
    alike: dict[tuple[Step, ...], list[str]] = {}
    for name, one in _named(told):
        if one.steps:
            alike.setdefault(one.steps, []).append(name)
    for steps, names in alike.items():
        yield ""
        yield paint("bold", f"What to do on {_some(names)}")
        for number, step in enumerate(steps, start=1):
            yield f"  {number}. {step.title}"
            yield f"     {paint('dim', step.why)}"
            commands = step.on(names[0].rpartition("/")[2]) if len(names) == 1 else step.commands
            yield from (f"       {harmless(command)}" for command in commands)
