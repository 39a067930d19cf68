"""The schema of policy files: as strict as the reader, published, and fresh."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from rke2_policies import catalog, policy_schema
from rke2_policies.path_glob import problem
from rke2_policies.policy import DEFAULT, Policy
from rke2_policies.policy_file import PolicyError, read_policy
from rke2_policies.policy_keys import (
    POLICY,
    REQUIRED_SETTING,
    ByName,
    Glob,
    Key,
    LabelSelector,
    Many,
    RuleName,
    Section,
    Text,
    Values,
    Word,
    keys,
)

SCHEMA = policy_schema.schema()
CHECK = Draft202012Validator(SCHEMA)
PUBLISHED = Path(policy_schema.__file__).with_name("policy.schema.json")
BASELINES = sorted(PUBLISHED.with_name("baselines").iterdir())
KEYS = [pytest.param(name, key, id=name) for name, key in keys()]


def reads(tree: Any) -> bool:
    """Return whether the reader takes a tree, whatever it extends."""
    try:
        read_policy("p.yaml", tree, lambda _: DEFAULT)
    except PolicyError:
        return False
    return True


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_the_published_one_is_fresh() -> None:
    assert json.loads(PUBLISHED.read_bytes()) == SCHEMA, "run `make docs`"


def test_the_reference_is_fresh() -> None:
    script = Path(__file__).parents[1] / "policies" / "write_reference.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", BASELINES, ids=lambda path: path.name)
def test_the_baselines_are_what_it_asks_for(path: Path) -> None:
    CHECK.validate(yaml.safe_load(path.read_bytes()))


@pytest.mark.parametrize(("name", "key"), KEYS)
def test_every_key_is_described_with_an_example(name: str, key: Key) -> None:
    assert key.says.endswith(".")
    assert key.says[0].isupper() or key.says[0] == "`"
    assert key.example is not None


@pytest.mark.parametrize("key", POLICY.keys, ids=lambda key: key.name)
def test_the_examples_are_read(key: Key) -> None:
    tree = {key.name: key.example}
    CHECK.validate(tree)
    assert reads(tree)


def described(schema: Any) -> list[Any]:
    """Return the schemas of all properties that are keys of ours."""
    found = []
    if isinstance(schema, dict):
        for name, inner in (schema.get("properties") or {}).items():
            if "examples" in inner or name in {"name", "extends"}:
                found.append(inner)
        for inner in schema.values():
            found += described(inner)
    elif isinstance(schema, list):
        for inner in schema:
            found += described(inner)
    return found


def test_every_key_in_it_has_a_description_and_an_example() -> None:
    found = described(SCHEMA)
    assert len(found) >= len({key.says for _, key in keys()})
    assert all(one["description"] and one["examples"] for one in found)


def test_it_says_what_each_rule_is_about() -> None:
    levels = SCHEMA["$defs"]["levels"]["properties"]
    assert set(levels) == set(catalog.names())
    assert levels["syntax"]["description"] == catalog.rule("syntax").summary


# --- as strict as the reader

NAMES = st.sampled_from(["missing-nft-pin", "syntax", "legacy-backend"])
TEXTS = st.sampled_from(
    ["a", "fleet/*", "off", "nft", "2027-03-31", "2027-02-29", "2028-02-29", "1900-02-29", "", " "]
)
GLOBS = st.text("ab/*?!.\\", max_size=8)
LABELS = st.sampled_from(["a", "a/b", "A.b/c", "a.b/c", "-", "a/b/c", "", "x" * 64, "é"])
SETTINGS = st.sampled_from(["profile", "kubelet-arg", "kube-proxy-extra-env", "cni"])
SCALARS = st.sampled_from(
    [None, True, False, 0, 7, 1.5, "", " ", "cis", "IPTABLES_MODE=nft", " IPTABLES_MODE", "a=b"]
)
ANYTHING = st.recursive(
    SCALARS | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)
EXPRESSION = st.fixed_dictionaries(
    {},
    optional={
        "key": LABELS | SCALARS,
        "operator": st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist", "Is", None]),
        "values": st.lists(LABELS, max_size=2) | st.none() | SCALARS,
    },
)
SELECTOR = st.fixed_dictionaries(
    {},
    optional={
        "matchLabels": st.dictionaries(LABELS, LABELS, max_size=2) | st.none() | SCALARS,
        "matchExpressions": st.lists(EXPRESSION, max_size=2) | st.none() | SCALARS,
        "matchNames": SCALARS,
    },
)


def trees(shape: Any) -> st.SearchStrategy[Any]:
    """Return what may stand where the table has a shape: mostly what fits, and what nearly fits."""
    match shape:
        case Section():
            fields = {key.name: trees(key.shape) | st.none() for key in shape.keys}
            return st.fixed_dictionaries({}, optional=fields)
        case ByName("rule", value):
            return st.dictionaries(NAMES | TEXTS, trees(value), max_size=2)
        case ByName(_, value):
            return st.dictionaries(SETTINGS | TEXTS, trees(value) | st.none(), max_size=2)
        case Many(item):
            return st.lists(trees(item), max_size=2)
        case Word(choices):
            return st.sampled_from([*choices, False, "of"])
        case RuleName():
            return NAMES
        case Glob():
            return GLOBS
        case Text():
            return TEXTS
        case LabelSelector():
            return SELECTOR
        case Values(in_full):
            plain = SCALARS | st.lists(SCALARS, max_size=2)
            return plain | trees(REQUIRED_SETTING) if in_full else plain
        case _:
            raise TypeError(shape)


@given(trees(POLICY), st.data())
@settings(max_examples=400, deadline=None)
def test_it_takes_what_the_reader_takes(tree: dict[str, Any], data: st.DataObject) -> None:
    if tree and data.draw(st.booleans()):
        # Something else in one place: of another type, or a key that there is not.
        tree = copy.deepcopy(tree)
        tree[data.draw(st.sampled_from([*tree, "leve1s"]))] = data.draw(ANYTHING)
    assert CHECK.is_valid(tree) == reads(tree), list(CHECK.iter_errors(tree))


OVERRIDE = {"clusters": ["a"], "params": {"backend": "legacy"}, "reason": "old"}


@pytest.mark.parametrize(
    ("override", "fits"),
    [
        ({}, True),
        ({"clusters": []}, False),
        ({"clusters": None}, False),
        ({"clusters": [], "paths": ["a"]}, True),
        ({"clusters": [], "labels": {}}, False),
        ({"clusters": [], "labels": {"matchLabels": {"a": "b"}}}, True),
        ({"clusters": [], "labels": {"a": "b"}}, False),
        ({"reason": None}, False),
        ({"reason": " "}, False),
        ({"params": {}}, False),
        ({"params": None}, False),
        ({"params": {"backend": None}}, False),
        ({"params": {"required-settings": {}}}, True),
        ({"params": {}, "levels": {"syntax": "off"}}, True),
        ({"params": {}, "levels": {}}, False),
        ({"params": {"required-settings": {"profile": "cis"}}, "reason": None}, True),
    ],
)
def test_an_override_is_for_something_and_says_something(
    override: dict[str, Any], *, fits: bool
) -> None:
    tree = {"overrides": [{**OVERRIDE, **override}]}
    assert reads(tree) is fits
    assert CHECK.is_valid(tree) is fits


@given(st.text("ab/*?!.\\", max_size=8) | st.text(max_size=6).filter(lambda t: "[" not in t))
@settings(max_examples=400, deadline=None)
def test_a_glob_is_one_in_both(text: str) -> None:
    if "\n" not in text:  # where `$` in Python is not what it is in JSON Schema
        assert CHECK.is_valid({"exclude": [text]}) is (not problem(text) and bool(text.strip()))


@pytest.mark.parametrize("year", ["1900", "2000", "2023", "2024", "2100", "0000"])
def test_a_day_is_one_of_the_calendar(year: str) -> None:
    from rke2_policies.day import is_day

    for month in range(14):
        for day in range(33):
            until = f"{year}-{month:02}-{day:02}"
            tree = {"exempt": [{"rule": "syntax", "where": "a", "reason": "b", "until": until}]}
            assert CHECK.is_valid(tree) is is_day(until) is reads(tree), until


def test_a_table_that_is_parsed_already_is_read_too() -> None:
    policy = read_policy("pyproject.toml", {"levels": {"syntax": "note"}}, table="tool.rke2-lint")
    assert isinstance(policy, Policy)


@pytest.mark.parametrize(
    ("page", "begin"), [("README.md", "extends:"), ("docs/configuration.md", "")]
)
def test_the_policies_that_pages_show_are_read(page: str, begin: str) -> None:
    text = (Path(__file__).parents[1] / page).read_text("utf-8")
    blocks = re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    shown = [block for block in blocks if block.startswith(begin)]
    assert shown
    assert any("\nextends:" in f"\n{block}" and "overrides:" in block for block in shown)
    for block in shown:
        policy = read_policy("p.yaml", block.encode())
        assert policy.origins or policy.overrides or block.startswith("#"), block
        CHECK.validate(yaml.load(block, Loader=yaml.BaseLoader))  # until is a text to us
