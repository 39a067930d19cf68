"""Does the benchmark still run? What it measures is not a question for a test."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks/webhook/run.py"


@pytest.mark.skipif(shutil.which("go") is None, reason="the load and a contestant need Go")
@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
def test_a_quick_run_fills_the_tables() -> None:
    done = subprocess.run(
        [sys.executable, BENCHMARK, "--quick"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + 4 + 1 + 3, done.stdout + done.stderr
