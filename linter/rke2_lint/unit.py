"""A unit: files that decide together, as they were read, and as fixes change them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rke2_lint.files import File
from rke2_lint.work import node_of
from rke2_policies import engine
from rke2_policies.document import Place, Span
from rke2_policies.engine import Report
from rke2_policies.file import Broken
from rke2_policies.file import File as Input
from rke2_policies.finding import Finding
from rke2_policies.ignore import MARK, Ignore
from rke2_policies.manifest import manifests
from rke2_policies.policy import Policy
from rke2_policies.route import Repeated, Route, pointer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rke2_lint.baseline_file import Baseline
    from rke2_lint.masking import AnySource
    from rke2_lint.source_view import SourceView
    from rke2_policies.edits.as_text import Splice


_DEEPEST = 10
"""No object stands deeper in a document: in four lists, each with two steps."""


class Member:
    """One file of a unit. `source` is what it says now, `original` what was read.

    `splices` lead from the text of the one to the other's.
    """

    __slots__ = (
        "_objects",
        "_view",
        "file",
        "kind",
        "original",
        "ours",
        "own",
        "source",
        "splices",
        "where",
    )

    def __init__(
        self, file: File, where: str, source: AnySource, *, kind: str | None, ours: bool, own: bool
    ) -> None:
        self.file = file
        self.where = where
        """Its path in full."""
        self.original = source
        self.source = source
        self.splices: tuple[Splice, ...] = ()
        self.kind = kind
        self.ours = ours
        """Whether it has to parse."""
        self.own = own
        """False for a file that is inspected with its own unit; this one only takes from it."""
        self._view: SourceView | None = None
        self._objects: tuple[AnySource, dict[int, dict[Route, str]]] | None = None

    @property
    def path(self) -> str:
        """Its path, as people said it."""
        return self.file.path

    @property
    def view(self) -> SourceView:
        """How its source is shown."""
        from rke2_lint.source_view import SourceView

        if self._view is None or self._view.source is not self.source:
            self._view = SourceView(self.source)
        return self._view

    def span(self, place: Place) -> Span:
        """Return the span of a place: the start of the file where it is about the file as a whole."""
        documents = self.source.documents
        number = place.document.number
        found = documents[number].span(place) if number < len(documents) else place.span
        return found or Span(0, 0)

    @property
    def obstacle(self) -> str:
        """Why no fix is made in it, whatever the fix is; "" where they are."""
        if not self.file.given:
            return f"{self.path} is not among the files that were given"
        if not self.own:
            return f"{self.path} is only read for what a Cluster takes from it"
        if self.file.is_link:
            return f"{self.path} is a link, and nothing is written through links"
        return ""

    @property
    def ignores(self) -> tuple[Ignore, ...]:
        """What its comments say about findings in it."""
        if MARK not in self.source.text:
            return ()
        from rke2_policies.ignore_comments import ignores

        return ignores(self.source)

    def objects(self, number: int) -> dict[Route, str]:
        """Return what the objects of a document are called, by their routes."""
        if self._objects is None or self._objects[0] is not self.source:
            self._objects = (self.source, {})
        known = self._objects[1]
        if number not in known:
            documents = self.source.documents
            found = manifests(documents[number]) if number < len(documents) else ()
            known[number] = {one.route: f"{one.kind} {one.namespace}/{one.name}" for one in found}
        return known[number]

    def as_input(self) -> Input:
        """Return what the engine sees of it."""
        problems = self.source.problems if self.ours else ()
        templated = self.source.masked is not None
        broken = [
            Broken.at(self.path, one.document, one.span, one.message, templated=templated)
            for one in problems
        ]
        return Input(
            self.path, self.source.documents, self.file.given, self.kind, tuple(broken), self.where,
            self.ignores,
        )  # fmt: skip


def object_of(member: Member, place: Place) -> str:
    """Return what a place of a file is about: an object, or the node whose file it is."""
    objects = member.objects(place.document.number)
    for length in range(min(len(place.route), _DEEPEST), -1, -1):
        name = objects.get(place.route[:length])
        if name is not None:
            return name
    return node_of(member.path)


def pointer_of(member: Member, place: Place) -> str:
    """Return where in its document a place is, as a JSON Pointer: keys may hold secrets, too."""
    hidden = member.view.secrets.message
    return pointer(
        tuple(step if isinstance(step, int) else hidden(_key(step)) for step in place.route)
    )


def _key(step: str | Repeated) -> str:
    return step.key if isinstance(step, Repeated) else step


class Unit:
    """The files of a unit, by path."""

    __slots__ = ("_asked", "_baseline", "_ignores", "_today", "members", "policy", "why_partial")

    def __init__(
        self,
        members: list[Member],
        policy: Policy,
        *,
        today: str = "",
        ignores: bool = True,
        baseline: Baseline | None = None,
        asked: Policy | None = None,
    ) -> None:
        """Take files that decide together. `asked` asks more rules than `policy` tells, to explain these."""
        self.members = {member.path: member for member in members}
        self.policy = policy
        self.why_partial = ""
        """Why its first file holds parts of Clusters, whose rest is elsewhere; "" where it does not."""
        self._today = today
        self._ignores = ignores
        self._baseline = baseline
        self._asked = asked

    def counting(self, report: Report) -> Sequence[Finding]:
        """Return the findings that are not in the baseline: nothing is done about the others."""
        if self._baseline is None:
            return report.findings
        found = []
        for finding in report.findings:
            place = finding.problem.place
            member = self.members[place.document.path]
            found.append(
                self._baseline.known(
                    finding.rule, object_of(member, place), pointer_of(member, place), member.path
                )
            )
        accepted = self._baseline.accepts(found)
        return [one for one, known in zip(report.findings, accepted, strict=True) if not known]

    def evaluate(self, policy: Policy | None = None) -> Report:
        """Ask the engine about the files as they are now, or as they were under another policy."""
        files = [one.as_input() for one in self.members.values()]
        asked = policy or self._asked or self.policy
        report = engine.evaluate(files, asked, today=self._today, ignores=self._ignores)
        if self._asked is not None:
            tells = self.policy.may_ask
            report = report._replace(
                findings=tuple(one for one in report.findings if tells(one.rule)),
                exempted=tuple(one for one in report.exempted if tells(one.finding.rule)),
            )
        return self.as_part(report)

    def as_part(self, report: Report) -> Report:
        """Take out what is missing only because its first file holds parts of Clusters."""
        if not self.why_partial:
            return report
        from rke2_lint.cluster_patches import of_part

        path, first = next(iter(self.members.items()))
        return of_part(report, path, first.source.documents, self.why_partial)
