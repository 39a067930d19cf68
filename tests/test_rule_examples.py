"""Does each rule do what its page says: find it, fix it in text and as JSON, and then be silent?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import jsonpatch
import pytest

from rke2_lint.baseline_file import DEFAULT as BASELINE
from rke2_lint.baseline_file import read_entries
from rke2_policies import environment_file, recognise
from rke2_policies import rules as package
from rke2_policies.baseline import Known, StaleEntry, match, place_of, stale
from rke2_policies.catalog import rules
from rke2_policies.edits import Edit
from rke2_policies.edits.as_json_patch import json_patch
from rke2_policies.edits.as_text import rewrite
from rke2_policies.engine import evaluate, plan, take_inventory
from rke2_policies.environment_file import EnvironmentFile
from rke2_policies.exempting import ABOUT_IGNORES
from rke2_policies.file import Broken, File
from rke2_policies.finding import Finding, Safety
from rke2_policies.ignore_comments import ignores
from rke2_policies.machine import Machine
from rke2_policies.policy import DEFAULT
from rke2_policies.policy_file import read_policy
from rke2_policies.route import pointer, same
from rke2_policies.rule import AnyRule, Example
from rke2_policies.yaml_source import Source

RULES = [pytest.param(rule, id=rule.id) for rule in rules().values()]
EXAMPLES = [
    (f"{rule.id}-{number}", rule, example)
    for rule in rules().values()
    for number, example in enumerate(rule.examples, 1)
]
BAD = [pytest.param(rule, one, id=name) for name, rule, one in EXAMPLES if one.before]
GOOD = [pytest.param(rule, one, id=name) for name, rule, one in EXAMPLES if not one.before]

FENCE = re.compile(r"^ {0,3}```.*$", re.MULTILINE)
BLOCK = re.compile(
    r"^```yaml (?:before|after|good|policy)(?: \S+)?\n.*?^```$\n?", re.MULTILINE | re.DOTALL
)
CODE = re.compile(r"`[^`\n]+`")


Sources = Mapping[str, Source | EnvironmentFile]


def read(files: Mapping[str, str]) -> Sources:
    return {
        path: (
            environment_file.read(path, text.encode())
            if recognise.is_environment(path)
            else Source.read(path, text.encode())
        )
        for path, text in files.items()
    }


def findings(rule: AnyRule, sources: Sources) -> tuple[Finding, ...]:
    """Return what this rule alone finds."""
    files = [
        File(
            path,
            source.documents,
            broken=tuple(
                Broken.at(path, problem.document, problem.span, problem.message)
                for problem in source.problems
                if recognise.is_ours(path, source.data)
            ),
            ignores=ignores(source),
        )
        for path, source in sources.items()
    ]
    if rule.subject is StaleEntry:
        return tuple(_stale(rule, sources, evaluate(files).findings))
    if rule.id in ABOUT_IGNORES:
        # It is asked about what all the others find.
        found = evaluate(files, DEFAULT, today="2026-11-23").findings
        return tuple(finding for finding in found if finding.rule == rule.id)
    base = read_policy("policy.yaml", rule.policy.encode()) if rule.policy else DEFAULT
    policy = base._replace(levels={rule.id: rule.severity}, others=False)
    return evaluate(files, policy).findings


def _stale(rule: AnyRule, sources: Sources, found: Sequence[Finding]) -> Iterator[Finding]:
    """Yield what is said of the baseline beside some files; last entries first, as they are removed."""
    path = next((path for path in sources if path.endswith(BASELINE)), "")
    if not path:
        return
    folder = path.removesuffix(BASELINE)
    known = []
    for finding in found:
        place = finding.problem.place
        home = place.document.path.removeprefix(folder)
        known.append(Known(finding.rule, home, place_of(pointer(place.route)), home))
    entries = read_entries(path, sources[path].data)
    unused = match(entries, known, lambda _: False).unused
    for one in reversed(stale(path, entries, unused, lambda _: True)):
        yield from (Finding(rule.id, rule.severity, problem) for problem in rule.check(one))


# --- the page


def test_the_list_of_rules_is_the_folder() -> None:
    there = sorted(path.stem for path in Path(package.__path__[0]).glob("*.py"))
    assert ["__init__", *package.__all__] == there


@pytest.mark.parametrize("rule", RULES)
def test_a_page_begins_with_one_sentence_and_says_why(rule: AnyRule) -> None:
    summary, blank, why = rule.doc.split("\n", 2)
    assert summary == rule.summary
    assert re.fullmatch(r"(?:[^.!?`]|[.](?! |$)|`[^`]+`)+\.", summary), (
        "one sentence, one full stop"
    )
    assert blank == ""
    assert BLOCK.split(why)[0].strip(), "why it matters"


@pytest.mark.parametrize("rule", RULES)
def test_a_page_shows_what_is_found_and_what_is_not(rule: AnyRule) -> None:
    assert any(example.before for example in rule.examples)
    assert any(not example.before for example in rule.examples)


@pytest.mark.parametrize("rule", RULES)
def test_a_page_is_markdown(rule: AnyRule) -> None:
    blocks = len(BLOCK.findall(rule.doc))
    of_examples = sum(len(one.before) + len(one.after) for one in rule.examples)
    assert blocks == of_examples + bool(rule.policy)
    assert len(FENCE.findall(rule.doc)) == 2 * blocks, "a fence that is no block of an example"
    for paragraph in BLOCK.sub("\n", rule.doc).split("\n\n"):
        prose = CODE.sub("", paragraph)
        assert "`" not in prose, "code that does not end on its line"
        assert not re.search(r"<[A-Za-z/!]", prose), "a reader of Markdown takes it for HTML"
        assert not re.search(r"^(?: {4}|\t)", prose, re.MULTILINE), "an indented block of code"


# --- its examples


@pytest.mark.parametrize(("rule", "example"), BAD)
def test_what_the_page_shows_is_found(rule: AnyRule, example: Example) -> None:
    sources = read(example.before)
    found = findings(rule, sources)
    assert found
    for finding in found:
        problem = finding.problem
        for place in (problem.place, *(place for place, _ in problem.related)):
            source = sources[place.document.path]
            assert source.documents[place.document.number].span(place) is not None
        for message in (problem.message, *(message for _, message in problem.related)):
            assert not message.endswith("."), "messages have no full stop"


# Pages show these for people: there is a main file, and that is not why; a baseline is of something.
MAIN = "etc/rancher/rke2/config.yaml"
SHOWN = {("missing-nft-pin", MAIN), ("stale-baseline", MAIN)}


@pytest.mark.parametrize(("rule", "example"), BAD)
def test_no_file_of_an_example_is_there_for_nothing(rule: AnyRule, example: Example) -> None:
    def said(files: Mapping[str, str]) -> list[Finding]:
        return [one._replace(machines=()) for one in findings(rule, read(files))]

    for path in example.before:
        others = {name: text for name, text in example.before.items() if name != path}
        if (rule.id, path) not in SHOWN:
            assert said(example.before) != said(others), path


@pytest.mark.parametrize(("rule", "example"), BAD)
def test_what_is_found_is_fixed_as_the_page_says(rule: AnyRule, example: Example) -> None:
    before = read(example.before)
    found = findings(rule, before)
    if not example.after:
        assert [finding.problem.fix for finding in found if finding.problem.fix] == []
        return
    changes: dict[tuple[str, int], list[Edit]] = {
        document: [edit for fix in fixes for edit in fix.edits]
        for document, fixes in plan(found, Safety.SHOWN).items()
    }
    after = read({**example.before, **example.after})
    fixed = dict(before)
    for (path, number), edits in changes.items():
        source = fixed[path]
        assert isinstance(source, Source)
        fixed[path] = rewrite(source, number, edits).source
    for path, source in after.items():
        assert fixed[path].text == source.text, path
    for (path, number), edits in changes.items():
        tree = json.loads(json.dumps(before[path].documents[number].tree))
        patched = jsonpatch.apply_patch(tree, json_patch(tree, edits))
        assert same(patched, after[path].documents[number].tree), path
    assert findings(rule, after) == ()


@pytest.mark.parametrize(("rule", "example"), GOOD)
def test_what_is_good_is_left_alone(rule: AnyRule, example: Example) -> None:
    assert findings(rule, read(example.after)) == ()


@pytest.mark.parametrize(
    "rule", [pytest.param(one, id=one.id) for one in rules().values() if one.subject is Machine]
)
def test_a_rule_about_machines_finds_the_same_in_all_that_are_configured_alike(
    rule: AnyRule,
) -> None:
    """The engine asks about one of them, and takes the answer for all."""
    for example in rule.examples:
        for files in filter(None, (example.before, example.after)):
            inventory = take_inventory(
                [File(path, source.documents) for path, source in read(files).items()]
            )
            machines = [machine for one in inventory.clusters for machine in one.machines]
            machines += [node.machine for node in inventory.nodes]
            for machine in machines:
                found = list(rule.check(machine))
                assert list(rule.check(machine.called("another", {"a": "label"}))) == found
                alike = [one for one in machines if one.settings is machine.settings]
                assert all(list(rule.check(one)) == found for one in alike)
