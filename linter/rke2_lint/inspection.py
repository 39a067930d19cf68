"""Inspecting files that matter: parse them, ask the engine, make the fixes, tell what there is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from rke2_lint.files import MOST_BYTES, File
from rke2_lint.options import Options
from rke2_lint.outcome import Outcome
from rke2_lint.remarks import Outside
from rke2_lint.unit import Member, Unit
from rke2_lint.work import node_of
from rke2_policies import recognise
from rke2_policies.composer import FAST
from rke2_policies.engine import Report
from rke2_policies.finding import Safety
from rke2_policies.ignore import UNTIL
from rke2_policies.policy import DEFAULT, Policy
from rke2_policies.route import Json
from rke2_policies.yaml_source import Source

if TYPE_CHECKING:
    from rke2_lint.cluster_patches import ClusterPatches
    from rke2_lint.masking import AnySource

_NOTHING = "it takes nothing out"

Loaded = Sequence[tuple[File, bytes | None]]
Where = Callable[[str], str]


class Inspector:
    """Inspects one unit of files after the other."""

    def __init__(self, options: Options, outcome: Outcome, where: Where) -> None:
        self._options = options
        self._outcome = outcome
        self._where = where
        self._policies: dict[int, tuple[Policy, Policy | None, Policy]] = {}
        """What `--select` and `--ignore` make of a policy, by its identity; what is asked then; it."""
        self._noted: set[tuple[str, str]] = set()
        self._patches: ClusterPatches | None = None
        self._allow = Safety.UNSAFE if options.unsafe else Safety.SAFE
        if not FAST:
            outcome.notes.append(
                "PyYAML has no libyaml here: reading takes longer, and some tabs are refused that RKE2 takes"
            )

    def inspect(self, loaded: Loaded, context: Loaded, holders: Loaded) -> tuple[Unit, Report]:
        """Inspect files that decide together. `holders` may hold what they refer to.

        What there is to tell goes into the outcome; the files, as fixes left them, and what the
        engine said last of them are returned.
        """
        members = [self._read(file, data, own=True) for file, data in (*loaded, *context)]
        if holders:
            names = {name.encode() for one in members for name in referred(one.source)}
            members += [
                self._read(file, data, own=False)
                for file, data in holders
                if data is not None and any(name in data for name in names)
            ]
        options = self._options
        policy, asked = self._policy_for(loaded[0][0].path)
        unit = Unit(
            members, policy, today=_until_when(members, policy), ignores=options.ignores,
            baseline=options.baseline, asked=asked,
        )  # fmt: skip
        report = self._evaluate(unit, loaded[0][0].path)
        if (options.fix or options.add_ignores) and report.findings:
            from rke2_lint.mending import Mending

            mending = Mending(unit, self._allow, self._outcome)
            if options.fix:
                report = mending.fix(report)
            if options.add_ignores:
                report = mending.ignore(report, options.add_ignores)
            report = mending.settle(report, write=options.write)
        self._tell(unit, report)
        return unit, report

    def _evaluate(self, unit: Unit, path: str) -> Report:
        """Ask the engine, and see to it that what a patch leaves out is not missing."""
        report = unit.evaluate()
        if not (report.findings or self._options.machines) or node_of(path) != path:
            return report
        if self._patches is None:
            from rke2_lint.cluster_patches import ClusterPatches

            self._patches = ClusterPatches()
        unit.why_partial = self._patches.why_partial(self._where(path))
        return unit.as_part(report)

    def _policy_for(self, path: str) -> tuple[Policy, Policy | None]:
        """Return the policy for the files of a unit: that of its node, for all of them.

        Where a baseline says what is old, all rules are asked, whichever are told (the second one):
        what another rule explains was not new then, and is not now.
        """
        options = self._options
        where = self._where(node_of(path))
        policy = (options.lookup and options.lookup.policy_for(where)) or DEFAULT
        if not (options.select or options.ignore):
            return policy, None
        if id(policy) not in self._policies:
            from rke2_lint.selection import explaining, narrowed

            told = narrowed(policy, options.select, options.ignore)
            asked = explaining(policy, options.select) if options.baseline is not None else None
            self._policies[id(policy)] = (told, asked, policy)
        return self._policies[id(policy)][:2]

    def _tell(self, unit: Unit, report: Report) -> None:
        options, outcome = self._options, self._outcome
        own = {path for path, member in unit.members.items() if member.own}
        if report.findings or report.exempted:
            from rke2_lint.telling import Teller

            teller = Teller(self._allow, pictures=options.pictures, suggestions=options.suggestions)
            outcome.remarks += teller.tell(unit, report)
            outcome.suppressed += teller.tell_suppressed(unit, report)
        if unit.policy.exempt:
            self._note_exemptions(unit.policy, report)
            self._warn_of_ended(unit, report)
        machines = [one for one in report.machines if one.place.document.path in own]
        outcome.machines += sum(one.origin != "foreign" for one in machines)
        if options.machines:
            from rke2_lint.machine_rows import rows

            outcome.rows += rows(unit, machines)
        # A node is called after its base file, which need not be there.
        outcome.kinds += (
            one for one in report.kinds if one[0] in own or one[0] not in unit.members
        )
        for where, reason in report.not_applicable:
            path, number = where.document
            if path in own:
                outcome.outside.append(Outside(path, number + 1, reason))
        for where, reason in report.skipped:
            if where.document.path in own:
                outcome.notes.append(f"{where.document.path}: {reason}")
                outcome.doubtful += 1
        for member in unit.members.values():
            if member.own and member.file.given:
                outcome.documents += len(member.source.documents)

    def _note_exemptions(self, policy: Policy, report: Report) -> None:
        """Remember which exemptions of a policy are of use: some may be of none in the whole run."""
        used = {one.exemption for one in report.exempted}
        for one in policy.exempt:
            is_over = one.until is not None and one.until < today()
            why = "" if one in used else f"it ended with {one.until}" if is_over else _NOTHING
            entry = (f"{one.rule} for {one.where}", why)
            if entry not in self._noted:
                self._noted.add(entry)
                self._outcome.exemptions.append(entry)

    def _warn_of_ended(self, unit: Unit, report: Report) -> None:
        """Tell which exemptions would take out what is found, had their last day not passed."""
        policy, rules = unit.policy, {one.rule for one in report.findings}
        over = {
            one._replace(until=None): (number, one)
            for number, one in enumerate(policy.exempt)
            if one.rule in rules and one.until is not None and one.until < today()
        }
        if not over:
            return
        renewed = unit.evaluate(policy._replace(exempt=tuple(over)))
        for exemption in dict.fromkeys(one.exemption for one in renewed.exempted):
            if exemption in over:
                number, one = over[exemption]
                self._outcome.warnings.append(
                    f"{policy.origins.get(f'exempt.{number}', policy.name)}: the exemption of "
                    f"{one.rule} for {one.where} ended with {one.until}: renew it, or take it out"
                )

    def _read(self, file: File, data: bytes | None, *, own: bool) -> Member:
        path, where = file.path, self._where(file.path)
        kind = self._options.kind if file.given else None
        if kind is None and recognise.is_environment(where):
            kind = "rke2-environment"
        if data is None:
            # Too large, and ours. What is read in its place says how large is too large.
            source = Source.read(path, bytes(MOST_BYTES + 1))
            return Member(file, where, source, kind=kind, ours=True, own=own)
        if kind == "rke2-environment":
            from rke2_policies import environment_file

            read = environment_file.read(path, data)
            return Member(file, where, read, kind=kind, ours=True, own=own)
        source = Source.read(path, data)
        ours = bool(source.problems) and (kind is not None or recognise.is_ours(where, data))
        return Member(file, where, source, kind=kind, ours=ours, own=own)


def today() -> str:
    """Return the day, `YYYY-MM-DD`, of UTC: it is the webhook's, too, and the same everywhere."""
    return time.strftime("%Y-%m-%d", time.gmtime())


def _until_when(members: Iterable[Member], policy: Policy) -> str:
    """Return today where anything ends with a day; "" where nothing does: any day is the same then."""
    ends = any(one.until for one in policy.exempt)
    return today() if ends or any(UNTIL in member.source.text for member in members) else ""


def referred(source: AnySource) -> Iterator[str]:
    """Yield the names of Secrets and ConfigMaps that files for machines are taken from."""
    waiting: list[Json] = [document.tree for document in source.documents]
    seen: set[int] = set()  # aliases share what they stand for
    while waiting:
        tree = waiting.pop()
        if not isinstance(tree, dict | list) or id(tree) in seen:
            continue
        seen.add(id(tree))
        if isinstance(tree, list):
            waiting += tree
            continue
        waiting += tree.values()
        for field in ("secret", "configMap"):
            match tree.get(field):
                case {"name": str(name)}:
                    yield name
