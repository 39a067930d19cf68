"""`rke2-lint export`: what it writes for whom, and what it refuses."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from rke2_lint import __version__
from rke2_lint.cli import main
from rke2_lint.export import FORMATS, NothingToExportError, export
from rke2_lint.export.cel import literal, matching
from rke2_policies.policy import DEFAULT, matches
from rke2_policies.policy_file import read_policy

GOLDEN = Path(__file__).parent / "golden"
FLEET = b"""
webhook: {deny: [legacy-backend]}
levels: {map-entry: off}
exempt:
  - {rule: missing-nft-pin, where: fleet-default/lab-*, reason: tried out there}
overrides:
  - {labels: {matchLabels: {hosts: old}}, params: {backend: legacy}, reason: RHEL 7}
"""


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(("name", "said"), [("default", b""), ("fleet", FLEET)])
def test_what_is_written(request: pytest.FixtureRequest, form: str, name: str, said: bytes) -> None:
    written = export(form, read_policy("policy.yaml", said)).replace(__version__, "VERSION")
    golden = GOLDEN / f"{form}.{name}.yaml"
    if request.config.getoption("--regenerate"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(written, encoding="utf-8", newline="\n")
    assert written == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("form", FORMATS)
def test_it_says_who_wrote_it_and_what_it_cannot(form: str) -> None:
    written = export(form, DEFAULT)
    comments = written[: written.index("\napiVersion")]
    assert f"rke2-lint export --format {form}" in comments
    assert "cannot" in comments
    assert all(len(line) <= 100 for line in comments.splitlines())
    assert not re.findall("@[A-Z]+@", written)


@pytest.mark.parametrize(
    ("deny", "refused", "others"),
    [
        pytest.param("[]", "", "", id="nothing"),
        pytest.param("[map-entry]", "refuses what webhook.deny names: map-entry.", "", id="known"),
        pytest.param(
            "[map-entry, misspelt-variable, required-settings]",
            "refuses what webhook.deny names: map-entry.",
            "only the webhook refuses: misspelt-variable, required-settings.",
            id="more than it can",
        ),
        pytest.param("[near-legacy]", "", "only the webhook refuses: near-legacy.", id="others"),
    ],
)
def test_a_validating_policy_says_whom_it_refuses(deny: str, refused: str, others: str) -> None:
    policy = read_policy("policy.yaml", f"webhook: {{deny: {deny}}}".encode())
    written = export("validating-admission-policy", policy)
    comments = written[: written.index("\napiVersion")].replace("\n# ", " ")
    assert refused in comments
    assert others in comments
    assert ("webhook.deny" in comments) == bool(refused or others)


@pytest.mark.parametrize("form", FORMATS)
def test_the_backend_is_the_policys(form: str) -> None:
    written = export(form, read_policy("policy.yaml", b"params: {backend: legacy}"))
    assert "IPTABLES_MODE=legacy" in written
    assert "IPTABLES_MODE=nft" not in written


@pytest.mark.parametrize("form", [form for form in FORMATS if not form.startswith("validating")])
@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"webhook: {onCreate: warn}", "webhook.onCreate is warn"),
        (b"levels: {missing-nft-pin: off}", "the policy does not ask missing-nft-pin"),
        (b"webhook: {patch: []}", "webhook.patch leaves missing-nft-pin out"),
        (b"unfixable: [missing-nft-pin]", "the policy lets nobody fix missing-nft-pin"),
    ],
)
def test_nothing_is_exported_that_the_policy_does_not_want(
    form: str, said: bytes, why: str
) -> None:
    with pytest.raises(NothingToExportError, match=re.escape(why)):
        export(form, read_policy("policy.yaml", said))


def test_who_is_told_nothing_needs_no_policy() -> None:
    said = b"""{levels: {missing-nft-pin: off, empty-backend: note, legacy-backend: off,
        invalid-backend: off, map-instead-of-list: off, map-entry: note}}"""
    with pytest.raises(NothingToExportError, match="tells nobody"):
        export("validating-admission-policy", read_policy("policy.yaml", said))
    said = b"webhook: {onCreate: off, onUpdate: off}"
    with pytest.raises(NothingToExportError, match="are off"):
        export("validating-admission-policy", read_policy("policy.yaml", said))


def test_the_policy_is_the_nearest_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".rke2-lint.yaml").write_text("params: {backend: legacy}\n")
    (tmp_path / "off.yaml").write_text("webhook: {onCreate: 'off'}\n")
    below = tmp_path / "below"
    below.mkdir()
    monkeypatch.chdir(below)
    asked = ["export", "--format", "kyverno"]
    assert main(asked) == 0
    assert "IPTABLES_MODE=legacy" in capsys.readouterr().out
    assert main([*asked, "--isolated"]) == 0
    assert "IPTABLES_MODE=nft" in capsys.readouterr().out
    assert main([*asked, "--config", "../off.yaml"]) == 2
    assert capsys.readouterr().err == (
        "rke2-lint: error: there is nothing to export: "
        "webhook.onCreate is off: nothing is to be injected\n"
    )


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ([], "for which engine? rke2-lint export --format mutating-admission-policy|"),
        (["clusters"], "export takes no paths"),
        (["--format", "opa"], "invalid choice: 'opa'"),
        (["--format", "kyverno", "clusters"], "unrecognized arguments: clusters"),
        (["--format", "kyverno", "--config", "no.yaml"], "no.yaml: "),
        (["--isolated"], "for which engine?"),
    ],
)
def test_wrong_use_is_told_in_one_line(
    asked: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", *asked]) == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


def test_it_can_be_piped_to_kubectl() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rke2_lint", "export", "--isolated", "--format", "gatekeeper"],
        capture_output=True, check=True, env={**os.environ, "PYTHONWARNINGS": "error"},
    )  # fmt: skip
    assert done.stderr == b""
    assert yaml.safe_load(done.stdout)["kind"] == "Assign"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain", "'plain'"),
        ("o'neil", r"'o\'neil'"),
        ("back\\slash", r"'back\\slash'"),
        ("a\nb\u2028", r"'a\nb\u2028'".replace(r"\n", r"\u000a")),
        ("@NAME@", "'@NAME@'"),
        ("ü", "'ü'"),
    ],
)
def test_a_text_is_a_literal(text: str, written: str) -> None:
    assert literal(text) == written
    assert yaml.safe_load(f"a: >-\n  {written}\n") == {"a": written}


def test_what_is_filled_in_is_not_looked_at_again() -> None:
    policy = read_policy("p", json.dumps({"webhook": {"ignoreUsers": ["@NAME@"]}}).encode())
    assert "in ['@NAME@']" in export("kyverno", policy)


@pytest.mark.parametrize(
    "pattern", ["*", "a*", "?b", "a.b", "*/lab-*", "[x]", "a+(b)|{c}^$", "\\*"]
)
def test_a_glob_means_as_a_pattern_what_it_means_as_a_glob(pattern: str) -> None:
    expression = matching(pattern)[1:-1].replace("\\\\", "\\")
    for text in (
        "",
        "a",
        "ab",
        "a.b",
        "axb",
        "ns/lab-1",
        "lab-1",
        "[x]",
        "x",
        "a+(b)|{c}^$",
        "\\a",
    ):
        assert bool(re.fullmatch(expression, text)) == matches(pattern, text), text
