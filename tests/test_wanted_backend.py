"""Is a policy that wants legacy the mirror of one that wants nft, for every rule's every example?"""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from rke2_policies import pin
from rke2_policies.catalog import rules
from rke2_policies.engine import Report, evaluate, plan
from rke2_policies.environment_file import read as read_environment
from rke2_policies.file import Broken, File
from rke2_policies.finding import Safety
from rke2_policies.machine import Machine
from rke2_policies.policy import DEFAULT, Params, Policy
from rke2_policies.recognise import is_environment, is_ours
from rke2_policies.rule import AnyRule, Example
from rke2_policies.yaml_source import Source

LEGACY = DEFAULT._replace(params=Params("legacy"))
MIRROR = {
    "nft": "legacy",
    "NFT": "LEGACY",
    "legacy": "nft",
    "LEGACY": "NFT",
    "nftables": "iptables-legacy",
    "nf_tables": "xtables-legacy",
}
WORD = re.compile(r"(?<![\w-])(nftables|nf_tables|nft|NFT|legacy|LEGACY)(?![\w-])")
EXAMPLES = [
    pytest.param(rule, example, id=f"{rule.id}-{number}")
    for rule in rules().values()
    for number, example in enumerate(rule.examples, 1)
    # felixIptablesBackend is not ours, and `proxy-mode` is another nftables.
    if rule.id not in ("pin-in-helm-chart-config", "nftables-proxy-mode")
]


def mirrored(text: str) -> str:
    """Return a text with each backend in the other one's place."""
    return WORD.sub(lambda found: MIRROR[found[1]], text)


def evaluated(texts: Mapping[str, str], policy: Policy) -> Report:
    files = []
    for path, text in texts.items():
        data = text.encode()
        if is_environment(path):
            files.append(File(path, read_environment(path, data).documents))
            continue
        source = Source.read(path, data)
        broken = [
            Broken.at(path, one.document, one.span, one.message)
            for one in source.problems
            if is_ours(path, data)
        ]
        files.append(File(path, source.documents, broken=tuple(broken)))
    return evaluate(files, policy)


def told(report: Report) -> list[tuple[object, ...]]:
    """Return what is told, in words that are the same for both backends."""
    return [
        (
            one.rule,
            one.severity,
            one.problem.place.document,
            one.problem.place.route,
            one.problem.explains,
            one.problem.fix and (one.problem.fix.safety, len(one.problem.fix.edits)),
            one.machines,
        )
        for one in report.findings
    ]


def fixed(report: Report) -> list[str]:
    plans = plan(report.findings, Safety.SHOWN)
    return [repr(edit) for fixes in plans.values() for fix in fixes for edit in fix.edits]


def verdict(machine: Machine) -> str:
    # Nothing but the name of a pin to the other backend is different.
    return "other" if machine.is_pinned_otherwise else machine.verdict


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
@pytest.mark.parametrize("when", ["before", "after"])
def test_the_policy_that_wants_legacy_is_the_mirror(
    rule: AnyRule, example: Example, when: str
) -> None:
    texts = example.before if when == "before" else {**example.before, **example.after}
    nft = evaluated(texts, DEFAULT)
    legacy = evaluated({path: mirrored(text) for path, text in texts.items()}, LEGACY)
    assert told(legacy) == told(nft)
    assert list(map(verdict, legacy.machines)) == list(map(verdict, nft.machines))
    assert fixed(legacy) == [mirrored(edit) for edit in fixed(nft)]


def test_no_message_about_the_pin_names_the_other_backend() -> None:
    """What is written to people speaks of the backend that is wanted for their machine."""
    rule = "legacy-backend"  # It has to name both.
    for param in EXAMPLES:
        texts = param.values[1].before
        report = evaluated({path: mirrored(text) for path, text in texts.items()}, LEGACY)
        for finding in report.findings:
            said = finding.problem.message + (
                finding.problem.fix.title if finding.problem.fix else ""
            )
            if finding.rule != rule:
                assert "IPTABLES_MODE=nft" not in said, finding
                assert "to nft" not in said, finding


@pytest.mark.parametrize(
    ("wanted", "value", "comes_to"),
    [
        (pin.NFT, "nft", "pinned"),
        (pin.NFT, " nft", "pinned"),
        (pin.NFT, "nft -f", "pinned"),
        (pin.NFT, "legacy", "other"),
        (pin.NFT, "legacy -f", "other"),
        (pin.NFT, "NFT", "broken"),
        (pin.NFT, "", "unpinned"),
        (pin.LEGACY, "legacy", "pinned"),
        (pin.LEGACY, "nft", "other"),
        (pin.LEGACY, "Legacy", "broken"),
        (pin.LEGACY, "", "unpinned"),
    ],
)
def test_what_a_value_comes_to(wanted: pin.Pin, value: str, comes_to: str) -> None:
    assert wanted.judge(value) == comes_to


@pytest.mark.parametrize("value", ["Legacy", '"legacy"', "iptables-legacy", " LEGACY "])
def test_what_plainly_means_legacy_is_respelt_safely(value: str) -> None:
    text = f"kube-proxy-extra-env: ['IPTABLES_MODE={value}']\n"
    report = evaluated({"etc/rancher/rke2/config.yaml": text}, LEGACY)
    (finding,) = report.findings
    if value.strip() == "legacy":
        assert finding.rule == "spaced-value"
    else:
        assert finding.rule == "invalid-backend"
    assert finding.problem.fix is not None
    assert finding.problem.fix.safety is Safety.SAFE
    assert finding.problem.fix.title == "write IPTABLES_MODE=legacy"
