"""Measure rke2-lint beside its peers, in one run, and print the ratios as Markdown tables.

    python benchmarks/run.py            yamllint, check-jsonschema, ast-grep and checkov, from PyPI
    python benchmarks/run.py --go       kubeconform and kube-score too, built with Go
    python benchmarks/run.py --quick    small and without peers: does everything still run?

Whole processes are measured, in turns (one round runs every command once), so that a busy machine
is busy for all of them. The first round warms the caches and does not count. Ratios are of the
minima, which noise can only raise. Runs on Linux and macOS.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import sysconfig
import tempfile
import time
import tomllib
import venv
from collections.abc import Sequence
from pathlib import Path
from random import Random
from statistics import median
from typing import NamedTuple

import corpus

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PEERS = HERE / "peers"
GO_PEERS = (
    "github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0",
    "github.com/zegl/kube-score/cmd/kube-score@v1.20.0",
)
# What the kernel counts for a child begins with what its parent had when it started it.
MEGABYTE = 1024 * 1024 if sys.platform == "darwin" else 1024


class Command(NamedTuple):
    name: str
    argv: tuple[str | Path, ...]
    remark: str = ""


class Timing(NamedTuple):
    """All wall times of one command, in seconds, and the most memory that a round needed."""

    command: Command
    seconds: tuple[float, ...]
    megabytes: float

    @property
    def best(self) -> float:
        return min(self.seconds)


class Tools(NamedTuple):
    """Where the programs are: rke2-lint's environment, the peers', and what Go built."""

    ours: Path
    peers: Path
    go: Path


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="few files, one round, nothing installed"
    )
    parser.add_argument(
        "--go", action="store_true", help="also build and measure peers written in Go"
    )
    parser.add_argument("--rounds", type=int, default=5, help="rounds over many files (default 5)")
    args = parser.parse_args()

    tools = _present() if args.quick else _installed(go=args.go)
    many, very_many = (50, 100) if args.quick else (1_000, 10_000)
    starts, rounds = (1, 1) if args.quick else (20, args.rounds)

    print(_machine(), end="\n\n")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        print("### One file, from start to end\n")
        _start_table(measure(_one_file(tools, work), starts))
        print(f"\n### {many:,} files, one in ten a Cluster\n")
        files = corpus.write(work / "many", many)
        _many_table(measure(_many_files(tools, work / "many", files), rounds), many)
        print(f"\n### {very_many:,} files, one in ten a Cluster\n")
        corpus.write(work / "very-many", very_many)
        _many_table(measure(_very_many_files(tools, work / "very-many"), rounds), very_many)


def _one_file(tools: Tools, work: Path) -> list[Command]:
    """List what a start costs, from nothing to a Cluster with a finding."""
    other, cluster = work / "deployment.yaml", work / "cluster.yaml"
    other.write_text(corpus.deployment(1, Random(7)), encoding="utf-8")
    cluster.write_text(corpus.cluster(1), encoding="utf-8")
    python, lint = tools.ours / "python", tools.ours / "rke2-lint"

    # What pip writes to start a command, with nothing behind it.
    script = work / "start-script"
    script.write_text(
        lint.read_text(encoding="utf-8").replace("from rke2_lint.cli import main", "main = int"),
        encoding="utf-8",
    )
    script.chmod(0o755)

    return [
        Command("`python -c pass`", (python, "-c", "pass"), "the unit"),
        Command("pip's start script", (script,), "what pip puts before every Python program"),
        Command("`import argparse`", (python, "-c", "import argparse"), "nothing else"),
        Command("**rke2-lint**, a Deployment", (lint, other), "has nothing to do with RKE2"),
        Command("**rke2-lint**, a Cluster", (lint, cluster), "one finding, with its fix"),
        *_peers(tools, cluster, [cluster]),
    ]


def _many_files(tools: Tools, folder: Path, files: Sequence[Path]) -> list[Command]:
    return [
        Command("**rke2-lint**", (tools.ours / "rke2-lint", folder)),
        *_peers(tools, folder, files),
    ]


def _very_many_files(tools: Tools, folder: Path) -> list[Command]:
    ours = Command("**rke2-lint**", (tools.ours / "rke2-lint", folder))
    fastest = [
        peer for peer in _peers(tools, folder, []) if peer.name in {"ast-grep", "kubeconform"}
    ]
    return [ours, *fastest]


def _peers(tools: Tools, target: Path, files: Sequence[Path]) -> list[Command]:
    """Ask each peer the same question, as near as it can ask it, and as little else as it lets."""
    schema = PEERS / "cluster.schema.json"
    each: list[Command] = [
        Command("ast-grep", (tools.peers / "ast-grep", "scan", "-r", PEERS / "ast-grep.yaml", target), "one rule; does not know what a selector does"),
        Command("yamllint", (tools.peers / "yamllint", "-d", "relaxed", target), "how YAML is written, not what it says"),
        Command("check-jsonschema", (tools.peers / "check-jsonschema", "--schemafile", schema, *files), "one schema; refuses files of several documents"),
        Command("checkov", (tools.peers / "checkov", "-d" if target.is_dir() else "-f", target, "--framework", "kubernetes", "--check", "CKV_K8S_21", "--quiet", "--compact", "--skip-download"), "one check, of another thing"),
        Command("kubeconform", (tools.go / "kubeconform", "-schema-location", schema, "-ignore-missing-schemas", target), "one schema"),
        Command("kube-score", (tools.go / "kube-score", "score", *files), "its own checks"),
    ]  # fmt: skip
    return [peer for peer in each if Path(peer.argv[0]).exists()]


def measure(commands: Sequence[Command], rounds: int) -> list[Timing]:
    """Run all commands in turns. A command that ends by a signal or cannot start is an error."""
    seconds: dict[str, list[float]] = {command.name: [] for command in commands}
    memory: dict[str, float] = dict.fromkeys(seconds, 0.0)
    for turn in range(rounds + 1):
        for command in commands:
            took, megabytes = _run(command)
            memory[command.name] = max(memory[command.name], megabytes)
            if turn:
                seconds[command.name].append(took)
    return [Timing(each, tuple(seconds[each.name]), memory[each.name]) for each in commands]


def _run(command: Command) -> tuple[float, float]:
    quiet = {**os.environ, "NO_COLOR": "1"}
    begin = time.perf_counter()
    process = subprocess.Popen(
        command.argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=quiet,
    )
    _, status, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise SystemExit(
            f"{command.name} ended with {process.returncode}: {' '.join(map(str, command.argv))[:500]}"
        )
    return took, usage.ru_maxrss / MEGABYTE


def _start_table(timings: Sequence[Timing]) -> None:
    bare = timings[0].best
    print("| | min ms | median ms | × bare Python | |")
    print("|---|---:|---:|---:|---|")
    for each in timings:
        print(
            f"| {each.command.name} | {each.best * 1e3:.0f} | {median(each.seconds) * 1e3:.0f} "
            f"| {_ratio(each.best / bare)} | {each.command.remark} |"
        )


def _many_table(timings: Sequence[Timing], files: int) -> None:
    ours = timings[0].best
    print("| | min s | median s | × rke2-lint | files/s | peak MB | |")
    print("|---|---:|---:|---:|---:|---:|---|")
    for each in timings:
        print(
            f"| {each.command.name} | {each.best:.2f} | {median(each.seconds):.2f} | {_ratio(each.best / ours)} "
            f"| {files / each.best:,.0f} | {each.megabytes:.0f} | {each.command.remark} |"
        )


def _ratio(value: float) -> str:
    return f"{value:.1f}×" if value < 10 else f"{value:,.0f}×"


def _machine() -> str:
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs"
    return f"{platform.python_implementation()} {platform.python_version()}, {system}, load {os.getloadavg()[0]:.1f}"


def _present() -> Tools:
    """Take the environment that runs this, and no peers."""
    here = Path(sysconfig.get_path("scripts"))
    return Tools(here, here / "no-peers", here / "no-peers")


def _installed(*, go: bool) -> Tools:
    """Install rke2-lint as a user has it (a wheel, not an editable folder), and the peers apart from it."""
    place = ROOT / ".venv" / "bench"
    ours, peers, go_peers = (place / name for name in ("rke2-lint", "peers", "go"))
    print(f"Installing into {place} …", file=sys.stderr)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    _install(ours, *project["dependencies"])
    _install(ours, "--force-reinstall", "--no-deps", ROOT)
    _install(peers, *project["optional-dependencies"]["bench"])
    if go:
        for module in GO_PEERS:
            subprocess.run(
                ["go", "install", module], env={**os.environ, "GOBIN": str(go_peers)}, check=True
            )
    return Tools(ours / "bin", peers / "bin", go_peers if go else place / "no-go")


def _install(folder: Path, *what: str | Path) -> None:
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    pip = (python, "-m", "pip", "--disable-pip-version-check", "--quiet", "install")
    subprocess.run((*pip, *what), check=True)


if __name__ == "__main__":
    main()
