"""Exempting: which findings count, and which somebody has accepted, with a reason.

Three say so, and all are heard here: the policy (`exempt`), annotations of objects, and comments.
What they take out is told apart from the findings, after every rule was asked: so it still explains
what it explained before. What is wrong with annotations and comments is found here, too.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from rke2_policies import catalog
from rke2_policies.document import Document, DocumentId, Place
from rke2_policies.edit_distance import nearest
from rke2_policies.file import File
from rke2_policies.finding import Finding
from rke2_policies.ignore import ANNOTATION, Examined, Ignore, Said, read_annotation
from rke2_policies.manifest import Manifest
from rke2_policies.policy import Exemption, Policy, matches
from rke2_policies.route import MISSING, Route, Templated, find
from rke2_policies.scopes import Scopes, labels_of

ABOUT_IGNORES = ("expired-ignore", "invalid-ignore", "unused-ignore")
"""The rules that are asked about ignores, once all others have been."""

_HOLDERS = ("Secret", "ConfigMap")


class Exempted(NamedTuple):
    """A finding that does not count, and who says so."""

    finding: Finding
    exemption: Exemption


class Context(NamedTuple):
    """What is known of the files in which something was found."""

    files: Sequence[File]
    manifests: Sequence[Manifest]
    clusters: Mapping[str, str]
    """Machine → the cluster, `namespace/name`, that it is of."""
    unsure: frozenset[DocumentId]
    """Documents in which more may be found once all files are there: nothing in them is unused."""
    left_alone: frozenset[str]
    """Paths of files that were not looked at after all."""


def matters(context: Context, policy: Policy, *, ignores: bool) -> bool:
    """Return whether anybody says anything that would have to be sorted out."""
    if policy.exempt:
        return True
    return ignores and (
        any(file.ignores for file in context.files) or any(map(_annotation, context.manifests))
    )


def sort_out(
    findings: Iterable[Finding], context: Context, policy: Policy, today: str, *, ignores: bool
) -> tuple[list[Finding], list[Exempted]]:
    """Return what counts, with what is wrong about ignores, and what does not.

    `today` (`YYYY-MM-DD`) ends exemptions; without it they all hold. `ignores`: whether comments
    and annotations are heard.
    """
    sorter = _Sorter(context, policy, today)
    said = list(_ignores(context)) if ignores else []
    reach = _Reach(said)
    counting: list[Finding] = []
    exempted: list[Exempted] = []
    for finding in findings:
        exemption = sorter.by_ignore(finding, reach) or sorter.by_policy(finding)
        if exemption is None:
            counting.append(finding)
        else:
            exempted.append(Exempted(finding, exemption))
    for finding in sorter.about(said):
        exemption = sorter.by_policy(finding)
        if exemption is None:
            counting.append(finding)
        else:
            exempted.append(Exempted(finding, exemption))
    return counting, exempted


def _ignores(context: Context) -> Iterator[Ignore]:
    for file in context.files:
        yield from file.ignores
    for manifest in context.manifests:
        ignore = _annotation(manifest)
        if ignore is not None:
            yield ignore


def _annotation(manifest: Manifest) -> Ignore | None:
    """Return what an object's annotation ignores; None where it has none, or a template says it."""
    match manifest.tree.get("metadata"):
        case {"annotations": {**annotations}} if ANNOTATION in annotations:
            text = annotations[ANNOTATION]
        case _:
            return None
    if isinstance(text, Templated):
        return None
    if isinstance(text, str):
        said = read_annotation(text)
    else:
        fault = f"the value of {ANNOTATION} is a text"
        said = Said((), "", None, faults=(fault,), holds=False)
    return Ignore(
        manifest.place / "metadata" / "annotations" / ANNOTATION,
        text if isinstance(text, str) else "",
        said,
        manifest.document.id.number,
        manifest.route,
        is_alone=len(annotations) == 1,
    )


class _Reach:
    """Which ignores reach a finding, found quickly among thousands."""

    def __init__(self, said: Iterable[Ignore]) -> None:
        self._wide: dict[tuple[str, str], list[Ignore]] = {}
        """Those for an object, a document or a file, by the file and the rule."""
        self._lines: dict[tuple[str, str], list[tuple[int, int, Ignore]]] = {}
        """Those for lines: each stretch that they reach, in order."""
        self._ends: dict[tuple[str, str], list[int]] = {}
        """For each of these stretches, how far it or one before it goes at most."""
        for ignore in said:
            for rule in ignore.said.names if ignore.said.holds else ():
                key = (ignore.place.document.path, rule)
                if ignore.lines is None:
                    self._wide.setdefault(key, []).append(ignore)
                    continue
                stretches = self._lines.setdefault(key, [])
                stretches += ((*one, ignore) for one in (ignore.lines, *ignore.inside))
        for key, stretches in self._lines.items():
            stretches.sort(key=lambda one: one[:2])
            self._ends[key] = list(accumulate((end for _, end, _ in stretches), max))

    def may_name(self, finding: Finding) -> bool:
        """Return whether its rule is ignored anywhere in its file."""
        key = (finding.problem.place.document.path, finding.rule)
        return key in self._wide or key in self._lines

    def of(self, finding: Finding, stands: Iterable[int]) -> list[Ignore]:
        """Return the ignores of a finding, those first that say it of the fewest lines."""
        place = finding.problem.place
        key = (place.document.path, finding.rule)
        found: dict[Place, Ignore] = {}
        stretches, ends = self._lines.get(key, []), self._ends.get(key, [])
        for at in stands:
            index = bisect_right(stretches, at, key=lambda one: one[0]) - 1
            while index >= 0 and ends[index] >= at:
                _, end, ignore = stretches[index]
                if end >= at:
                    found.setdefault(ignore.place, ignore)
                index -= 1
        for ignore in self._wide.get(key, ()):
            inside = place.route[: len(ignore.route)] == ignore.route
            if ignore.document is None or (ignore.document == place.document.number and inside):
                found.setdefault(ignore.place, ignore)
        return list(found.values())


class _Sorter:
    """Tells findings that count from others, and remembers which ignores were of use."""

    def __init__(self, context: Context, policy: Policy, today: str) -> None:
        self._context = context
        self._policy = policy
        self._today = today
        self._files = {file.path: file for file in context.files}
        self._documents: dict[DocumentId, Document] = {
            document.id: document for file in context.files for document in file.documents
        }
        self._scopes = Scopes(context.files, policy)
        self._objects: dict[tuple[DocumentId, Route], Manifest] | None = None
        self._used: set[tuple[Place, str]] = set()

    def by_policy(self, finding: Finding) -> Exemption | None:
        """Return the exemption of the policy that takes a finding out."""
        for one in self._policy.exempt:
            if one.rule != finding.rule or self._is_over(one.until):
                continue
            path = finding.problem.place.document.path
            file = self._files.get(path)
            where = file.where if file is not None and file.where and one.folder else path
            if one.is_for_path(where) or any(matches(one.where, n) for n in self._names(finding)):
                return one
        return None

    def _names(self, finding: Finding) -> set[str]:
        """Return the objects, `namespace/name`, that a finding is about."""
        place = finding.problem.place
        one = self._object_at(place)
        names = set() if one is None else {f"{one.namespace}/{one.name}"}
        # What stands in a Secret of theirs is about clusters, too.
        of_machines = {self._context.clusters.get(machine, "") for machine in finding.machines}
        return names | of_machines if len(of_machines) == 1 else names

    def by_ignore(self, finding: Finding, reach: _Reach) -> Exemption | None:
        """Return what the first comment or annotation says that takes a finding out."""
        exemption = None
        if not reach.may_name(finding):
            return None
        stands = tuple(self._stands(finding.problem.place))
        for ignore in reach.of(finding, stands):
            place, said = ignore.place, ignore.said
            self._used.add((place, finding.rule))
            if exemption is None and not self._is_over(said.until):
                path = place.document.path
                exemption = Exemption(finding.rule, path, said.reason, said.until, place=place)
        return exemption

    def _is_over(self, until: str | None) -> bool:
        return until is not None and self._today > until

    def _stands(self, place: Place) -> Iterator[int]:
        """Yield the offsets at which a comment may stand on the line for what is found at a place."""
        document = self._documents.get(place.document)
        span = document.span(place) if document is not None else place.span
        if span is not None:
            yield span.start
        if document is None:
            return
        value = find(document.tree, place.route)
        if value is not MISSING and not isinstance(value, dict | list):
            # No comment can stand inside a text of several lines: behind it is as near as it gets.
            whole = document.span(Place(place.document, place.route))
            if whole is not None:
                yield whole.end
        for length in range(1, len(place.route) + 1):
            above = place.route[:length]
            on_key = not isinstance(above[-1], int)
            span = document.span(Place(place.document, above, on_key=on_key))
            if span is not None:
                yield span.start

    def about(self, said: Iterable[Ignore]) -> Iterator[Finding]:
        """Yield what is to be said of the ignores themselves."""
        rules = [catalog.rule(name) for name in ABOUT_IGNORES if self._policy.may_ask(name)]
        for ignore in said:
            policy = self._policy_at(ignore.place)
            examined = self._examined(ignore, policy)
            for rule in rules if examined is not None else ():
                for problem in rule.check(examined) if policy.asks(rule.id) else ():
                    yield Finding(rule.id, policy.levels.get(rule.id) or rule.severity, problem)

    def _policy_at(self, place: Place) -> Policy:
        """Return the policy where a comment or an annotation stands."""
        if not self._policy.overrides:
            return self._policy
        path = place.document.path
        # A comment has no route: it is of the document's only object, if there is one.
        one = self._object_at(place)
        if one is None:
            return self._scopes.of_file(path)
        return self._scopes.of_cluster(path, f"{one.namespace}/{one.name}", labels_of(one.tree))

    def _object_at(self, place: Place) -> Manifest | None:
        """Return the object in which a place is."""
        if self._objects is None:
            self._objects = {(one.document.id, one.route): one for one in self._context.manifests}
        for length in range(len(place.route), -1, -1):
            one = self._objects.get((place.document, place.route[:length]))
            if one is not None:
                return one
        return None

    def _examined(self, ignore: Ignore, policy: Policy) -> Examined | None:
        """Return what came of an ignore; None where nobody can tell."""
        file = self._files.get(ignore.place.document.path)
        if file is None or not (file.given and ignore.is_sure):
            return None
        names = [name for name in ignore.said.names if name not in ABOUT_IGNORES]
        known = [name for name in names if name in catalog.names()]
        used = {name for name in known if (ignore.place, name) in self._used}
        is_over = self._is_over(ignore.said.until)
        unused: tuple[str, ...] = ()
        if ignore.said.holds and not is_over and self._is_known(ignore, file):
            unused = tuple(n for n in known if n not in used and policy.asks(n))
        return Examined(
            ignore,
            tuple(
                (name, nearest(name, catalog.names()) or "") for name in names if name not in known
            ),
            tuple(name for name in ignore.said.names if name in ABOUT_IGNORES),
            unused,
            is_over,
            is_over and (bool(used) or not all(map(policy.asks, known))),
        )

    def _is_known(self, ignore: Ignore, file: File) -> bool:
        """Return whether everything that an ignore may be for was looked at."""
        unsure = self._context.unsure
        if file.path in self._context.left_alone or self._is_for_others(ignore):
            return False
        if ignore.document is not None:
            return DocumentId(file.path, ignore.document) not in unsure
        return not any(document.id in unsure for document in file.documents)

    def _is_for_others(self, ignore: Ignore) -> bool:
        """Return whether Clusters elsewhere may take files from where it stands, and be what it is for."""
        path = ignore.place.document.path
        return any(
            one.kind in _HOLDERS
            and one.document.id.path == path
            and ignore.document in (None, one.document.id.number)
            for one in self._context.manifests
        )
