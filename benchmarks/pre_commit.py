"""Measure the hook under the real pre-commit, in a repository of 5,000 YAML files, 20 of them Clusters.

    python benchmarks/pre_commit.py            install the hook, run it over all files, print a table
    python benchmarks/pre_commit.py --quick    few files, one round: does it still run?

Next to the hook stands one that does nothing: what pre-commit itself takes. Whole runs of
`pre-commit run --all-files` are measured, in turns; the first round warms the caches and does not
count. Seconds of the processor are of all processes together, and are what a busy machine changes
least. pre-commit keeps what it installs in a temporary folder, and nothing of the user's is read.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

import corpus

ROOT = Path(__file__).resolve().parents[1]
CLUSTERS = 20


class Round(NamedTuple):
    """One run: how long it took, and the time of the processor that it took."""

    wall: float
    processor: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few files, one round")
    parser.add_argument("--rounds", type=int, default=10, help="rounds that count (default 10)")
    args = parser.parse_args()
    files, rounds = (100, 1) if args.quick else (5_000, args.rounds)

    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        os.environ.update(_environment(work))
        # What is committed, as a user has it.
        subprocess.run(["git", "clone", "--quiet", ROOT, work / "rke2-lint"], check=True)
        repository = _repository(work, files)
        os.chdir(repository)
        subprocess.run(_pre_commit("install-hooks"), check=True, stdout=subprocess.DEVNULL)
        took = measure(("rke2-lint", "nothing"), rounds)
        os.chdir(ROOT)

    load = os.getloadavg()[0]
    print(
        f"CPython {platform.python_version()}, {platform.system()} {platform.machine()}, "
        f"{len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()} processors, load {load:.1f}\n"
    )
    print(
        f"| `pre-commit run --all-files`, {files:,} files, {CLUSTERS} Clusters | min s | median s | processor s |"
    )
    print("|---|---:|---:|---:|")
    for name, told in (("**rke2-lint**", "rke2-lint"), ("a hook that does nothing", "nothing")):
        walls = [each.wall for each in took[told]]
        processor = min(each.processor for each in took[told])
        print(f"| {name} | {min(walls):.2f} | {median(walls):.2f} | {processor:.2f} |")


def measure(hooks: tuple[str, ...], rounds: int) -> dict[str, list[Round]]:
    """Run all hooks in turns."""
    took: dict[str, list[Round]] = {hook: [] for hook in hooks}
    for turn in range(rounds + 1):
        for hook in hooks:
            one = _run(*_pre_commit("run", "--all-files", hook))
            if turn:
                took[hook].append(one)
    return took


def _run(*command: str) -> Round:
    begin = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):  # half of the Clusters are not pinned
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{said.decode()}")
    return Round(took, usage.ru_utime + usage.ru_stime)


def _pre_commit(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "pre_commit", *arguments)


def _environment(work: Path) -> dict[str, str]:
    names = {
        f"GIT_{role}_{what}": "bench"
        for role in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    return {
        **names,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "PRE_COMMIT_HOME": str(work / "pre-commit"),
        "PRE_COMMIT_COLOR": "never",
    }


def _commit(folder: Path) -> None:
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "-m", "as it is"]):
        subprocess.run(["git", "-C", folder, *command], check=True)


def _repository(work: Path, files: int) -> Path:
    folder = work / "gitops"
    corpus.write(folder, files, one_in=files // CLUSTERS)
    commit = subprocess.run(
        ["git", "-C", work / "rke2-lint", "rev-parse", "HEAD"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    (folder / ".pre-commit-config.yaml").write_text(f"""\
repos:
  - repo: {(work / "rke2-lint").as_uri()}
    rev: {commit}
    hooks: [{{id: rke2-lint}}]
  - repo: local
    hooks:
      - {{id: nothing, name: nothing, entry: "true", language: system, types_or: [yaml, json], require_serial: true}}
""")
    _commit(folder)
    return folder


if __name__ == "__main__":
    main()
