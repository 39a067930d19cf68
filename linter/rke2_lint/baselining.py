"""Baselining: what a baseline does to the outcome of a run, and what the run does to the baseline."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from itertools import accumulate

from rke2_lint.baseline_file import Baseline, line_of, written
from rke2_lint.files import File
from rke2_lint.options import Options
from rke2_lint.outcome import Outcome
from rke2_lint.patch import unified
from rke2_lint.remarks import Patch, Suppressed
from rke2_lint.selection import narrowed
from rke2_lint.source_view import SourceView
from rke2_lint.telling import Teller
from rke2_lint.unit import Member, Unit
from rke2_policies import baseline as house
from rke2_policies import catalog
from rke2_policies.baseline import Entry, Known, StaleEntry
from rke2_policies.edits.as_text import Splice
from rke2_policies.finding import Finding, Safety
from rke2_policies.policy import DEFAULT
from rke2_policies.yaml_source import Source

_RULE = "stale-baseline"
_REASON = "it is in the baseline"
_LINES_ABOVE = 3
"""Lines of a baseline's file above those of its entries."""


def take_out(baseline: Baseline, outcome: Outcome, options: Options, where: str) -> None:
    """Take what the baseline has out of what was found, and say what it has too much.

    `where` is the baseline's path in full.
    """
    stale = _compare(baseline, outcome, options)
    policy = (options.lookup and options.lookup.policy_for(where)) or DEFAULT
    policy = narrowed(policy, options.select, options.ignore).for_path(where).for_node()
    if not stale or not policy.asks(_RULE):
        return
    source = Source.read(baseline.path, baseline.data)
    if options.fix and policy.may_fix(_RULE) and _shrink(baseline, stale, source, outcome, options):
        return
    rule = catalog.rule(_RULE)
    level = policy.levels.get(_RULE) or rule.severity
    member = Member(File(baseline.path), where, source, kind=None, ours=True, own=True)
    teller = Teller(
        Safety.UNSAFE if options.unsafe else Safety.SAFE,
        pictures=options.pictures,
        suggestions=options.suggestions,
    )
    is_ours = baseline.data == written(baseline.entries)
    splices = _splices_of_each(stale, len(baseline.entries), source.text) if is_ours else {}
    told = [
        (Finding(_RULE, level, problem), splices.get(one, ()))
        for one in stale
        for problem in rule.check(one)
    ]
    outcome.remarks += teller.tell_as(Unit([member], policy), told)


def _splices_of_each(
    stale: list[StaleEntry], count: int, text: str
) -> dict[StaleEntry, tuple[Splice, ...]]:
    """Return what takes each entry out of a file as we write it, or what is gone of it.

    Each may be made alone, and all of them together: none touches another one's comma. Only of a
    list of which nothing is left the first takes all away, because there are too few commas.
    """
    numbers = {one.number for one in stale if not one.left}
    # Those at the end take the comma before them along, all others the one behind them.
    last = next((number for number in range(count, 0, -1) if number - 1 not in numbers), 0)
    starts = list(accumulate((len(line) + 1 for line in text.split("\n")), initial=0))
    found: dict[StaleEntry, tuple[Splice, ...]] = {}
    for one in stale:
        start = starts[one.number + _LINES_ABOVE]
        end = start + len(line_of(Entry(one.known, one.left + one.gone)))
        if one.left:
            splice = Splice(start, end, line_of(Entry(one.known, one.left)))
        elif one.number < last:
            splice = Splice(start, end + 2, "")
        elif one.number:
            splice = Splice(start - 2, end, "")
        else:
            splice = Splice(start - 1, text.rindex("]"), "")
        found[one] = (splice,)
    return found


def write(baseline: Baseline, outcome: Outcome, options: Options) -> None:
    """Write the baseline anew: all that is found is in it, and counts no more."""
    _compare(baseline, outcome, options)
    accepted = [one.remark for one in outcome.suppressed if one.reason == _REASON]
    entries = baseline.rewritten(
        [*accepted, *outcome.remarks], _is_known(baseline, outcome, options)
    )
    refusal = baseline.write(entries)
    if refusal:
        outcome.unreadable.append(refusal)
        return
    outcome.suppressed += (Suppressed(one, "external", _REASON) for one in outcome.remarks)
    outcome.remarks = []
    outcome.changed.append(baseline.path)


def _compare(baseline: Baseline, outcome: Outcome, options: Options) -> list[StaleEntry]:
    is_known = _is_known(baseline, outcome, options)
    matched = baseline.match(outcome.remarks)
    told = list(zip(outcome.remarks, matched.accepted, strict=True))
    outcome.remarks = [one for one, is_accepted in told if not is_accepted]
    outcome.suppressed += (
        Suppressed(one._replace(fixable=False), "external", _REASON)
        for one, is_accepted in told
        if is_accepted
    )
    return house.stale(baseline.path, baseline.entries, matched.unused, is_known)


def _is_known(baseline: Baseline, outcome: Outcome, options: Options) -> Callable[[Known], bool]:
    """Return what tells whether this run would have found a finding."""
    found = [*outcome.remarks, *(one.remark for one in outcome.suppressed)]
    unread = {baseline.seen_from_here(one.path) for one in found if one.rule == "syntax"}

    def is_known(known: Known) -> bool:
        is_asked = known.rule not in options.ignore
        is_asked = is_asked and (not options.select or known.rule in options.select)
        return is_asked and known.path not in unread and baseline.is_looked_at(known.path)

    return is_known


def _shrink(
    baseline: Baseline, stale: list[StaleEntry], source: Source, outcome: Outcome, options: Options
) -> bool:
    """Take out of the file what is not there any more, or tell it as a patch; say whether it was."""
    left = {one.number: one.left for one in stale}
    entries = [
        Entry(known, left.get(number, count))
        for number, (known, count) in enumerate(baseline.entries)
        if left.get(number, count)
    ]
    if options.write:
        refusal = baseline.write(entries)
        if refusal:
            outcome.warnings.append(refusal)
            return False
    else:
        splices = _splices(source.text, written(entries).decode())
        outcome.patches.append(
            Patch(baseline.path, unified(baseline.path, SourceView(source), splices))
        )
        outcome.patches.sort()
    outcome.changed.append(baseline.path)
    outcome.fixes += len(stale)
    return True


def _splices(before: str, after: str) -> tuple[Splice, ...]:
    """Return what makes one text of another, line by line."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    starts = [0]
    for line in old:
        starts.append(starts[-1] + len(line))
    differ = difflib.SequenceMatcher(None, old, new, autojunk=False)
    return tuple(
        Splice(starts[a], starts[b], "".join(new[c:d]))
        for what, a, b, c, d in differ.get_opcodes()
        if what != "equal"
    )
