"""Policy files: every key, and what is said of everything else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rke2_policies import policy_file
from rke2_policies.finding import Severity
from rke2_policies.policy import DEFAULT, Admission, Exemption, Policy, matches
from rke2_policies.policy_file import PolicyError, read_policy

BASELINES = Path(policy_file.__file__).parent / "baselines"


def read(text: str) -> Policy:
    """Return a policy without saying where it says what."""
    return read_policy("p.yaml", text.encode())._replace(origins={})


def said(text: str | bytes) -> str:
    """Return what is said of a policy that cannot be used."""
    data = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(PolicyError) as caught:
        read_policy("p.yaml", data)
    return str(caught.value)


def test_the_default_baseline_is_the_default() -> None:
    path = BASELINES / "default.yaml"
    assert read_policy(str(path), path.read_bytes())._replace(origins={}) == DEFAULT


@pytest.mark.parametrize("path", sorted(BASELINES.iterdir()), ids=lambda path: path.name)
def test_every_baseline_can_be_read(path: Path) -> None:
    assert read_policy(str(path), path.read_bytes()).name


def admission(**fields: object) -> Policy:
    return DEFAULT._replace(admission=Admission(**fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        pytest.param("", DEFAULT, id="empty"),
        pytest.param("# nothing\n", DEFAULT, id="a comment"),
        pytest.param("---\n", DEFAULT, id="a document of nothing"),
        pytest.param("{}", DEFAULT, id="an empty mapping"),
        pytest.param("extends: default", DEFAULT, id="extends"),
        pytest.param("extends:", DEFAULT, id="extends nothing"),
        pytest.param("name: fleet", DEFAULT._replace(name="fleet"), id="name"),
        pytest.param("name:", DEFAULT, id="name null"),
        pytest.param("levels:\nexempt:\nwebhook:\n", DEFAULT, id="all null"),
        pytest.param(
            "levels: {missing-nft-pin: 'off'}",
            DEFAULT._replace(levels={"missing-nft-pin": None}),
            id="off",
        ),
        pytest.param(
            "levels: {missing-nft-pin: off}",
            DEFAULT._replace(levels={"missing-nft-pin": None}),
            id="off, which YAML reads as false",
        ),
        pytest.param(
            "levels: {missing-nft-pin: note, legacy-backend: warning, syntax: error}",
            DEFAULT._replace(
                levels={
                    "missing-nft-pin": Severity.NOTE,
                    "legacy-backend": Severity.WARNING,
                    "syntax": Severity.ERROR,
                }
            ),
            id="levels",
        ),
        pytest.param(
            "exempt:\n- {rule: legacy-backend, where: a/b, reason: old hosts}",
            DEFAULT._replace(exempt=(Exemption("legacy-backend", "a/b", "old hosts", None),)),
            id="exempt",
        ),
        pytest.param(
            "exempt:\n- {rule: syntax, where: a/*, reason: x, until: 2027-03-31}",
            DEFAULT._replace(exempt=(Exemption("syntax", "a/*", "x", "2027-03-31"),)),
            id="exempt until",
        ),
        pytest.param("exempt: []", DEFAULT, id="nothing exempt"),
        pytest.param("webhook: {}", DEFAULT, id="webhook empty"),
        pytest.param("webhook: {onCreate: warn}", admission(on_create="warn"), id="onCreate"),
        pytest.param("webhook: {onCreate: off}", admission(on_create="off"), id="onCreate off"),
        pytest.param(
            "webhook: {onUpdate: inject}", admission(on_update="inject"), id="onUpdate inject"
        ),
        pytest.param("webhook: {onUpdate: off}", admission(on_update="off"), id="onUpdate off"),
        pytest.param("webhook: {onUpdate: null}", DEFAULT, id="onUpdate null"),
        pytest.param(
            "webhook: {patch: [missing-nft-pin]}", admission(patch=("missing-nft-pin",)), id="patch"
        ),
        pytest.param("webhook: {patch: []}", admission(patch=()), id="no patch"),
        pytest.param(
            "webhook: {deny: [legacy-backend]}", admission(deny=("legacy-backend",)), id="deny"
        ),
        pytest.param(
            "webhook: {ignoreUsers: [ci, 'system:admin']}",
            admission(ignore_users=("ci", "system:admin")),
            id="ignoreUsers",
        ),
        pytest.param("\ufeffname: fleet\r\n", DEFAULT._replace(name="fleet"), id="BOM and CRLF"),
    ],
)
def test_a_policy_says_what_is_wanted(text: str, policy: Policy) -> None:
    assert read(text) == policy


@pytest.mark.parametrize("word", ["inject", "warn", "off"])
def test_every_word_of_on_create(word: str) -> None:
    assert read(f"webhook: {{onCreate: {word}}}").admission.on_create == word


@pytest.mark.parametrize("word", ["with-rollout", "warn", "inject", "off"])
def test_every_word_of_on_update(word: str) -> None:
    assert read(f"webhook: {{onUpdate: {word}}}").admission.on_update == word


def test_a_policy_adds_to_the_one_that_it_extends() -> None:
    one = Exemption("syntax", "a/b", "x", None)
    base = Policy(
        "fleet",
        {"syntax": None, "legacy-backend": Severity.NOTE},
        exempt=(one,),
        admission=Admission(on_create="warn", deny=("syntax",)),
    )
    text = """\
extends: fleet
levels: {legacy-backend: error}
exempt: [{rule: syntax, where: c/d, reason: z}]
webhook: {onUpdate: warn}
"""
    read_one = read_policy("p.yaml", text.encode(), {"fleet": base}.__getitem__)
    assert read_one._replace(origins={}) == Policy(
        "fleet",
        {"syntax": None, "legacy-backend": Severity.ERROR},
        exempt=(one, Exemption("syntax", "c/d", "z", None)),
        admission=Admission(on_create="warn", on_update="warn", deny=("syntax",)),
    )
    assert base.levels == {"syntax": None, "legacy-backend": Severity.NOTE}


WRONG = [
    pytest.param("- a", "p.yaml:1: a policy is a mapping", id="a list"),
    pytest.param("a", "p.yaml:1: a policy is a mapping", id="a text"),
    pytest.param(
        "\n\nlevel: {}", "p.yaml:3: there is no key level; did you mean levels?", id="key"
    ),
    pytest.param(
        "exmept: []", "p.yaml:1: there is no key exmept; did you mean exempt?", id="key, swapped"
    ),
    pytest.param(
        "colour: red",
        "p.yaml:1: there is no key colour; there are name, extends, levels, params, overrides, "
        "include, exclude, fixable, unfixable, exempt, webhook",
        id="key like no other",
    ),
    pytest.param("1: a", "p.yaml:1: there is no key 1; there are", id="key a number"),
    pytest.param("name: [a]", "p.yaml:1: name is a string", id="name"),
    pytest.param("name: 7", "p.yaml:1: name is a string: quote it", id="name a number"),
    pytest.param("name: {}", "p.yaml:1: name is a string", id="name an empty mapping"),
    pytest.param("name: 0", "p.yaml:1: name is a string", id="name zero"),
    pytest.param(
        "extends: strict2", "p.yaml:1: there is no policy strict2 to extend", id="extends"
    ),
    pytest.param("extends: [default]", "p.yaml:1: extends is a string", id="extends a list"),
    pytest.param("levels: [syntax]", "p.yaml:1: levels is a mapping", id="levels"),
    pytest.param(
        "levels:\n  syntax: note\n  missing-nft-pins: off",
        "p.yaml:3: there is no rule missing-nft-pins; did you mean missing-nft-pin?",
        id="rule",
    ),
    pytest.param(
        "levels: {zebra: off}",
        "p.yaml:1: there is no rule zebra; `rke2-lint rule` lists them",
        id="no rule near",
    ),
    pytest.param(
        "levels: {missing-pin: off}",
        "p.yaml:1: there is no rule missing-pin; did you mean missing-nft-pin?",
        id="a word left out",
    ),
    pytest.param(
        "levels: {all: off}",
        "p.yaml:1: there is no rule all; `rke2-lint rule` lists them",
        id="the end of a rule's name",
    ),
    pytest.param(
        "params: {required-settings: {kube-proxy-env: [A=b]}}",
        "p.yaml:1: there is no setting kube-proxy-env; did you mean kube-proxy-extra-env?",
        id="a word of a setting left out",
    ),
    pytest.param(
        "levels:\n  syntax: warnin",
        "p.yaml:2: levels.syntax is one of off, note, warning, error, not warnin; "
        "did you mean warning?",
        id="level",
    ),
    pytest.param(
        "levels:\n  syntax: {a: b}",
        "p.yaml:2: levels.syntax is one of off, note, warning, error",
        id="level a mapping",
    ),
    pytest.param(
        "levels:\n  syntax:", "p.yaml:2: levels.syntax is one of off, note", id="level null"
    ),
    pytest.param("levels: {syntax: on}", "p.yaml:1: levels.syntax is one of off", id="level on"),
    pytest.param("exempt: {rule: syntax}", "p.yaml:1: exempt is a list", id="exempt"),
    pytest.param("exempt:\n- syntax", "p.yaml:2: exempt.0 is a mapping", id="exemption a text"),
    pytest.param("exempt:\n-", "p.yaml:2: an exemption needs a rule", id="exemption null"),
    pytest.param(
        "exempt:\n- {rule: syntax, where: a}", "p.yaml:2: an exemption needs a reason", id="reason"
    ),
    pytest.param(
        "exempt:\n- {rule: syntax, where: a, reason: ' '}",
        "p.yaml:2: exempt.0.reason is empty",
        id="reason blank",
    ),
    pytest.param(
        "exempt:\n- {rule: syntax, reason: a}", "p.yaml:2: an exemption needs a where", id="where"
    ),
    pytest.param(
        "exempt:\n- {where: a, reason: a}", "p.yaml:2: an exemption needs a rule", id="no rule"
    ),
    pytest.param(
        "exempt:\n- rule: syntx\n  where: a\n  reason: a",
        "p.yaml:2: there is no rule syntx; did you mean syntax?",
        id="exempt rule",
    ),
    pytest.param(
        "exempt:\n- rule: [syntax]\n  where: a\n  reason: a",
        "p.yaml:2: exempt.0.rule is a string",
        id="exempt rule a list",
    ),
    pytest.param(
        "exempt:\n- rule: syntax\n  where: 7\n  reason: a",
        "p.yaml:3: exempt.0.where is a string",
        id="where a number",
    ),
    pytest.param(
        "exempt:\n- rule: syntax\n  where: a\n  raeson: a",
        "p.yaml:4: there is no key raeson; did you mean reason?",
        id="exemption's key",
    ),
    pytest.param(
        "exempt:\n- {rule: syntax, where: a, reason: a, until: 2027-13-01}",
        "p.yaml:2: exempt.0.until is a day, such as 2027-03-31",
        id="until, no month",
    ),
    pytest.param(
        "exempt:\n- {rule: syntax, where: a, reason: a, until: 2027-02-30}",
        "p.yaml:2: exempt.0.until is a day, such as 2027-03-31",
        id="until, no day of that month",
    ),
    pytest.param(
        "exempt:\n- {rule: syntax, where: a, reason: a, until: 2027}",
        "p.yaml:2: exempt.0.until is a day",
        id="until a year",
    ),
    pytest.param(
        "exempt:\n- {rule: syntax, where: a, reason: a, until: ''}",
        "p.yaml:2: exempt.0.until is a day",
        id="until empty",
    ),
    pytest.param("webhook: inject", "p.yaml:1: webhook is a mapping", id="webhook"),
    pytest.param(
        "webhook:\n  oncreate: warn",
        "p.yaml:2: there is no key oncreate; did you mean onCreate?",
        id="webhook's key",
    ),
    pytest.param(
        "webhook:\n  on_update: warn",
        "p.yaml:2: there is no key on_update; did you mean onUpdate?",
        id="webhook's key with an underscore",
    ),
    pytest.param(
        "webhook:\n  onCreate: with-rollout",
        "p.yaml:2: webhook.onCreate is one of inject, warn, off, not with-rollout",
        id="onCreate",
    ),
    pytest.param(
        "webhook:\n  onUpdate: with-rolout",
        "p.yaml:2: webhook.onUpdate is one of with-rollout, warn, inject, off, not with-rolout; "
        "did you mean with-rollout?",
        id="onUpdate",
    ),
    pytest.param(
        "webhook:\n  patch:\n  - missing-nft-pn",
        "p.yaml:3: there is no rule missing-nft-pn; did you mean missing-nft-pin?",
        id="patch",
    ),
    pytest.param("webhook: {patch: all}", "p.yaml:1: webhook.patch is a list", id="patch a text"),
    pytest.param(
        "webhook: {patch: [[syntax]]}", "p.yaml:1: webhook.patch.0 is a string", id="patch a list"
    ),
    pytest.param("webhook: {deny: [legacy]}", "p.yaml:1: there is no rule legacy", id="deny"),
    pytest.param(
        "webhook: {ignoreUsers: [7]}", "p.yaml:1: webhook.ignoreUsers.0 is a string", id="user"
    ),
    pytest.param(
        "levels: {}\nlevels: {syntax: off}", "p.yaml:1: levels is said twice", id="a key twice"
    ),
    pytest.param(
        "levels:\n  syntax: off\n  syntax: error", "p.yaml:2: syntax is said twice", id="rule twice"
    ),
    pytest.param("a: 1\n---\nb: 2", "p.yaml:3: a policy is one YAML document", id="two documents"),
    pytest.param(
        "name: a\nlevels: {{ .Values.levels }}",
        "p.yaml:2: a policy is no template",
        id="a template",
    ),
    pytest.param("name: x\nlevels: [", "p.yaml:2: ", id="broken"),
    pytest.param("name: *nobody", "p.yaml:1: ", id="no anchor"),
    pytest.param(b"name: \xff\xfe", "p.yaml:1: ", id="not UTF-8"),
    pytest.param(b"name: a\x00b", "p.yaml:1: ", id="a zero byte"),
    pytest.param("name: ''", "p.yaml:1: name is empty", id="name empty"),
    pytest.param("[" * 100_000, "p.yaml:1: ", id="nested without end"),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_what_is_wrong_is_said_with_its_line(text: str | bytes, message: str) -> None:
    found = said(text)
    assert found.startswith(message)
    assert "\n" not in found
    assert len(found) < 500


LAUGHS = "a: &a [x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)},*{chr(97 + i)}]\n" for i in range(20)
)


def test_aliases_do_not_multiply() -> None:
    assert "aliasing" in said(LAUGHS)


PARTS = st.sampled_from(
    [
        *("name", "extends", "default", "levels", "exempt", "webhook", "rule", "where", "until"),
        *("params", "backend", "legacy", "required-settings", "profile", "overrides", "clusters"),
        *("labels", "matchLabels", "paths", "exclude", "fixable", "strict", "value", "role", "a/b"),
        *("reason", "onCreate", "patch", "syntax", "off", ": ", ":\n", "\n", "  ", "- ", "{", "}"),
        *("[", "]", ",", "'", '"', "&a", "*a", "!!", "#", "|", "<<", "---", "\t", "é", "\x00", "1"),
    ]
)


@given(st.lists(PARTS, max_size=30).map("".join) | st.text())
@settings(max_examples=200, deadline=None)
def test_only_policy_errors_are_raised(text: str) -> None:
    reads_or_refuses(text.encode("utf-8", "surrogatepass"))


@given(st.binary(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    reads_or_refuses(data)


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | PARTS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PARTS, inner, max_size=3),
    max_leaves=12,
)


@given(TREES)
@settings(max_examples=200, deadline=None)
def test_any_tree_is_read_or_refused(tree: Any) -> None:
    reads_or_refuses(tree)


@pytest.mark.parametrize("key", ["'a\\nb'", '"a\\nb"', '"\\e[31mred"', "x" * 5000, '"\\u2028"'])
def test_an_error_is_one_line_of_what_can_be_printed(key: str) -> None:
    found = said(f"{key}: 1")
    assert found.isprintable()
    assert len(found) < 500


def reads_or_refuses(data: Any) -> None:
    message = ""
    try:
        assert isinstance(read_policy("p.yaml", data), Policy)
    except PolicyError as error:
        message = str(error)
    assert "\n" not in message
    assert not message or message.startswith("p.yaml:")


# What a policy means.


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("a/b", "a/b", True),
        ("a/b", "a/bc", False),
        ("a/*", "a/", True),
        ("a/*", "a/b/c", True),
        ("*", "", True),
        ("", "", True),
        ("", "a", False),
        ("?", "", False),
        ("a?c", "abc", True),
        ("*b*", "abc", True),
        ("*b*c", "abcabc", True),
        ("*b*c", "abcab", False),
        ("[a]", "a", False),
        ("a**b", "ab", True),
        ("*a" * 40, "a" * 39, False),
    ],
)
def test_patterns_know_two_characters(pattern: str, text: str, *, fits: bool) -> None:
    assert matches(pattern, text) is fits


def test_an_exemption_ends_with_its_day() -> None:
    one = Exemption("syntax", "a/*", "x", "2027-03-31")
    assert one.holds("syntax", "a/b", "2027-03-31")
    assert not one.holds("syntax", "a/b", "2027-04-01")
    assert not one.holds("syntax", "b/b", "2027-03-31")
    assert not one.holds("legacy-backend", "a/b", "2027-03-31")


def test_what_a_policy_asks() -> None:
    policy = Policy("p", {"syntax": Severity.NOTE, "legacy-backend": None}, others=False)
    assert [policy.asks(rule) for rule in ("syntax", "legacy-backend", "missing-nft-pin")] == [
        True, False, False,
    ]  # fmt: skip
    assert DEFAULT.asks("missing-nft-pin")
