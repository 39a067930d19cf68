"""One edit, three tellings: `apply`, the text edit and the JSON Patch must agree."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import jsonpatch
import pytest
import yaml
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from rke2_policies.edits import Append, EditError, Remove, Rename, RewriteError, Set, apply
from rke2_policies.edits.as_json_patch import json_patch
from rke2_policies.edits.as_text import rewrite
from rke2_policies.edits.comments import comments, prove_comments
from rke2_policies.route import find, same
from rke2_policies.scalars import plain
from rke2_policies.yaml_source import Source

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"

KEYS = ["a", "b", "c/d", "e~f", "g.h", "yes", "1", "kube-proxy-extra-env"]
TEXTS = [
    *("x", "IPTABLES_MODE=nft", "A=1,2", "a b", "yes", "0600", "", "a: b", "#no", "é🎉", "it's"),
    *('say "hi"', "- d", "line\nbreak", "end\n", "  lead", "{x}", "k: |\n  # inner\n  z", "null"),
    *("1e3", "*a", "&b", "!t", "%p", "@q", "`r", "a #b", "a:", "\ttab", "back\\slash", "a\n\n"),
]
SCALARS = st.sampled_from([None, True, False, 0, 1, -7, 1.5, *TEXTS])
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=10,
)
DOCUMENTS = st.dictionaries(st.sampled_from(KEYS), TREES, min_size=1, max_size=4)


def routes(tree, route=()):
    """Yield the routes of everything in a tree."""
    yield route
    match tree:
        case dict():
            for key, below in tree.items():
                yield from routes(below, (*route, key))
        case list():
            for step, below in enumerate(tree):
                yield from routes(below, (*route, step))


def edits(tree):
    """Edits of what is there, and of what is not."""
    there = st.sampled_from([route for route in routes(tree) if route] or [("a",)])
    lists = [route for route in routes(tree) if isinstance(find(tree, route), list)]
    new = st.lists(st.sampled_from(["n", "kube-proxy-extra-env"]), min_size=1, max_size=2)
    beside = st.builds(lambda route, more: (*route[:-1], *more), there, new)
    below = st.builds(lambda route, more: (*route, *more), there, new)
    anywhere = there | beside | below
    return st.one_of(
        st.builds(Set, anywhere, TREES),
        st.builds(Append, st.sampled_from(lists) if lists else anywhere, TREES),
        st.builds(Append, anywhere, TREES),
        st.builds(Remove, there, st.booleans()),
        st.builds(Rename, there, st.sampled_from([*KEYS, "n"])),
    )


class Author:
    """Writes trees as people do: in all styles at once, with comments, anchors and blank lines."""

    def __init__(self, random: Random, newline: str) -> None:
        self.random = random
        self.newline = newline
        self.comments: list[str] = []
        self.anchors = 0

    def text(self, trees) -> str:
        lines = []
        for number, tree in enumerate(trees):
            if number or self.once_in(4):
                lines.append("---" + self.trail())
            lines += self.own_lines(0) + self.document(tree) + self.own_lines(0)
        if self.once_in(10):
            lines.append("...")
        return self.newline.join(lines) + (self.newline if not self.once_in(6) else "")

    def once_in(self, count) -> bool:
        return self.random.random() < 1 / count

    def one_of(self, *choices):
        return self.random.choice(choices)

    def comment(self) -> str:
        self.comments.append(f"# c{len(self.comments)}" + self.one_of("", " it's", ' - {"x": y}'))
        return self.comments[-1]

    def trail(self) -> str:
        return self.one_of(" ", "   ") + self.comment() if self.once_in(5) else ""

    def own_lines(self, indent) -> list[str]:
        lines = []
        while self.once_in(6):
            at = max(0, indent + self.one_of(0, 0, 0, -2, 2))
            lines.append(" " * at + self.comment() if self.once_in(2) else "")
        return lines

    def anchor(self) -> str:
        if not self.once_in(15):
            return ""
        self.anchors += 1
        return f" &n{self.anchors}"

    def scalar(self, value, *, flow=False, key=False) -> str:
        match value:
            case None:
                return self.one_of("null", "~", *([] if flow or key else [""]))
            case bool():
                return self.one_of(*(("true", "yes", "On") if value else ("false", "no")))
            case int() | float():
                return str(value)
        special = ",[]{}:" if flow else ""
        bare = (
            value
            and plain(value) == value
            and value[0] not in " -#{}[]!&*|>%@`'\"\t,"
            and not any(sign in value for sign in (": ", " #", "\n", "\t", *special))
            and not value.endswith((":", " "))
        )
        styles = [
            '"',
            *(["'"] if not {"\n", "\t"} & set(value) else []),
            *(["", ""] if bare else []),
        ]
        match self.random.choice(styles):
            case '"':
                return json.dumps(value, ensure_ascii=False)
            case "'":
                return "'" + value.replace("'", "''") + "'"
        return value

    def flow(self, value, indent) -> str:
        match value:
            case dict():
                brackets = "{}"
                entries = [
                    f"{self.scalar(k, flow=True, key=True)}: {self.flow(v, indent + 2)}"
                    for k, v in value.items()
                ]
            case list():
                brackets, entries = "[]", [self.flow(v, indent + 2) for v in value]
            case _:
                return self.scalar(value, flow=True)
        if not entries:
            return self.one_of(brackets, " ".join(brackets))
        comma = self.one_of("", "", ",")
        pad = self.newline + " " * (indent + 2)
        match self.one_of("tight", "wide", "lines", "hanging"):
            case "tight":
                return brackets[0] + ", ".join(entries) + comma + brackets[1]
            case "wide":
                return f"{brackets[0]} {' , '.join(entries)} {brackets[1]}"
            case "lines":
                written = brackets[0] + self.trail()
                for entry in entries[:-1]:
                    written += pad + entry + "," + self.trail()
                written += pad + entries[-1] + comma + self.trail()
                return written + self.newline + " " * indent + brackets[1]
        written = f"{brackets[0]} "
        for entry in entries[:-1]:
            written += entry + "," + self.trail() + pad
        return f"{written}{entries[-1]} {brackets[1]}"

    def literal(self, value, indent) -> list[str] | None:
        """Return the header of a `|` block and its lines; None where it could not hold the text."""
        if not isinstance(value, str) or not value.strip() or value[0] in " \t\n":
            return None
        body = value.rstrip("\n")
        ends = len(value) - len(body)
        pad = " " * (indent + self.one_of(1, 2, 4))
        lines = [pad + line if line else "" for line in body.split("\n")] + [""] * (ends - 1)
        header = "|" + {0: "-", 1: ""}.get(ends, "+") + self.trail()
        blank = [""] * self.one_of(0, 0, 1, 2) if ends < 2 else []
        return [header, *lines, *blank]

    def below(self, lead, value, indent) -> list[str]:
        """Write a value behind `lead`, which ends in a colon or a dash that stands in `indent`."""
        anchor = self.anchor()
        if isinstance(value, dict | list) and (not value or self.once_in(3)):
            written = f"{lead}{anchor} {self.flow(value, indent + 2)}{self.trail()}"
            return written.split(self.newline)
        if isinstance(value, dict):
            inner = self.block(value, indent + self.one_of(2, 2, 2, 4, 1))
            return [f"{lead}{anchor}{self.trail()}", *inner]
        if isinstance(value, list):
            deeper = self.one_of(0, 2, 2, 4) if lead.endswith(":") else 2
            return [f"{lead}{anchor}{self.trail()}", *self.block(value, indent + deeper)]
        literal = self.literal(value, indent) if self.once_in(3) else None
        if literal:
            return [f"{lead}{anchor} {literal[0]}", *literal[1:]]
        if isinstance(value, str) and not anchor and self.once_in(10):
            return [lead + self.trail(), " " * (indent + 2) + self.scalar(value) + self.trail()]
        written = self.scalar(value)
        return [lead + anchor + (" " + written if written else "") + self.trail()]

    def block(self, value, indent) -> list[str]:
        lines = []
        pad = " " * indent
        if isinstance(value, dict):
            for key, item in value.items():
                lines += self.own_lines(indent)
                name = self.scalar(key, key=True) + self.one_of("", "", "", " ")
                lines += self.below(f"{pad}{name}:", item, indent)
            return lines
        gap = self.one_of(1, 1, 1, 3)
        for item in value:
            lines += self.own_lines(indent)
            inner = None
            if isinstance(item, dict | list) and item and not self.once_in(3):
                inner = self.block(item, indent + 1 + gap)
            if inner and inner[0].strip() and not inner[0].strip().startswith("#"):
                lines += [f"{pad}-{' ' * gap}{inner[0].lstrip(' ')}", *inner[1:]]
            elif inner:
                lines += [f"{pad}-", *inner]
            else:
                lines += self.below(f"{pad}-{' ' * (gap - 1)}", item, indent)
        return lines

    def document(self, tree) -> list[str]:
        if not tree or self.once_in(10):
            return self.flow(tree, 0).split(self.newline)
        return self.block(tree, self.one_of(0, 0, 0, 2))


@given(DOCUMENTS, st.data())
@settings(max_examples=400, deadline=None)
def test_the_patch_means_what_apply_says(tree, data):
    chosen = data.draw(st.lists(edits(tree), min_size=1, max_size=3))
    before = json.dumps(tree)
    try:
        wanted = tree
        for edit in chosen:
            wanted = apply(wanted, edit)
    except EditError:
        with pytest.raises(EditError):
            json_patch(tree, chosen)
        return
    patch = json_patch(tree, chosen)
    assert same(jsonpatch.apply_patch(tree, patch), wanted)
    assert json.dumps(tree) == before
    assert {operation["op"] for operation in patch} <= {"add", "remove"}
    if not any(isinstance(edit, Remove | Rename) for edit in chosen):
        assert {operation["op"] for operation in patch} <= {"add"}


@given(DOCUMENTS, st.booleans(), st.data())
@settings(max_examples=300, deadline=None)
def test_the_text_means_what_apply_says_however_it_was_dumped(tree, flow, data):
    text = yaml.safe_dump(tree, default_flow_style=flow, allow_unicode=True, sort_keys=False)
    source = Source.read("t.yaml", text.encode())
    assume(not source.problems and same(source.documents[0].tree, tree))
    event("made" if check_rewrite(source, 0, [data.draw(edits(tree))]) else "not made")


@given(
    trees=st.lists(DOCUMENTS, min_size=1, max_size=2),
    newline=st.sampled_from(["\n", "\n", "\r\n", "\r"]),
    seed=st.integers(0, 2**32),
    data=st.data(),
)
@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_text_means_what_apply_says_however_people_wrote_it(trees, newline, seed, data):
    author = Author(Random(seed), newline)
    text = author.text(trees)
    source = Source.read("t.yaml", text.encode())
    assume(not source.problems and source.masked is None)
    assume(same([document.tree for document in source.documents], trees))
    assert sorted(comment.text for comment in comments(source)) == sorted(author.comments)
    number = data.draw(st.integers(0, len(trees) - 1))
    done = check_rewrite(
        source, number, data.draw(st.lists(edits(trees[number]), min_size=1, max_size=2))
    )
    event("made" if done else "not made")
    if done and newline == "\r\n" and newline in text:
        assert done.source.text.count("\n") == done.source.text.count("\r\n")


def check_rewrite(source, number, chosen):
    """Rewrite, unless the edits make no sense or are refused, and check all that must hold then."""
    tree = source.documents[number].tree
    try:
        wanted = tree
        for edit in chosen:
            wanted = apply(wanted, edit)
    except EditError:
        return None
    try:
        done = rewrite(source, number, chosen)
    except RewriteError:
        return None
    after = done.source
    for place, document in enumerate(after.documents):
        assert same(document.tree, wanted if place == number else source.documents[place].tree)
    check_with_another_reader(source, number, chosen, after)
    text = source.text
    for start, end, new in reversed(done.splices):
        text = text[:start] + new + text[end:]
    assert text == after.text
    prove_comments(source, after, done.dropped)
    if all(changes_nothing(wanted, edit) for edit in chosen):
        assert rewrite(after, number, chosen).source.text == after.text
    return done


def changes_nothing(tree, edit):
    try:
        return same(apply(tree, edit), tree)
    except EditError:
        return False


def check_with_another_reader(source, number, chosen, after):
    """Let PyYAML judge, where it can read both texts and an edit means the same in its words."""
    try:
        before = list(yaml.load_all(source.text, Loader=yaml.CSafeLoader))
        wanted = before[number]
        for edit in chosen:
            wanted = apply(wanted, edit)
        made = list(yaml.load_all(after.text, Loader=yaml.CSafeLoader))
    except (yaml.YAMLError, EditError, ValueError, TypeError, IndexError):
        return
    if len(made) == len(before) and all(isinstance(key, str) for key in keys_of(before)):
        assert made == [*before[:number], wanted, *before[number + 1 :]]


def keys_of(tree):
    match tree:
        case dict():
            yield from tree
            for below in tree.values():
                yield from keys_of(below)
        case list():
            for below in tree:
                yield from keys_of(below)


def real_files():
    suffixes = {".yaml", ".yml", ".json"}
    return sorted(path for path in CORPUS.rglob("*") if path.suffix in suffixes)


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not beside the project")
def test_no_edit_of_a_real_file_goes_wrong():
    random = Random(1)
    made = 0
    for path in real_files():
        source = Source.read(str(path), path.read_bytes())
        for number, document in enumerate(source.documents):
            tree = document.tree
            if not isinstance(tree, dict | list):
                continue
            places = [route for route in routes(tree) if route]
            for _ in range(4):
                route, other = random.choice(places), random.choice(places)
                chosen = random.choice(
                    [
                        Set(route, random.choice(TEXTS)),
                        Set((*route[:-1], "kube-proxy-extra-env"), ["IPTABLES_MODE=nft"]),
                        Append(route, "IPTABLES_MODE=nft"),
                        Append((*route, "kube-proxy-extra-env"), "IPTABLES_MODE=nft"),
                        Remove(route),
                        Rename(other, "another"),
                    ]
                )
                made += check_rewrite(source, number, [chosen]) is not None
    assert made > 200
