"""Is every report what its readers take, whatever the files and their names say?

Each format is held against its own schema (tests/schemas), over the examples, over the scenarios of
tests/golden, over nothing, and over files that mean harm. Every check is seen to refuse a broken
report: a check that refuses nothing checks nothing.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from rke2_lint.cli import main
from rke2_lint.outcome import Outcome
from rke2_lint.paint import Paint
from rke2_lint.remarks import (
    Change,
    Line,
    Region,
    Related,
    Remark,
    Suggestion,
    Suppressed,
    TextEdit,
)  # fmt: skip
from rke2_lint.reporters import FORMATS, format_named

HERE = Path(__file__).parent
SCHEMAS = HERE / "schemas"
GOLDEN = HERE / "golden"
EXAMPLES = HERE.parent / "examples"

# What harms a terminal, a log, a table, a page, a shell, or somebody who is called in vain.
EVIL = (
    "%0A::error::x ::add-mask::a ##vso[task.setvariable variable=PATH]x ##[error]y ]]> </script "
    "<img src=x onerror=alert(1)// & | `code` ``` ~~~ **b** [a](http://e.example) www.e.example @org/team #1 "
    "!2 $3 :tada: \\ ;] , : ' é 𐐀 \u202e \u2028 \x1b[31m \x07"
)
CLUSTER = """\
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {{name: {name}, namespace: fleet-default}}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env: [{entry}]   # é 𐐀 ##vso[task.uploadfile]/etc/passwd
    machinePools:
      - {{name: {name}, controlPlaneRole: true, etcdRole: true, workerRole: true, quantity: 1}}
"""
SECRET = "correct-horse-battery"
NAMES = (
    "%0A::error::x.yaml", "::error file=a,line=1::x.yaml", "##vso[task.complete]x.yaml", "]]>.yaml",
    "<script>alert(1)<script>.yaml", "a|b`c`.yaml", "%,@org,team.yaml", "a;b]c.yaml",
    "-rf.yaml", "é 𐐀.yaml", "new\nline.yaml", "\x1b[31m.yaml", "& \"'.yaml",
)  # fmt: skip


def quoted(text: str) -> str:
    """Return text as YAML's double quotes have it."""
    signs = (sign if ord(sign) > 0xFFFF else json.dumps(sign)[1:-1] for sign in text)
    return f'"{"".join(signs)}"'


def write_hostile(folder: Path) -> None:
    for number, name in enumerate(NAMES):
        if sys.platform == "win32" and re.search(r'[<>:"|?*\x00-\x1f]', name):
            continue
        entry = f"IPTABLES_MODE={EVIL}" if number % 2 else "FOO=bar"
        text = CLUSTER.format(name=quoted(EVIL), entry=quoted(entry))
        (folder / name).write_text(text, encoding="utf-8")
    if sys.platform == "linux":
        (folder / os.fsdecode(b"\xff.yaml")).write_text(CLUSTER.format(name="a", entry="A=b"))
    half = CLUSTER.format(name='"\\ud800"', entry='"IPTABLES_MODE=\\ud800"')
    (folder / "half.yaml").write_text(half)
    node = folder / "0" / "etc" / "rancher" / "rke2"
    node.mkdir(parents=True)
    (node / "config.yaml").write_text(f"token: {SECRET}\nkube-proxy-extra-env: [A=b]\n")


def write_clean(folder: Path) -> None:
    (folder / "clean.yaml").write_text(CLUSTER.format(name="a", entry="IPTABLES_MODE=nft"))


def write_nothing(_: Path) -> None:
    """Leave the folder empty."""


def copy_of(origin: Path) -> Callable[[Path], None]:
    return lambda folder: shutil.copytree(origin, folder, dirs_exist_ok=True) and None


INPUTS: dict[str, Callable[[Path], None]] = {
    "nothing": write_nothing,
    "clean": write_clean,
    "examples": copy_of(EXAMPLES),
    **{one.name: copy_of(one / "input") for one in sorted(GOLDEN.iterdir())},
    "hostile": write_hostile,
}


@pytest.fixture(params=INPUTS)
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder with files to look at."""
    INPUTS[request.param](tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return tmp_path


@pytest.fixture
def report(folder: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[str], str]:
    """Return the report of a format on the files here."""

    def render(name: str) -> str:
        main(["--output-format", name, "."])
        return str(capsys.readouterr().out)

    return render


# --- what is checked, format by format


def check_json_schema(name: str, instance: Any, part: str = "") -> None:
    schema = json.loads((SCHEMAS / name).read_text(encoding="utf-8"))
    if part:
        schema = {**schema, "$ref": part}
        schema = {key: schema[key] for key in ("$schema", "$ref", "definitions")}
    jsonschema.validate(
        instance, schema, cls=jsonschema.validators.validator_for(schema),
        format_checker=jsonschema.FormatChecker(),
    )  # fmt: skip


def check_json(text: str) -> None:
    assert text.isascii()
    check_json_schema("findings.json", json.loads(text))


def check_jsonl(text: str) -> None:
    for line in text.splitlines():
        check_json_schema("findings.json", json.loads(line), "#/definitions/finding")


def check_sarif(text: str) -> None:
    log = json.loads(text)
    check_json_schema("sarif-2.1.0.json", log)
    [run] = log["runs"]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        region = result["locations"][0]["physicalLocation"]["region"]
        start, end = (region[f"{at}Line"] for at in ("start", "end"))
        assert (start, region["startColumn"]) <= (end, region["endColumn"])
    # All results say whether they are suppressed, or none does (SARIF 3.27.23).
    assert len({"suppressions" in result for result in run["results"]}) <= 1
    marks = [result["partialFingerprints"]["place/v1"] for result in run["results"]]
    assert len(set(marks)) == len(marks)


def check_github(text: str) -> None:
    """Read as the runner does: a command begins a line, and ends with it."""
    levels = []
    for line in text.split("\n"):
        if not line.lstrip().startswith("::"):
            assert re.fullmatch(r"(?:[\d,]+ more: .*)?", line)
            continue
        found = re.fullmatch(r"::(error|warning|notice) ([^:]*)::(.+)", line)
        assert found, line
        properties = dict(one.split("=", 1) for one in found[2].split(","))
        assert {"file", "line", "endLine", "col", "title"} <= set(properties)
        assert int(properties["line"]) >= 1
        assert "\r" not in line
        # A per cent sign is an escape, and nothing else.
        assert not re.search(r"%(?!25|0D|0A|3A|2C)", line)
        levels.append(found[1])
    assert levels == sorted(levels, key=("error", "warning", "notice").index)
    assert all(levels.count(level) <= 10 for level in levels)


def check_gitlab(text: str) -> None:
    findings = json.loads(text)
    check_json_schema("gitlab-code-quality.json", findings)
    marks = [one["fingerprint"] for one in findings]
    assert len(set(marks)) == len(marks)


def check_junit(text: str) -> None:
    xmlschema.XMLSchema(SCHEMAS / "junit-10.xsd").validate(text)
    root = ElementTree.fromstring(text)
    for count, kind in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
        assert int(root.get(count, "")) == len(root.findall(f".//{kind}"))
        for suite in root:
            assert int(suite.get(count, "")) == len(suite.findall(f".//{kind}"))


def check_azure(text: str) -> None:
    """Read as the agent does: a command is anywhere in a line, up to the first bracket."""
    for line in text.split("\n"):
        if "##vso[" not in line.lower():
            assert "##[" not in line
            assert not line or line.startswith("note: ")
            continue
        found = re.fullmatch(r"##vso\[task\.logissue ((?:\w+=[^;\]]*;)+)\](.+)", line)
        assert found, line
        properties = dict(one.split("=", 1) for one in found[1].rstrip(";").split(";"))
        assert properties["type"] in ("error", "warning")
        assert int(properties["linenumber"]) >= 1
        assert {"sourcepath", "columnnumber", "code"} < set(properties)
        # A per cent sign is an escape, and nothing else.
        assert not re.search(r"%(?!AZP25|0D|0A|5D|3B)", line)


def check_rdjsonl(text: str) -> None:
    for line in text.splitlines():
        diagnostic = json.loads(line)
        check_json_schema("rdjson-diagnostic.json", diagnostic, "#/definitions/Diagnostic")
        assert diagnostic["message"]
        assert diagnostic["location"]["range"]["start"]["line"] >= 1
        for one in diagnostic.get("suggestions", []):
            # reviewdog makes one suggestion of lines of one comment.
            assert one["range"]["start"]["line"] <= one["range"]["end"]["line"]


def check_markdown(text: str) -> None:
    """Read as GitHub does: our table, our folds, our code, and otherwise nothing but text."""
    assert text.startswith("<!-- rke2-lint -->\n### rke2-lint: ")
    assert len(text) <= 65_536
    read = MarkdownIt("gfm-like", {"html": True}).parse(text)
    for token in read:
        if token.type == "html_block":
            assert re.fullmatch(
                r"<!-- rke2-lint -->\n|</details>\n"
                r"|<details><summary>🔧 [^<>]*<code>[^<>]*</code></summary>\n",
                token.content,
            ), token.content
        for inner in token.children or []:
            assert inner.type in ("text", "code_inline"), (inner.type, inner.content)
            if inner.type == "text":
                assert_calls_nobody(inner.content)
    cells = [
        read[at + 1].children or [] for at, token in enumerate(read) if token.type == "td_open"
    ]
    assert len(cells) % 4 == 0
    for sign, where, _, rule in zip(*([iter(cells)] * 4), strict=True):
        assert sign[0].content in "🔴🟡🔵"
        assert [one.type for one in (*where, *rule)] == ["code_inline"] * 2


def assert_calls_nobody(text: str) -> None:
    assert not re.search(r"(?<![\w`])[@#!$%&~](?=[\w\"])", text), text
    assert "://" not in text
    assert "www." not in text
    assert not re.search(r":[a-z+-][a-z0-9_+-]*:", text), text


def check_github_suggestions(text: str) -> None:
    review = json.loads(text)
    check_json_schema("github-review.json", review)
    assert review["event"] == "COMMENT"
    for one in review["comments"]:
        assert set(one) <= {"path", "line", "side", "start_line", "start_side", "body"}
        assert one["side"] == "RIGHT"
        assert 1 <= one.get("start_line", 0) < one["line"] or "start_line" not in one
        assert ("start_line" in one) == ("start_side" in one)
        assert not one["path"].startswith(("./", "/"))
        said, mark, offered = one["body"].partition("```")
        for token in MarkdownIt("gfm-like", {"html": True}).parse(said):
            assert token.type != "html_block"
            for inner in token.children or []:
                assert inner.type in (
                    "text", "code_inline", "strong_open", "strong_close", "softbreak",
                ), (inner.type, inner.content)  # fmt: skip
                if inner.type == "text":
                    assert_calls_nobody(inner.content)
        if mark:
            [block] = MarkdownIt().parse(mark + offered)
            assert (block.type, block.info) == ("fence", "suggestion")


def check_people(text: str) -> None:
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u2028]", text)
    assert not re.search(r"(?i)##(vso)?\[", text)
    assert not re.search(r"(?im)^\s*::[a-z]", text)


CHECKS: dict[str, Callable[[str], None]] = {
    "full": check_people,
    "concise": check_people,
    "grouped": check_people,
    "json": check_json,
    "jsonl": check_jsonl,
    "sarif": check_sarif,
    "github": check_github,
    "gitlab": check_gitlab,
    "junit": check_junit,
    "azure": check_azure,
    "rdjsonl": check_rdjsonl,
    "markdown": check_markdown,
    "github-suggestions": check_github_suggestions,
}
ELSEWHERE = {"html": "tests/browser"}


def test_every_format_is_checked() -> None:
    assert {one.name for one in FORMATS} == set(CHECKS) | set(ELSEWHERE)


@pytest.mark.parametrize("name", CHECKS)
def test_a_report_is_what_its_readers_take(report: Callable[[str], str], name: str) -> None:
    CHECKS[name](report(name))


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize("folder", ["hostile"], indirect=True)
def test_a_report_shows_no_secret(report: Callable[[str], str], name: str) -> None:
    text = report(name)
    assert SECRET not in text
    assert "config.yaml" in text


ANY = st.text(
    st.one_of(
        st.sampled_from("%:;,]|`@#/<>&'\"\\[(*_~!$=\r\n\x1b\u2028\u202e\ud800"), st.characters()
    ),
    min_size=1,
    max_size=30,
)


@st.composite
def remarks(draw: st.DrawFn) -> Remark:
    region = Region(3, 4, 3, 9)
    edits = (TextEdit(region, draw(ANY)),)
    lines = (Line(3, draw(ANY)),)
    change = Change(
        draw(ANY), draw(st.sampled_from(("safe", "unsafe", "shown"))), edits, (*lines, Line(4, draw(ANY), "+")),
        draw(st.none() | st.builds(Suggestion, st.just(2), st.integers(2, 3), ANY)),
    )  # fmt: skip
    related = (Related(draw(ANY), draw(PATHS), region, lines[0]),)
    return Remark(
        "missing-nft-pin", draw(st.sampled_from(("error", "warning", "note"))), draw(ANY), draw(PATHS), 1, region,
        (draw(ANY),), related, draw(st.sampled_from((None, change))), draw(st.sampled_from(("", "no"))),
        fixable=False, lines=lines, pointer="",
    )  # fmt: skip


PATHS = ANY.map(lambda text: "a/" + text.replace("/", "").replace("\0", "") + ".yaml")


@settings(max_examples=80, deadline=None)
@given(st.lists(remarks(), min_size=1, max_size=4))
def test_whatever_findings_say_reports_are_what_their_readers_take(found: list[Remark]) -> None:
    outcome = Outcome()
    outcome.remarks = sorted(found, key=lambda one: one.path)
    outcome.suppressed = [Suppressed(one, "inSource", one.message) for one in found[:1]]
    outcome.unreadable = [one.message for one in found[:1]]
    for name, check in CHECKS.items():
        form = format_named(name)
        assert form is not None
        written = form.render(outcome, Paint(colours=False))
        check(written.encode(errors="backslashreplace").decode())


# --- every check refuses something


def edited(*changes: tuple[str, str]) -> Callable[[str], str]:
    def change(text: str) -> str:
        for old, new in changes:
            assert old in text, f"the report does not hold {old!r}"
            text = text.replace(old, new, 1)
        return text

    return change


def lines_of(text: str) -> str:
    """Return findings as somebody would write them who escapes nothing."""
    found = re.search(r"::(error|warning|notice) ([^:]*)::(.+)", text)
    assert found
    return f"::{found[1]} {found[2]}::two\nlines\n"


BROKEN: dict[str, list[Callable[[str], str]]] = {
    "full": [lambda text: f"{text}\x1b[31m", lambda text: f"{text}\n  ::error::x\n"],
    "concise": [lambda text: f"::error::x\n{text}", lambda text: f"{text}##vso[task.complete]"],
    "grouped": [lambda text: f"{text}##[error]x", lambda text: f"{text}\u202e"],
    "json": [
        edited(('"version": 1', '"version": 2')),
        edited(('"line"', '"lines"')),
        edited(('"safety": "safe"', '"safety": "maybe"')),
        edited(('"summary"', '"sum"')),
    ],
    "jsonl": [edited(('"rule"', '"rules"')), edited(('"line": ', '"line": -'))],
    "sarif": [
        edited(('"version": "2.1.0"', '"version": "2.0.0"')),
        edited(('"startLine": ', '"startLine": -')),
        edited(('"results"', '"result"')),
        edited(('"deletedRegion"', '"region"')),
        edited(('"level": "error"', '"level": "fatal"')),
        edited(('"uriBaseId"', '"uriBase"')),
        edited(('"ruleIndex": ', '"ruleIndex": 1')),
    ],
    "github": [lines_of, edited((",line=", ",row=")), lambda text: text * 10],
    "gitlab": [
        edited(('"severity": "critical"', '"severity": "fatal"')),
        edited(('"fingerprint"', '"mark"')),
        edited(('"begin": ', '"begin": 0, "start": ')),
        edited(('"begin": ', '"begin": "1", "x": ')),
        lambda text: json.dumps([json.loads(text)[0]] * 2),
    ],
    "junit": [
        edited(("<failure", "<fault"), ("</failure", "</fault")),
        edited((' failures="', ' failings="')),
        edited((' name="', " name=")),
        edited(("<testcase", "<testcase hint='x'")),
        edited(("</testsuites>", "]]></testsuites>")),
    ],
    "azure": [
        edited(("type=error", "type=fatal")),
        edited((";linenumber=", "\nlinenumber=")),
        lambda text: f"{text}note: a: ##vso[task.complete]x\n",
        edited(("]", "]100% ")),
    ],
    "rdjsonl": [
        edited(('"severity": "ERROR"', '"severity": "FATAL"')),
        edited(('"range": {"start": {"line": ', '"range": {"start": {"line": "1", "x": ')),
        edited(('"suggestions": [', '"suggestions": [7, ')),
    ],
    "markdown": [
        lambda text: f"{text}\n<img src=x>\n",
        lambda text: f"{text}\n[a](http://e.example)\n",
        lambda text: f"{text}\n@org/team\n",
        edited(("|---|---|---|---|", "|---|---|---|")),
        edited(("| 🔴 |", "| 🔴 | x |")),
    ],
    "github-suggestions": [
        edited(('"event": "COMMENT"', '"event": "SHOUT"')),
        edited(('"line": ', '"line": "1", "x": ')),
        edited(('"body": "**', '"body": "@org/team **')),
        edited(("```suggestion\\n", "```suggestion\\n```\\n")),
        edited(('"path": "', '"path": "./')),
    ],
}  # fmt: skip


@pytest.mark.parametrize("folder", ["examples"], indirect=True)
@pytest.mark.parametrize(
    ("name", "number"),
    [(name, number) for name, all_of in BROKEN.items() for number in range(len(all_of))],
)
def test_a_broken_report_is_refused(report: Callable[[str], str], name: str, number: int) -> None:
    text = report(name)
    broken = BROKEN[name][number](text)
    assert broken != text
    with pytest.raises(
        (AssertionError, jsonschema.ValidationError, xmlschema.XMLSchemaException, ValueError,
         LookupError, ElementTree.ParseError)
    ):  # fmt: skip
        CHECKS[name](broken)


def test_every_check_is_seen_to_refuse() -> None:
    assert set(BROKEN) == set(CHECKS)
