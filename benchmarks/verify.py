"""Measure `rke2-lint verify` over the Pods of many nodes, on a real API server (see tests/e2e/README.md).

    python benchmarks/verify.py [--nodes 500] [--exec]

Every Node has fifty images, as on real machines, which is most of what is sent. Prints the minimum of
three runs: seconds, CPU seconds, and the most memory that a run had.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "e2e"))

import containers
import kube as real
import rke2_cluster
from test_verify import container

RUNS = 3


def images() -> list[dict[str, Any]]:
    """Return the images of one node."""
    names = [(f"docker.io/rancher/image-{number}", number) for number in range(50)]
    return [
        {"names": [f"{name}@sha256:{number:064x}", f"{name}:v1.2.3-build20250813"], "sizeBytes": 1}
        for name, number in names
    ]


def fill(cluster: rke2_cluster.Cluster, nodes: int, port: int) -> None:
    """Make the nodes; every fiftieth has no pin."""

    def add(number: int) -> None:
        name = f"node-{number:04}"
        cluster.add(name, "nft" if number % 50 else None, port=port)
        status = {"status": {"images": images()}}
        cluster.api.merge(f"{rke2_cluster.NODES}/{name}/status", status).expect()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(nodes)))


def measure(command: list[str]) -> tuple[float, float, float]:
    """Run a command; return seconds, CPU seconds, and megabytes."""
    begin = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        _, status, used = os.wait4(run.pid, 0)
        run.returncode = os.waitstatus_to_exitcode(status)
    if run.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)} ended with {run.returncode}")
    took = time.monotonic() - begin
    return took, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    """Fill a cluster, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=500)
    parser.add_argument("--exec", action="store_true", help="look into the containers, too")
    asked = parser.parse_args()
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        kube = stack.enter_context(real.running(real.binaries_folder(), home))
        command = [
            sys.executable,
            "-m",
            "rke2_lint",
            "verify",
            "--isolated",
            "--kubeconfig",
            str(kube.kubeconfig),
        ]
        port = 0
        if asked.exec:
            program = containers.binary()
            if program is None:
                raise SystemExit("no Go to build the kubelet's streaming server with")
            pair = kube.pair("kubelet", serving=True)
            served = stack.enter_context(containers.running(program, home / "containers", pair))
            served.make("kube-proxy-node-0000", *container("nft"))
            for number in range(1, asked.nodes):
                (served.root / f"kube-proxy-node-{number:04}").symlink_to("kube-proxy-node-0000")
            port = served.port
            command.append("--exec")
        fill(rke2_cluster.Cluster(kube), asked.nodes, port)
        results = [measure(command) for _ in range(RUNS)]
    seconds, cpu, memory = (min(column) for column in zip(*results, strict=True))
    print(
        f"{asked.nodes} nodes{', --exec' if asked.exec else ''}: {seconds:.1f} s, {cpu:.1f} s of CPU, {memory:.0f} MB"
    )


if __name__ == "__main__":
    main()
