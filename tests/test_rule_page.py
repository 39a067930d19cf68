"""Do `rule --format markdown` and `rule --format json` say all that a rule's page says?"""

from __future__ import annotations

import json
import re

import pytest

from rke2_lint.cli import main
from rke2_lint.explain import why
from rke2_lint.rule_page import readable
from rke2_policies.catalog import live_rules, names, rules
from rke2_policies.rule import AnyRule

RULES = [pytest.param(rule, id=rule.id) for rule in (*rules().values(), *live_rules().values())]
FENCED = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["rule", *arguments]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


@pytest.mark.parametrize("rule", RULES)
def test_markdown_keeps_every_word_and_every_block(
    rule: AnyRule, capsys: pytest.CaptureFixture[str]
) -> None:
    page = said(capsys, "--format", "markdown", rule.id)
    assert page.startswith(f"# {rule.id}\n\n**{rule.severity.name.lower()}**: {rule.summary}\n\n")
    blocks: list[str] = []
    for part in rule.parts:
        if isinstance(part, str):
            blocks += FENCED.findall(readable(part))
        else:
            blocks += [*part.before.values(), *part.after.values()]
    assert FENCED.findall(page) == blocks
    for part in rule.parts:
        if isinstance(part, str):
            assert f"\n\n{readable(part)}\n" in page
    assert page.endswith("\n")
    assert "\n\n\n" not in FENCED.sub("block", page), "one empty line between paragraphs"


@pytest.mark.parametrize("rule", RULES)
def test_the_parts_of_a_page_are_the_page(rule: AnyRule) -> None:
    """Nothing that stands on the page is lost between its paragraphs and its examples."""
    words = " ".join(part if isinstance(part, str) else "" for part in rule.parts).split()
    page = re.sub(
        r"^```yaml (?:before|after|good).*?^```$", "", rule.doc, flags=re.MULTILINE | re.DOTALL
    )
    assert [*rule.summary.split(), *words] == page.split()


@pytest.mark.parametrize("rule", RULES)
def test_no_mark_of_ours_is_left_on_a_block(
    rule: AnyRule, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody else knows `yaml policy` or `dump found env`."""
    infos = re.findall(r"^```(.+)$", said(capsys, "--format", "markdown", rule.id), re.MULTILINE)
    assert set(infos) <= {"yaml", "text"}


def test_json_has_the_examples_by_file(capsys: pytest.CaptureFixture[str]) -> None:
    told = json.loads(said(capsys, "--format", "json", "drop-in-drops-pin", "syntax"))
    assert told["version"] == 1
    assert [rule["name"] for rule in told["rules"]] == ["drop-in-drops-pin", "syntax"]
    first = told["rules"][0]
    assert first["severity"] == "error"
    assert first["explanation"].startswith("RKE2 reads `config.yaml`, and then")
    assert first["examples"][0] == {
        "about": None,
        "kind": "bad",
        "files": {
            "etc/rancher/rke2/config.yaml": "kube-proxy-extra-env:\n  - IPTABLES_MODE=nft\n",
            "etc/rancher/rke2/config.yaml.d/20-proxy.yaml": (
                "# less memory on small nodes\nkube-proxy-extra-env:\n  - GOGC=50\n"
            ),
        },
        "fixed": {
            "etc/rancher/rke2/config.yaml.d/20-proxy.yaml": (
                "# less memory on small nodes\nkube-proxy-extra-env:\n"
                "  - GOGC=50\n  - IPTABLES_MODE=nft\n"
            ),
        },
    }
    assert {"good"} == {one["kind"] for one in first["examples"] if one["fixed"] is None} - {"bad"}


def test_json_says_with_each_example_what_the_page_says_before_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    [rule] = json.loads(said(capsys, "--format", "json", "missing-nft-pin"))["rules"]
    assert rule["explanation"].endswith("makes the pin a legacy one.")
    about = [one["about"] for one in rule["examples"]]
    assert about[:2] == [
        None,
        "A selector for the workers leaves the other machines without the pin:",
    ]


@pytest.mark.parametrize("rule", RULES)
def test_json_loses_no_word_of_the_page(rule: AnyRule, capsys: pytest.CaptureFixture[str]) -> None:
    [told] = json.loads(said(capsys, "--format", "json", rule.id))["rules"]
    words = sorted(
        " ".join([told["explanation"], *(one["about"] or "" for one in told["examples"])]).split()
    )
    prose = [readable(part) for part in rule.parts if isinstance(part, str)]
    assert words == sorted(" ".join(prose).split())


def test_without_a_name_all_rules_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert [rule["name"] for rule in json.loads(said(capsys, "--format", "json"))["rules"]] == list(
        names()
    )
    pages = said(capsys, "--output-format", "markdown")
    assert re.findall(r"^# (\S+)$", FENCED.sub("", pages), re.MULTILINE) == list(names())


def test_text_is_what_is_said_where_nothing_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "--format", "text", "syntax") == said(capsys, "syntax")


def test_an_unknown_rule_is_wrong_use_in_every_format(capsys: pytest.CaptureFixture[str]) -> None:
    for form in ("text", "markdown", "json"):
        assert main(["rule", "--format", form, "missing-nft-pn"]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert "did you mean missing-nft-pin?" in captured.err


@pytest.mark.parametrize("rule", RULES)
def test_what_stands_below_a_finding_are_whole_sentences(rule: AnyRule) -> None:
    assert why(rule.id).endswith("."), "the words that lead to an example are left out"
