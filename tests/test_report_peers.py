"""What do the real readers of reports make of ours?

The toolkits of GitHub Actions and Azure Pipelines, Microsoft's SARIF Multitool, and reviewdog's own
types. `make report-peers` fetches them and asks them; without them these tests are skipped, unless
RKE2_LINT_REPORT_PEERS=required.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from rke2_lint.cli import main
from rke2_lint.outcome import Outcome
from rke2_lint.remarks import Region, Remark
from rke2_lint.reporters import azure, github

HERE = Path(__file__).parent
ASSETS = HERE / "peers" / "reports" / "assets.sh"
INPUTS = {
    "examples": HERE.parent / "examples",
    **{
        one.name: one / "input"
        for one in sorted((HERE / "golden").iterdir())
        if (one / "input").is_dir()
    },
}


@pytest.fixture(scope="session")
def peers() -> Path:
    """The folder with the peers."""
    why = "there is no POSIX shell to ask for them"
    if sys.platform != "win32":
        found = subprocess.run([ASSETS, "--where"], capture_output=True, text=True, check=True)
        folder = Path(found.stdout.strip())
        if (folder / "rdjson").exists() and shutil.which("node"):
            return folder
        why = "the readers of reports are not here: make report-peers"
    if os.environ.get("RKE2_LINT_REPORT_PEERS") == "required":
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture(params=INPUTS)
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(INPUTS[request.param], tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return tmp_path


def ask(peers: Path, questions: list[Any]) -> list[Any]:
    done = subprocess.run(
        ["node", "escape.mjs"],
        cwd=peers, input=json.dumps(questions), capture_output=True, text=True, check=True,
    )  # fmt: skip
    answers: list[Any] = json.loads(done.stdout)
    return answers


def outcome_of(severity: str, message: str, path: str) -> Outcome:
    outcome = Outcome()
    outcome.remarks.append(
        Remark(
            "some-rule", severity, message, path, 1, Region(3, 4, 3, 9), (), (), None, "",
            fixable=False, lines=(), pointer="",
        )
    )  # fmt: skip
    return outcome


TEXT = st.text(
    st.one_of(st.sampled_from("%:,;]\r\n=0AD253BZP"), st.characters(exclude_categories=["Cs"])),
    min_size=1,
    max_size=20,
)
PATHS = TEXT.map(lambda text: f"a/{text.replace('/', '')}/b.yaml".replace("\0", ""))
LEVELS = {"error": "error", "warning": "warning", "note": "notice"}


@settings(max_examples=6, deadline=None, phases=[Phase.generate])  # each asks a program, once
@given(st.lists(st.tuples(st.sampled_from(sorted(LEVELS)), TEXT, PATHS), min_size=20, max_size=40))
def test_annotations_are_escaped_as_the_toolkit_does(
    peers: Path, cases: list[tuple[str, str, str]]
) -> None:
    """Properties may come in another order; what they and the message say is the same to the letter."""
    questions, ours = [], []
    for severity, message, path in cases:
        line = github.render(outcome_of(severity, message, path)).removesuffix("\n")
        ours.append(line)
        known = re.search(r"file=([^,]*)", line)
        assert known
        properties = {
            "file": unescaped(known[1]), "startLine": 3, "endLine": 3, "startColumn": 4,
            "endColumn": 9, "title": "rke2-lint some-rule",
        }  # fmt: skip
        questions.append(
            {
                "kind": "github",
                "level": LEVELS[severity],
                "message": message,
                "properties": properties,
            }
        )
    theirs = [answer.removesuffix("\n") for answer in ask(peers, questions)]
    assert [parts(line) for line in ours] == [parts(line) for line in theirs]


def unescaped(text: str) -> str:
    for written, sign in (("%2C", ","), ("%3A", ":"), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        text = text.replace(written, sign)
    return text


def parts(line: str) -> tuple[str, set[str], str]:
    _, command, message = line.split("::", 2)
    name, _, properties = command.partition(" ")
    return name, set(properties.split(",")), message


@settings(max_examples=6, deadline=None, phases=[Phase.generate])  # each asks a program, once
@given(
    st.lists(
        st.tuples(st.sampled_from(("error", "warning")), TEXT, PATHS), min_size=20, max_size=40
    )
)
def test_logging_commands_are_read_as_they_are_meant(
    peers: Path, cases: list[tuple[str, str, str]]
) -> None:
    lines = [
        azure.render(outcome_of(severity, message, path)).removesuffix("\n")
        for severity, message, path in cases
    ]
    read = ask(peers, [{"kind": "parse", "line": line} for line in lines])
    for (severity, message, _), told in zip(cases, read, strict=True):
        assert told["command"] == "task.logissue"
        assert told["message"] == message
        assert told["properties"]["type"] == severity
        assert told["properties"]["linenumber"] == "3"
        assert told["properties"]["columnnumber"] == "4"
        assert told["properties"]["code"] == "some-rule"
    questions = [
        {"kind": "azure", "message": told["message"], "properties": told["properties"]}
        for told in read
    ]
    assert ask(peers, questions) == lines


def multitool(peers: Path, report: Path) -> tuple[int, list[str]]:
    """Return what SARIF Multitool has to say at the level of a warning or above."""
    done = subprocess.run(
        ["node", peers / "node_modules" / "@microsoft" / "sarif-multitool" / "bin.js", "validate",
         report, "--level", "'Error;Warning'"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if re.search(r": (error|warning) ", line)]
    return done.returncode, lines


def test_the_multitool_finds_no_fault(folder: Path, peers: Path, tmp_path: Path) -> None:
    main(["--output-format", "sarif=report.sarif", "."])
    status, lines = multitool(peers, Path("report.sarif").absolute())
    # We have no address on the web to name.
    lines = [line for line in lines if "'informationUri'" not in line]
    assert (status, lines) == (0, [])


@pytest.mark.parametrize("folder", ["examples"], indirect=True)
@pytest.mark.parametrize(
    ("old", "new"),
    [('"startLine": ', '"startLine": -'), ('"ruleIndex": ', '"ruleIndex": 7'), ('"results"', '"outcomes"')],
)  # fmt: skip
def test_the_multitool_finds_faults(folder: Path, peers: Path, old: str, new: str) -> None:
    main(["--output-format", "sarif=report.sarif", "."])
    report = Path("report.sarif").absolute()
    report.write_text(report.read_text().replace(old, new, 1))
    status, lines = multitool(peers, report)
    assert status or any("error" in line for line in lines)


def test_reviewdog_reads_every_line(
    folder: Path, peers: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--output-format", "jsonl", "."])
    findings = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    main(["--output-format", "rdjsonl", "."])
    report = capsys.readouterr().out
    done = subprocess.run(
        [peers / "rdjson"], input=report, capture_output=True, text=True, check=True
    )
    severities = {"error": "ERROR", "warning": "WARNING", "note": "INFO"}
    read = [line.rsplit('" ', 1)[1].rsplit(" ", 1)[0] for line in done.stdout.splitlines()]
    assert [re.sub(r":\d+ ", ": ", line) for line in read] == [
        f"{one['path']}:{one['line']}: {severities[one['severity']]} {one['rule']}"
        for one in findings
    ]


def test_reviewdog_refuses_what_it_does_not_know(peers: Path) -> None:
    for line in ('{"message": 1}', '{"massage": "x"}', '{"severity": "FATAL"}', "{"):
        done = subprocess.run([peers / "rdjson"], input=line, capture_output=True, text=True)
        assert done.returncode == 1, line
