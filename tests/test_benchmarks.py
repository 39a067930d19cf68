"""Do the benchmarks still run? What they measure is not a question for a test."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.mark.skipif(sys.platform == "win32", reason="the benchmarks need os.wait4")
def test_a_quick_run_fills_the_tables() -> None:
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "run.py", "--quick"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("| **rke2-lint**")]
    assert len(rows) == 4


@pytest.mark.skipif(sys.platform == "win32", reason="the benchmarks need os.wait4")
def test_the_hook_can_be_measured() -> None:
    if not (BENCHMARKS.parent / ".git").exists():
        pytest.skip("this is no checkout, and pre-commit installs from one")
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "pre_commit.py", "--quick"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr
    rows = [line.split("|")[1].strip() for line in done.stdout.splitlines() if line.count("|") == 5]
    assert rows[2:] == ["**rke2-lint**", "a hook that does nothing"]


def test_the_corpus_is_the_same_every_time(tmp_path: Path) -> None:
    digests = []
    for name in ("one", "two"):
        command = [sys.executable, BENCHMARKS / "corpus.py", tmp_path / name, "40"]
        subprocess.run(command, check=True)
        files = sorted((tmp_path / name).rglob("*.yaml"))
        assert len(files) == 40
        digests.append([hashlib.sha256(file.read_bytes()).hexdigest() for file in files])
    assert digests[0] == digests[1]
