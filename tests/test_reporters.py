"""What do people and programs see? Every format, over small folders, as it stands in tests/golden.

`pytest tests/test_reporters.py --regenerate` writes the expected outputs anew; a reviewer reads
their diff.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from rke2_lint import __version__
from rke2_lint.cli import main
from rke2_lint.reporters import FORMATS

GOLDEN = Path(__file__).parent / "golden"
SCENARIOS = sorted(folder.name for folder in GOLDEN.iterdir())
OUTPUTS = {
    "full.txt": ["check"],
    "concise.txt": ["check", "--output-format", "concise"],
    "grouped.txt": ["check", "--output-format", "grouped"],
    "findings.json": ["check", "--output-format", "json"],
    "findings.jsonl": ["check", "--output-format", "jsonl"],
    "findings.sarif": ["check", "--output-format", "sarif"],
    "github.txt": ["check", "--output-format", "github"],
    "gitlab.json": ["check", "--output-format", "gitlab"],
    "junit.xml": ["check", "--output-format", "junit"],
    "azure.txt": ["check", "--output-format", "azure"],
    "findings.rdjsonl": ["check", "--output-format", "rdjsonl"],
    "comment.md": ["check", "--output-format", "markdown"],
    "review.json": ["check", "--output-format", "github-suggestions"],
    "statistics.txt": ["check", "--statistics", "--output-format", "jsonl"],
    "fixes.patch": ["check", "--diff"],
    "machines.txt": ["effective"],
    "machines.json": ["effective", "--output-format", "json"],
}
SECRETS = (
    "hunter2", "correct-horse", "K10c0ffee", "s3cret", "AKIAEXAMPLE", "half-of-the-key", "also-secret",
)  # fmt: skip


@pytest.fixture(params=SCENARIOS)
def scenario(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Stand in a copy of a scenario's folder, and return the scenario's own."""
    folder = GOLDEN / str(request.param)
    shutil.copytree(folder / "input", tmp_path / "input")
    monkeypatch.chdir(tmp_path / "input")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return folder


@pytest.mark.parametrize("name", OUTPUTS)
def test_what_is_told(
    name: str, scenario: Path, capsys: pytest.CaptureFixture[str], pytestconfig: pytest.Config
) -> None:
    main([*OUTPUTS[name], "."])
    out, err = capsys.readouterr()
    told = out.replace(f'"{__version__}"', '"VERSION"')
    if name == "statistics.txt":
        told = err
    if name in ("full.txt", "fixes.patch"):
        told += f"--- standard error\n{err}"
    golden = scenario / name
    if pytestconfig.getoption("regenerate"):
        golden.write_text(told, encoding="utf-8", newline="\n")
    assert told == golden.read_text(encoding="utf-8")


def test_every_format_has_an_expected_output() -> None:
    asked = {words[-1] for words in OUTPUTS.values() if words[-2:-1] == ["--output-format"]}
    assert {one.name for one in FORMATS} - {"full"} == (asked - {"json"}) | {"json", "html"}


@pytest.mark.parametrize("arguments", OUTPUTS.values(), ids=OUTPUTS)
def test_no_secret_is_told(
    arguments: list[str], scenario: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([*arguments, "--verbose", "."])
    out, err = capsys.readouterr()
    shown = [secret for secret in SECRETS if secret in out + err]
    assert shown == []


def test_a_secret_in_a_key_is_told_by_no_format_and_no_baseline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    node = tmp_path / "etc" / "rancher" / "rke2"
    node.mkdir(parents=True)
    (node / "config.yaml").write_text(
        'kubelet-arg: {"token=hunter2": 1, "token=hunter2": 2}\n'
        '"http://robot:correct-horse@x/": 1\n"http://robot:correct-horse@x/": 2\n'
    )
    reports = [f"--output-format={one.name}={one.name}.out" for one in FORMATS]
    assert main([*reports, "etc"]) == 1
    assert main(["--write-baseline", "etc"]) == 0
    written = [
        path.read_text(encoding="utf-8")
        for path in (*tmp_path.glob("*.out"), tmp_path / ".rke2-lint-baseline.json")
    ]
    assert sum("duplicate-key" in text for text in written) == len(FORMATS) + 1
    assert not [text for text in written if "hunter2" in text or "correct-horse" in text]
    assert main(["--baseline", ".rke2-lint-baseline.json", "etc"]) == 0


def test_what_is_told_has_no_escapes_of_a_terminal(
    scenario: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for form in ("full", "concise"):
        main(["--output-format", form, "."])
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", capsys.readouterr().out)


# --- what the schemas of others ask for


def sarif(capsys: pytest.CaptureFixture[str]) -> Any:
    main(["--output-format", "sarif", "."])
    return json.loads(capsys.readouterr().out)


def test_sarif_points_at_rules_and_regions_that_are_there(
    scenario: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = sarif(capsys)
    assert log["version"] == "2.1.0"
    [run] = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        [location] = result["locations"]
        physical = location["physicalLocation"]
        assert not physical["artifactLocation"]["uri"].startswith(("/", "./", "file:"))
        region = physical["region"]
        assert (region["startLine"], region["startColumn"]) <= (
            region["endLine"],
            region["endColumn"],
        )
    assert "%2C" in json.dumps(log) or scenario.name != "hard"


def test_the_help_of_sarif_has_no_mark_of_ours_on_its_blocks(
    scenario: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = sarif(capsys)["runs"][0]["tool"]["driver"]["rules"]
    blocks = [re.findall(r"^```(.+)$", rule["help"]["markdown"], re.MULTILINE) for rule in rules]
    assert {info for infos in blocks for info in infos} <= {"yaml", "text"}
    assert all(rule["help"]["markdown"].startswith("**") for rule in rules)


def test_fingerprints_stay_when_lines_move(
    scenario: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fingerprints() -> list[str]:
        return [
            one["partialFingerprints"]["place/v1"] for one in sarif(capsys)["runs"][0]["results"]
        ]

    before = fingerprints()
    assert len(set(before)) == len(before) > 0
    for path in Path().rglob("*.yaml"):
        path.write_text(f"# moved\n\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
    assert fingerprints() == before


def test_sarif_of_nothing_has_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert sarif(capsys)["runs"][0]["results"] == []


@pytest.mark.parametrize("name", ["full", "github", "junit", "html"])
def test_a_fix_that_is_left_to_people_is_not_said_to_be_made(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("cluster.yaml").write_text(
        "apiVersion: provisioning.cattle.io/v1\nkind: Cluster\n"
        "metadata: {name: prod, namespace: fleet-default}\n"
        "spec: {kubernetesVersion: v1.33.4+rke2r1, rkeConfig: {}}\n"
    )
    Path(".rke2-lint.yaml").write_text("unfixable: [missing-nft-pin]\n")
    main(["--output-format", name, "cluster.yaml"])
    told = capsys.readouterr().out.lower().replace("<code>", "").replace("</code>", "")
    assert re.search(r"not by --fix:(?:</strong>)? the configuration leaves fixes", told)
    assert "rke2-lint --fix" not in told


def test_github_names_related_files_from_the_top_of_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".git").mkdir()
    shutil.copytree(GOLDEN / "nodes" / "input", tmp_path / "hosts")
    monkeypatch.chdir(tmp_path / "hosts")
    for name in ("github", "github-suggestions"):
        main(["--output-format", name, "."])
        told = capsys.readouterr().out
        assert "hosts/server/etc/rancher/rke2/config.yaml:8: config.yaml sets it" in told


def test_a_github_annotation_is_one_line(
    scenario: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--output-format", "github", "."])
    lines = capsys.readouterr().out.splitlines()
    assert lines
    for line in lines:
        assert re.fullmatch(r"::(error|warning|notice) file=[^,:]+,line=\d+,[^:]*::.+", line)
