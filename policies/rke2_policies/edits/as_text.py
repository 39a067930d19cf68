"""Edits as text: change a YAML file in place, and nothing else in it.

Each edit becomes a few splices. The text that comes of them is read again, and must mean exactly
what `apply` says, in that document, and what it meant before in all others, with every comment in
its place, but for those that the edit is about. If it does not, the edit is refused and the file
stays as it was.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from rke2_policies.edits import (
    COMMENTS,
    Annotate,
    Append,
    Edit,
    EditError,
    Remove,
    Reword,
    RewriteError,
    apply,
    comment_splices,
)
from rke2_policies.edits.comments import Comment, comments
from rke2_policies.edits.layout import is_json, parses_as_json
from rke2_policies.edits.splices import Splice, Splicer
from rke2_policies.route import Json, Route, find, same
from rke2_policies.yaml_source import Source

__all__ = [
    "Change",
    "RewriteError",
    "Rewritten",
    "Splice",
    "rewrite",
    "rewrite_all",
    "rewrite_each",
]


class Change(NamedTuple):
    """The edits of one fix, all or none of them, and the place of their document in the file."""

    number: int
    edits: tuple[Edit, ...]


class Rewritten(NamedTuple):
    """A file with changes made."""

    source: Source
    splices: tuple[Splice, ...] = ()
    """What was changed: in order, apart from each other, in offsets of the text before."""
    dropped: tuple[str, ...] = ()
    """Comments that a Remove took along, because it says so."""
    refused: tuple[tuple[int, str], ...] = ()
    """Which of the changes were not made, by their place in the list, and why."""


_MORE = "more would change than the fix says"

Step: TypeAlias = tuple[int, Edit]


def rewrite(source: Source, number: int, edits: Iterable[Edit]) -> Rewritten:
    """Make the edits of one document, or raise RewriteError (EditError: they make no sense for it)."""
    return _made(Rewritten(source), [(number, edit) for edit in edits])


def rewrite_all(source: Source, changes: Sequence[Change]) -> Rewritten:
    """Make all changes that can be made, each of them whole, and tell which were refused and why.

    They are tried together first: one reading for a file with hundreds of fixes.
    """
    ready: list[_Numbered] = []
    late: list[_Numbered] = []
    for place, change in enumerate(changes):
        steps = [(change.number, edit) for edit in change.edits]
        try:
            _planned(source, steps)
            ready.append((place, steps))
        except EditError:
            late.append((place, steps))
    refused: list[tuple[int, str]] = []
    done = _some(Rewritten(source), ready, refused)
    for numbered in late:  # one may build on another that is made now
        done = _some(done, [numbered], refused)
    return done._replace(refused=tuple(sorted(refused)))


_Numbered: TypeAlias = tuple[int, list[Step]]


def rewrite_each(source: Source, changes: Sequence[Change]) -> list[tuple[Splice, ...] | EditError]:
    """Tell for each change what it would do to the text by itself, or why it cannot be made.

    Changes in different places are proved together: one reading for a file with hundreds of them.
    """
    told: list[tuple[Splice, ...] | EditError] = [()] * len(changes)
    rounds: list[list[_Numbered]] = []
    taken: dict[tuple[int, Route], int] = {}
    effort = 0
    for place, change in enumerate(changes):
        effort += sum(_effort(source, change.number, edit.route) for edit in change.edits)
        if effort > _MOST_EFFORT:
            told[place] = RewriteError(_TOO_MANY)
            continue
        where = [(change.number, _container(edit)) for edit in change.edits]
        turn = max((taken.get(one, 0) for one in where), default=0)
        taken.update(dict.fromkeys(where, turn + 1))
        if turn == len(rounds):
            rounds.append([])
        rounds[turn].append((place, [(change.number, edit) for edit in change.edits]))
    patience = max(_MOST_READ // (len(source.text) + 1), 1)
    for numbered in rounds:
        patience = _each(source, numbered, told, patience)
    return told


_TOO_MANY = "the file is too large to try so many fixes one by one"
_MOST_READ = 5_000_000
"""How many characters are read again at most to try changes one by one: some seconds."""
_MOST_EFFORT = 20_000_000
"""How many entries of lists and mappings are gone through at most to plan changes: some seconds."""


def _effort(source: Source, number: int, route: Route) -> int:
    """Return how many entries the collections have that a route leads through."""
    here = source.documents[number].tree if number < len(source.documents) else None
    entries = 0
    for step in (*route, None):
        entries += len(here) if isinstance(here, dict | list) else 0
        here = find(here, () if step is None else (step,))
    return entries


def _container(edit: Edit) -> Route:
    """Return the route of the list or mapping in which an edit changes an entry."""
    return edit.route if isinstance(edit, (Append, *COMMENTS)) else edit.route[:-1]


def _each(
    source: Source,
    changes: list[_Numbered],
    told: list[tuple[Splice, ...] | EditError],
    patience: int,
) -> int:
    """Tell what changes would do, with at most `patience` readings; return how many are left."""
    planned: list[_Tried] = []
    groups = [planned]
    for place, steps in changes:
        try:
            one = (place, steps, _planned(source, steps).ways)
        except EditError as error:
            told[place] = error
            if len(steps) > 1:  # one edit may build on what another has made
                groups.append([(place, steps, [])])
            continue
        # What may drop comments is proved by itself, so that nothing else may.
        if any(isinstance(edit, Remove) and edit.comments for _, edit in steps):
            groups.append([one])
        else:
            planned.append(one)
    while groups:
        group = groups.pop()
        if patience <= 0:
            for place, _, _ in group:
                told[place] = RewriteError(_TOO_MANY)
        elif len(group) == 1:
            [(place, steps, _)] = group
            patience -= 1
            try:
                told[place] = _made(Rewritten(source), steps).splices
            except EditError as error:
                told[place] = error
        elif group:
            patience -= 1
            try:
                _prove(source, [way for _, _, ways in group for way in ways])
            except EditError:
                half = len(group) // 2
                groups += (group[:half], group[half:])
            else:
                for place, _, ways in group:
                    splices = [splice for way in ways for splice in way.best]
                    told[place] = compose((), sorted(splices, key=lambda splice: splice.start))
    return patience


def _prove(source: Source, ways: list[_Way]) -> None:
    """Raise EditError unless the best ways to make some edits can be gone together."""
    wanted: dict[int, Json] = {}
    for way in ways:
        before = wanted.get(way.number, source.documents[way.number].tree)
        wanted[way.number] = apply(before, way.edit)
    _Proof(source, _Plan(wanted, ways)).of([splice for way in ways for splice in way.best])


def _some(done: Rewritten, changes: list[_Numbered], refused: list[tuple[int, str]]) -> Rewritten:
    """Make the changes that can be made: all at once, or else each half of them for itself."""
    if len(changes) == 1:
        [(place, steps)] = changes
        try:
            return _made(done, steps)
        except EditError as error:
            refused.append((place, str(error)))
            return done
    try:
        return _at_once(done, [step for _, steps in changes for step in steps])
    except EditError:
        half = len(changes) // 2
        return _some(_some(done, changes[:half], refused), changes[half:], refused)


def _made(done: Rewritten, steps: list[Step]) -> Rewritten:
    """Make all edits: with one reading where that is possible, or else one by one."""
    if len(steps) > 1:
        try:
            return _at_once(done, steps)
        except EditError:
            pass
    for step in steps:
        done = _one(done, *step)
    return done


class _Way(NamedTuple):
    """One edit that changes something, and how it may be written."""

    number: int
    edit: Edit
    best: list[Splice]
    others: Iterator[list[Splice]]
    anchor: str | None


_Tried: TypeAlias = tuple[int, list[Step], list[_Way]]


class _Plan(NamedTuple):
    """What documents are to mean, by their place in the file, and the ways to get there."""

    wanted: dict[int, Json]
    ways: list[_Way]


def _planned(source: Source, steps: list[Step]) -> _Plan:
    """Plan edits on a source as it stands, without reading anything again."""
    wanted: dict[int, Json] = {}
    ways: list[_Way] = []
    for number, edit in steps:
        _check(source, number)
        before = wanted.get(number, source.documents[number].tree)
        if isinstance(edit, COMMENTS):
            wanted[number] = before
            others = comment_splices.candidates(source, number, edit)
            ways.append(_Way(number, edit, next(others), others, None))
            continue
        after = apply(before, edit)
        if not same(before, after):
            wanted[number] = after
            splicer = Splicer(source, number)
            others = splicer.candidates(edit)
            ways.append(_Way(number, edit, next(others), others, splicer.anchor))
    return _Plan(wanted, ways)


def _at_once(done: Rewritten, steps: list[Step]) -> Rewritten:
    plan = _planned(done.source, steps)
    if not plan.ways:
        return done
    splices = [splice for way in plan.ways for splice in way.best]
    return _joined(done, *_Proof(done.source, plan).of(splices))


def _one(done: Rewritten, number: int, edit: Edit) -> Rewritten:
    """Make one edit, in the first of the ways to write it that can be proved."""
    plan = _planned(done.source, [(number, edit)])
    if not plan.ways:
        return done
    proof = _Proof(done.source, plan)
    [way] = plan.ways
    try:
        return _joined(done, *proof.of(way.best))
    except RewriteError as error:
        refusal = error
    for splices in way.others:
        try:
            return _joined(done, *proof.of(splices))
        except RewriteError:
            continue
    if way.anchor is not None and str(refusal) == _MORE:
        raise RewriteError(f"it would change everything that says *{way.anchor}, too")
    raise refusal


def _check(source: Source, number: int) -> None:
    if source.masked is not None:
        raise RewriteError(f"the file is a {source.masked}")
    if any(problem.document == number for problem in source.problems):
        raise RewriteError("the document cannot be read as RKE2 and Kubernetes read it")
    if number >= len(source.documents):
        raise RewriteError("there is no such document")
    if source.roots[number] is None and source.documents[number].tree is not None:
        raise RewriteError("the file is not YAML")


def _joined(
    done: Rewritten, source: Source, splices: list[Splice], dropped: tuple[str, ...]
) -> Rewritten:
    joined = compose(done.splices, splices)
    return Rewritten(source, joined, done.dropped + dropped)


class _Proof:
    """That a text means what was wanted, and says everything else as it did before."""

    def __init__(self, before: Source, plan: _Plan) -> None:
        self.before = before
        self.wanted = plan.wanted
        self.routes: dict[int, list[Route]] = {}
        for way in plan.ways:
            if not isinstance(way.edit, COMMENTS):
                self.routes.setdefault(way.number, []).append(way.edit.route)
        edits = [way.edit for way in plan.ways]
        self.may_drop = any(isinstance(edit, Remove) and edit.comments for edit in edits)
        self.json = [number for number in plan.wanted if is_json(before, number)]
        self.comments = comments(before)
        self.reworded = comment_splices.comments_after(
            self.comments, [edit for edit in edits if isinstance(edit, Reword)]
        )
        self.added = sorted(edit.text for edit in edits if isinstance(edit, Annotate))

    def of(self, splices: list[Splice]) -> tuple[Source, list[Splice], tuple[str, ...]]:
        """Return the new source, the splices in order, and the comments that went."""
        # Splices in one place keep their order: the second item of a list follows the first.
        splices = sorted(splices, key=lambda splice: splice.start)
        dropped = self._dropped(splices)
        after = self.before.with_text(_spliced(self.before.text, splices))
        after.newline = self.before.newline  # it is the file's, also when one line is left
        self._check_documents(after)
        kept = [self.reworded.get(c.start, c.text) for c in self.comments if c not in dropped]
        if not _keeps(comments(after), [text for text in kept if text], self.added):
            raise RewriteError("a comment would become something else")
        return after, splices, tuple(comment.text for comment in dropped)

    def _dropped(self, splices: list[Splice]) -> list[Comment]:
        dropped: list[Comment] = []
        ends = [comment.end for comment in self.comments]
        for splice in splices:
            for comment in self.comments[bisect_right(ends, splice.start) :]:
                if comment.start >= splice.end:
                    break
                if comment.start in self.reworded:
                    continue
                if not self.may_drop:
                    raise RewriteError(f"a comment stands in the way: {comment.text}")
                dropped.append(comment)
        return dropped

    def _check_documents(self, after: Source) -> None:
        before = self.before
        if len(after.problems) > len(before.problems) or after.masked != before.masked:
            raise RewriteError("the file could not be read afterwards")
        if len(after.documents) != len(before.documents):
            raise RewriteError("the file would fall into other documents")
        for number, document in enumerate(after.documents):
            if number in self.wanted:
                tree, routes = self.wanted[number], self.routes.get(number, [])
            else:
                tree, routes = before.documents[number].tree, []
            if not _means(document.tree, tree, routes):
                raise RewriteError(_MORE)
            if len(document.repeated) > len(before.documents[number].repeated):
                raise RewriteError("a key would be said twice")
        for number in self.json:
            if not parses_as_json(after, number):
                raise RewriteError("the document would be JSON no more")


def _keeps(after: list[Comment], kept: list[str], added: list[str]) -> bool:
    """Say whether comments are those that were kept, in their order, and those that were added."""
    at = 0
    more: list[str] = []
    for comment in after:
        if at < len(kept) and comment.text == kept[at]:
            at += 1
        else:
            more.append(comment.text.rstrip())
    return at == len(kept) and sorted(more) == added


def _spliced(text: str, splices: Iterable[Splice]) -> str:
    parts: list[str] = []
    at = 0
    for start, end, new in splices:
        if start < at:
            raise RewriteError("two changes meet in one place")
        parts += [text[at:start], new]
        at = end
    return "".join([*parts, text[at:]])


def _means(tree: Json, wanted: Json, routes: list[Route]) -> bool:
    """Compare as JSON does, and the order of keys with it, but for keys on one of the routes.

    Such a key is written where its mapping ends, which is not always where `apply` has it.
    """
    waiting = [(tree, wanted, routes)]
    seen: set[tuple[int, int]] = set()  # aliases share their parts: each pair is compared once
    while waiting:
        one, other, below = waiting.pop()
        if isinstance(one, dict) and isinstance(other, dict):
            if not below:
                if (id(one), id(other)) in seen:
                    continue
                seen.add((id(one), id(other)))
            if one.keys() != other.keys():
                return False
            steps = {route[0] for route in below if route}
            if [k for k in one if k not in steps] != [k for k in other if k not in steps]:
                return False
            for key, value in one.items():
                inner = [route[1:] for route in below if route and route[0] == key]
                waiting.append((value, other[key], inner))
        elif isinstance(one, list) and isinstance(other, list):
            if not below:
                if (id(one), id(other)) in seen:
                    continue
                seen.add((id(one), id(other)))
            if len(one) != len(other):
                return False
            for step, value in enumerate(one):
                inner = [route[1:] for route in below if route and route[0] == step]
                waiting.append((value, other[step], inner))
        elif not same(one, other):
            return False
    return True


_END = 1 << 62
"""Behind the end of any text."""


def compose(first: Iterable[Splice], second: Iterable[Splice]) -> tuple[Splice, ...]:
    """Return one list of splices that does what two do, one after the other.

    The offsets of `second` are those of the text that `first` makes; the result's are those of
    the text before both. Splices that touch become one.
    """
    # The text in between, as stretches of the text before and, where a text is given, new ones.
    between: list[tuple[int, int, str | None]] = []
    at = 0
    for splice in first:
        between += ((at, splice.start, None), (0, len(splice.text), splice.text))
        at = splice.end
    between.append((at, _END, None))
    between.reverse()

    def take(length: int) -> list[tuple[int, int, str | None]]:
        taken = []
        while length > 0:
            start, end, text = between.pop()
            if end - start > length:
                between.append((start + length, end, text))
                end = start + length
            taken.append((start, end, text))
            length -= end - start
        return taken

    after: list[tuple[int, int, str | None]] = []
    at = 0
    for splice in second:
        after += take(splice.start - at)
        take(splice.end - splice.start)
        after.append((0, len(splice.text), splice.text))
        at = splice.end
    after += reversed(between)

    composed = []
    at, new = 0, ""
    for start, end, text in after:
        if text is not None:
            new += text[start:end]
        elif start < end:
            if new or start > at:
                composed.append(Splice(at, start, new))
            at, new = end, ""
    return tuple(composed)
