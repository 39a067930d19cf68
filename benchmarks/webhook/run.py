"""Measure the webhook's server beside a bare ASGI application and a minimal Go webhook.

    python benchmarks/webhook/run.py            all of it, about two minutes; needs Go
    python benchmarks/webhook/run.py --quick    one short round: does everything still run?

All speak TLS 1.3 over kept connections on loopback, answer the same review of a cluster with
three pools, and are measured in turns, so that a busy machine is busy for all of them. Where there
are two processors, servers run on the one and the load on the other. What counts is the processor
time for each request: on a machine shared with others, requests per second say little. Linux only.

Memory is that of an installation if this is run by one: with nothing but the extra `webhook`. Where
rich is there, for one, structlog imports it, which takes 4 MB.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import platform
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from rke2_webhook.tls.authority import make_authority, make_leaf

HERE = Path(__file__).resolve().parent
WHOLE = "rke2-webhook, whole review"
CONNECTIONS = 16
_LONGEST_START = 60.0
_LONGEST_LOAD = 120.0


class Contestant(NamedTuple):
    name: str
    argv: tuple[str | Path, ...]


class Running(NamedTuple):
    contestant: Contestant
    process: subprocess.Popen[bytes]
    port: int
    start: float
    """Seconds from its start to its first answer."""


class Round(NamedTuple):
    """One load on one server: processor seconds and wall seconds, and milliseconds of latency."""

    requests: int
    processor: float
    wall: float
    p50: float
    p99: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one round of few requests")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=4000, help="requests a round")
    args = parser.parse_args()
    rounds, requests = (1, 320) if args.quick else (args.rounds, args.requests)
    if shutil.which("go") is None:
        sys.exit("Go is needed: the load and one contestant are built with it")
    os.nice(10)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        load = _build("load", work)
        _certificates(work)
        body = work / "review.json"
        body.write_bytes(json.dumps(review()).encode())
        contestants = (
            Contestant("Go net/http, encoding/json", (_build("peer", work),)),
            Contestant("uvicorn, bare ASGI, orjson", (sys.executable, HERE / "bare.py")),
            Contestant(
                "rke2-webhook, constant answer", (sys.executable, HERE / "ours.py", "constant")
            ),
            Contestant(WHOLE, (sys.executable, HERE / "ours.py", "rules")),
        )
        with contextlib.ExitStack() as stack:
            running = [
                each
                for contestant in contestants
                if (each := stack.enter_context(_running(contestant, work))) is not None
            ]
            measured = _measure(running, load, work, rounds, requests)
            _print(running, measured, body.stat().st_size, rounds, requests)
            for each in running:
                if each.contestant.name == WHOLE:
                    _print_large(each, work, rounds)


def review() -> dict[str, Any]:
    """Return the review of a new cluster with three pools, as an API server sends it: about 6 kB."""
    kind = {"group": "provisioning.cattle.io", "version": "v1", "kind": "Cluster"}
    resource = {"group": "provisioning.cattle.io", "version": "v1", "resource": "clusters"}
    pools = [
        {
            "name": f"pool{number}",
            "displayName": f"pool{number}",
            "quantity": 3,
            "controlPlaneRole": number == 0,
            "etcdRole": number == 0,
            "workerRole": number > 0,
            "drainBeforeDelete": True,
            "unhealthyNodeTimeout": "0s",
            "labels": {"topology.kubernetes.io/zone": f"zone-{number}", "team": "platform"},
            "machineConfigRef": {"kind": "VmwarevsphereConfig", "name": f"nc-prod-pool{number}"},
            "rollingUpdate": {"maxSurge": "10%", "maxUnavailable": "10%"},
        }
        for number in range(3)
    ]
    owned = {
        f"f:{field}": {".": {}, **{f"f:{name}": {} for name in names}}
        for field, names in {
            "machineGlobalConfig": ["cni", "etcd-expose-metrics", "kube-apiserver-arg", "profile"],
            "machineSelectorConfig": ["config", "machineLabelSelector"],
            "upgradeStrategy": ["controlPlaneConcurrency", "workerConcurrency"],
            "etcd": ["snapshotRetention", "snapshotScheduleCron"],
            "registries": ["configs", "mirrors"],
            "networking": ["stackPreference"],
        }.items()
    }
    cluster = {
        "apiVersion": "provisioning.cattle.io/v1",
        "kind": "Cluster",
        "metadata": {
            "name": "prod",
            "namespace": "fleet-default",
            "generation": 1,
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": {f"label-{number}.example.com": "value" for number in range(8)},
            "annotations": {f"note-{number}.example.com": "words " * 12 for number in range(8)},
            "managedFields": [
                {
                    "manager": manager,
                    "operation": "Update",
                    "apiVersion": "provisioning.cattle.io/v1",
                    "time": "2026-01-01T00:00:00Z",
                    "fieldsType": "FieldsV1",
                    "fieldsV1": {"f:spec": {"f:kubernetesVersion": {}, "f:rkeConfig": owned}},
                }
                for manager in ("rancher", "kubectl")
            ],
        },
        "spec": {
            "kubernetesVersion": "v1.34.1+rke2r1",
            "localClusterAuthEndpoint": {},
            "rkeConfig": {
                "machineGlobalConfig": {
                    "cni": "calico",
                    "disable-kube-proxy": False,
                    "etcd-expose-metrics": True,
                    "kube-apiserver-arg": ["audit-log-maxage=30", "audit-log-maxbackup=10"],
                },
                "machinePools": pools,
                "machineSelectorConfig": [{"config": {"protect-kernel-defaults": True}}],
                "upgradeStrategy": {"controlPlaneConcurrency": "1", "workerConcurrency": "1"},
                "etcd": {"snapshotRetention": 5, "snapshotScheduleCron": "0 */5 * * *"},
            },
        },
    }
    return {
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": kind,
            "resource": resource,
            "requestKind": kind,
            "requestResource": resource,
            "name": "prod",
            "namespace": "fleet-default",
            "operation": "CREATE",
            "userInfo": {"username": "u-b4qkhsnliz", "groups": ["system:authenticated"]},
            "object": cluster,
            "oldObject": None,
            "dryRun": False,
            "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
        },
    }


def five_megabytes() -> dict[str, Any]:
    """Return a review as large as reviews get: etcd refuses objects of more than 1.5 MiB."""
    asked = review()
    padding = {f"padding-{number}": "x" * 100 for number in range(40_000)}
    asked["request"]["object"]["metadata"]["annotations"] |= padding
    return asked


def a_thousand_pools() -> dict[str, Any]:
    """Return a review of 1,000 pools, which Rancher's definition allows, and of 100 selectors."""
    asked = review()
    config = asked["request"]["object"]["spec"]["rkeConfig"]
    config["machinePools"] = [
        {
            "name": f"pool{number}",
            "quantity": 1,
            "workerRole": True,
            "labels": {"team": f"team{number % 150}"},
        }
        for number in range(1000)
    ]
    config["machineSelectorConfig"] = [
        {
            "machineLabelSelector": {"matchLabels": {"team": f"team{number}"}},
            "config": {"kubelet-arg": [f"max-pods={number}"]},
        }
        for number in range(100)
    ]
    return asked


def _build(name: str, work: Path) -> Path:
    program = work / name
    environment = {**os.environ, "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}
    subprocess.run(
        ["go", "build", "-o", program, "."], cwd=HERE / name, env=environment, check=True
    )
    return program


def _certificates(work: Path) -> None:
    now, lifetime = datetime.now(UTC), timedelta(days=1)
    authority = make_authority("benchmark", now, lifetime)
    pair = make_leaf(authority, ["localhost", "127.0.0.1"], now, lifetime)
    (work / "ca.crt").write_bytes(authority.pem)
    (work / "tls.crt").write_bytes(pair.certificate)
    (work / "tls.key").write_bytes(pair.key)


@contextlib.contextmanager
def _running(contestant: Contestant, work: Path) -> Iterator[Running | None]:
    port = _free_port()
    program, *arguments = contestant.argv
    script = [arguments[0]] if arguments else []
    argv = [program, *script, str(port), work, *arguments[1:]]
    began = time.perf_counter()
    process = subprocess.Popen(
        argv,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "GOMAXPROCS": "1"},
        preexec_fn=lambda: _pin(0),
    )
    try:
        start = _until_it_answers(process, port, work, began)
        yield Running(contestant, process, port, start) if start is not None else None
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


def _until_it_answers(
    process: subprocess.Popen[bytes], port: int, work: Path, began: float
) -> float | None:
    context = ssl.create_default_context(cafile=work / "ca.crt")
    body = (work / "review.json").read_bytes()
    request = (
        b"POST /mutate?timeout=3s HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
        b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
    )
    while time.perf_counter() - began < _LONGEST_START:
        if process.poll() is not None:
            said = process.stderr.read().decode() if process.stderr is not None else ""
            sys.stderr.write(f"left out, because it did not start: {process.args}\n{said[-500:]}\n")
            return None
        try:
            with (
                socket.create_connection(("127.0.0.1", port), 1) as plain,
                context.wrap_socket(plain, server_hostname="localhost") as secured,
            ):
                secured.sendall(request + body)
                if secured.recv(1024).startswith(b"HTTP/1.1 200"):
                    return time.perf_counter() - began
        except OSError:
            pass
        time.sleep(0.005)
    sys.stderr.write(f"left out, because it never answered: {process.args}\n")
    return None


def _measure(
    running: Sequence[Running], load: Path, work: Path, rounds: int, requests: int
) -> dict[str, list[Round]]:
    measured: dict[str, list[Round]] = {each.contestant.name: [] for each in running}
    for each in running:
        _load(each, load, work, CONNECTIONS, max(requests // 10, CONNECTIONS))
    for number in range(rounds):
        # In turns, and every other time the other way round.
        for each in running if number % 2 == 0 else reversed(running):
            measured[each.contestant.name].append(_load(each, load, work, CONNECTIONS, requests))
    return measured


def _load(server: Running, load: Path, work: Path, connections: int, requests: int) -> Round:
    url = f"https://localhost:{server.port}/mutate?timeout=10s"
    before = _processor_seconds(server.process.pid)
    done = subprocess.run(
        [load, url, work / "ca.crt", work / "review.json", str(connections), str(requests)],
        check=True,
        stdout=subprocess.PIPE,
        timeout=_LONGEST_LOAD,
        preexec_fn=lambda: _pin(1),
    )
    spent = _processor_seconds(server.process.pid) - before
    told = json.loads(done.stdout)
    if told["failed"]:
        sys.exit(f"{server.contestant.name}: {told['failed']} of {told['requests']} failed")
    return Round(told["requests"], spent, told["seconds"], told["p50"], told["p99"])


def _processor_seconds(process: int) -> float:
    # schedstat counts nanoseconds; /proc/PID/stat would count in steps of 10 ms.
    tasks = Path(f"/proc/{process}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def _megabytes(process: int) -> float:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _pin(processor: int) -> None:
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) > 1:
        os.sched_setaffinity(0, {allowed[processor]})


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _print(
    running: Sequence[Running],
    measured: dict[str, list[Round]],
    size: int,
    rounds: int,
    requests: int,
) -> None:
    go = subprocess.run(["go", "env", "GOVERSION"], check=True, stdout=subprocess.PIPE, text=True)
    print(
        f"{size} byte review, {CONNECTIONS} connections, {rounds} × {requests} requests; "
        f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}, "
        f"{go.stdout.strip()}\n"
    )
    print(
        "| server | CPU µs a request, min (median) | × Go | requests/s | p50 ms | p99 ms | RSS MB | start ms |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    base = None
    for each in running:
        all_rounds = measured[each.contestant.name]
        costs = [each_round.processor / each_round.requests * 1e6 for each_round in all_rounds]
        best = min(costs)
        base = best if base is None else base
        print(
            f"| {each.contestant.name} | {best:.0f} ({median(costs):.0f}) | {best / base:.2f} "
            f"| {max(one.requests / one.wall for one in all_rounds):.0f} "
            f"| {min(one.p50 for one in all_rounds):.2f} | {min(one.p99 for one in all_rounds):.2f} "
            f"| {_megabytes(each.process.pid):.0f} | {each.start * 1000:.0f} |"
        )


def _print_large(server: Running, work: Path, rounds: int) -> None:
    print("\n| whole review, one at a time | MB | ms, min (median) | CPU ms, min |")
    print("|---|--:|--:|--:|")
    context = ssl.create_default_context(cafile=work / "ca.crt")
    for name, asked in (
        ("a usual cluster", review()),
        ("5 MB of annotations", five_megabytes()),
        ("1,000 pools × 100 selectors", a_thousand_pools()),
    ):
        body = json.dumps(asked).encode()
        walls, spent = [], []
        connection = http.client.HTTPSConnection("localhost", server.port, context=context)
        with contextlib.closing(connection):
            for _ in range(3 * rounds):
                before, began = _processor_seconds(server.process.pid), time.perf_counter()
                headers = {"content-type": "application/json"}
                connection.request("POST", "/mutate?timeout=30s", body, headers)
                answer = connection.getresponse()
                answer.read()
                walls.append(time.perf_counter() - began)
                spent.append(_processor_seconds(server.process.pid) - before)
                if answer.status != 200:
                    sys.exit(f"{name}: HTTP {answer.status}")
        print(
            f"| {name} | {len(body) / 1e6:.2f} | {min(walls) * 1000:.1f} "
            f"({median(walls) * 1000:.1f}) | {min(spent) * 1000:.1f} |"
        )


if __name__ == "__main__":
    main()
