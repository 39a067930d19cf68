"""What is said before any cluster is asked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rke2_lint.cli import main
from rke2_lint.node.saved import SAVING
from rke2_lint.verify.commands import COMMANDS


def test_without_lightkube_the_remedy_is_told(tmp_path: Path) -> None:
    (tmp_path / "lightkube.py").write_text("raise ImportError\n")
    done = subprocess.run(
        [sys.executable, "-m", "rke2_lint", "verify"],
        capture_output=True, text=True, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == (
        "rke2-lint: error: verify needs lightkube: pip install 'rke2-lint[cluster]'\n"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["prod"], "what is prod? (--kubeconfig FILE)", id="a path"),
        pytest.param(["--context", "a", "--all-contexts"], "choose one", id="both"),
        pytest.param(["--resume", "gone.json"], "gone.json: No such file", id="nothing to resume"),
        pytest.param(["--output-format", "xml"], "unknown format 'xml'", id="format"),
        pytest.param(["--jobs", "0"], "'0' is no number from 1 to 1000", id="jobs"),
        pytest.param(["--timeout", "soon"], "'soon' is no number of seconds", id="seconds"),
        pytest.param(["--kubeconfig", "gone"], "gone: ", id="no kubeconfig"),
    ],
)
def test_wrong_use_ends_with_two(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", *arguments]) == 2
    assert said.lower() in capsys.readouterr().err.lower()


def test_help_tells_every_command_that_exec_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--help"]) == 0
    said = capsys.readouterr().out
    assert all(f"\n  {' '.join(one)}\n" in said for one in COMMANDS)


def test_commands_only_read() -> None:
    """Never the bare iptables, and nothing that writes: only these six."""
    assert {command[0].rpartition("/")[2] for command in COMMANDS} == {
        "env", "readlink", *(tool for tool, _, _ in SAVING),
    }  # fmt: skip
    assert all(tool.endswith(("-legacy-save", "-nft-save")) for tool, _, _ in SAVING)
