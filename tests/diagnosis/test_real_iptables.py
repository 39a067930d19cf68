"""What do real iptables hold, and is what is predicted from them what RKE2's detector would choose?

Each test makes a network namespace of its own, with real rules in it, in both backends and families.
It needs root and Debian's `iptables`; without them the tests are skipped, unless
RKE2_LINT_IPTABLES=required is set.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

SAVING = (
    "iptables-legacy-save",
    "ip6tables-legacy-save",
    "iptables-nft-save",
    "ip6tables-nft-save",
)
SERVICES = (
    "iptables-{backend} -t nat -N KUBE-SERVICES; "
    'iptables-{backend} -t nat -A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES; '
)
Shell = Callable[[str], str]


def missing() -> str:
    """Return why the tests cannot run; "" where they can."""
    if sys.platform != "linux" or os.geteuid():
        return "only root may make network namespaces"
    tools = [tool for tool in (*SAVING, "unshare", "nsenter", "nft") if shutil.which(tool) is None]
    if tools:
        return f"there is no {tools[0]}: apt install iptables nftables util-linux"
    tried = subprocess.run(
        ["unshare", "-n", "sh", "-c",
         "for each in iptables-legacy ip6tables-legacy iptables-nft ip6tables-nft; do "
         "$each -A INPUT -j ACCEPT || exit 1; done"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return f"iptables do not work here: {tried.stderr.strip()}" if tried.returncode else ""


@pytest.fixture(scope="module", autouse=True)
def _needed() -> None:
    if reason := missing():
        if os.environ.get("RKE2_LINT_IPTABLES") == "required":
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture
def shell() -> Iterator[Shell]:
    """Run commands in a network namespace of this test's own."""
    held = subprocess.Popen(
        ["unshare", "-n", "sh", "-c", "echo ready && exec sleep 600"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert held.stdout is not None
    assert held.stdout.readline() == "ready\n"

    def run(commands: str) -> str:
        inside = ["nsenter", f"--net=/proc/{held.pid}/ns/net", "sh", "-e", "-c", commands]
        done = subprocess.run(inside, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    try:
        yield run
    finally:
        held.terminate()
        held.wait()
        held.stdout.close()


def rules(tool: str, count: int) -> str:
    net = "2001:db8::{}/128" if tool.startswith("ip6") else "10.9.8.{}/32"
    return "".join(f"{tool} -A INPUT -s {net.format(n + 1)} -j DROP; " for n in range(count))


def detected(shell: Shell) -> str:
    """Choose as RKE2's detector is described to, by asking the real tools what it asks them."""
    legacy = int(
        shell("{ iptables-legacy-save; ip6tables-legacy-save; } 2>/dev/null | grep -c ^- || true")
    )
    if legacy >= 10:
        return "legacy"
    nft = int(shell("{ iptables-nft-save; ip6tables-nft-save; } 2>/dev/null | grep -c ^- || true"))
    if legacy > nft:
        return "legacy"
    return "nft" if nft else "unknown"


def dumped(shell: Shell, folder: Path, **more: str) -> Path:
    """Save what there is, as people do it."""
    folder.mkdir()
    for tool in SAVING:
        (folder / tool).write_text(shell(f"{tool} 2>&1"))
    (folder / "nft-ruleset").write_text(shell("nft list ruleset"))
    for name, text in more.items():
        (folder / name.replace("_", ".")).write_text(text)
    return folder


def told(*arguments: object) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "rke2_lint", "node", "--isolated", "--output-format", "json", *map(str, arguments)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    [node] = json.loads(done.stdout)["nodes"]
    return done.returncode, node


UNPINNED = "KUBERNETES_PORT=tcp://10.43.0.1:443\n"
PINNED = f"{UNPINNED}IPTABLES_MODE=nft\n"


@pytest.mark.parametrize(
    "counts",
    [
        (12, 0, 0, 0), (10, 0, 30, 0), (5, 5, 30, 0), (9, 0, 30, 0), (9, 0, 8, 0), (9, 0, 9, 0), (1, 0, 0, 0),
        (0, 9, 8, 0), (5, 0, 2, 3), (0, 0, 1, 0), (0, 0, 0, 1), (4, 5, 5, 5), (0, 0, 0, 0), (0, 12, 0, 0),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_predicted_is_what_the_detector_chooses(
    counts: tuple[int, int, int, int], shell: Shell, tmp_path: Path
) -> None:
    tools = ("iptables-legacy", "ip6tables-legacy", "iptables-nft", "ip6tables-nft")
    shell("".join(rules(tool, count) for tool, count in zip(tools, counts, strict=True)) or "true")
    _, node = told(dumped(shell, tmp_path / "node", env=UNPINNED))
    assert node["predicted"] == detected(shell)
    legacy4, legacy6, nft4, nft6 = counts
    assert node["rules"] == {
        "legacy": {"ipv4": legacy4, "ipv6": legacy6}, "nft": {"ipv4": nft4, "ipv6": nft6},
    }  # fmt: skip


def test_twelve_custom_rules_lead_to_legacy_and_are_named(shell: Shell, tmp_path: Path) -> None:
    shell(rules("iptables-legacy", 12))
    folder = dumped(shell, tmp_path / "worker-1", env=UNPINNED)
    code, node = told(folder)
    assert code == 1
    assert (node["verdict"], node["predicted"], node["pin"]) == ("error", "legacy", None)
    assert node["owners"] == {"custom": 12}
    done = subprocess.run(
        [sys.executable, "-m", "rke2_lint", "node", "--isolated", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    for said in (
        "-A INPUT -s 10.9.8.1/32 -j DROP  custom",
        "-A INPUT -s 10.9.8.12/32 -j DROP  custom",
        "12 legacy rules: 10 are enough for it",
        "1. Move the rules that are not the cluster's to nft",
        "2. Pin kube-proxy to nft, on every node",
        "3. Restart the service",
        "IPTABLES_MODE=nft",
    ):
        assert said in done.stdout


@pytest.mark.parametrize(("nft", "predicted"), [(8, "legacy"), (9, "nft")])
def test_with_nine_legacy_rules_one_in_nft_decides(
    nft: int, predicted: str, shell: Shell, tmp_path: Path
) -> None:
    shell(rules("iptables-legacy", 9) + rules("iptables-nft", nft))
    _, node = told(dumped(shell, tmp_path / "node", env=UNPINNED))
    assert node["predicted"] == predicted
    assert node["verdict"] == ("error" if predicted == "legacy" else "warning")


@pytest.mark.parametrize("tool", ["iptables-legacy", "ip6tables-legacy"])
def test_with_the_pin_it_is_nft_and_stale_rules_are_named(
    tool: str, shell: Shell, tmp_path: Path
) -> None:
    shell(SERVICES.format(backend="nft") + SERVICES.format(backend="legacy") + rules(tool, 12))
    code, node = told(dumped(shell, tmp_path / "node", env=PINNED))
    assert code == 1
    assert (node["current"], node["predicted"], node["pin"]) == ("nft", "nft", "nft")
    assert node["verdict"] == "warning"
    [finding] = node["findings"]
    assert finding["rule"] == "stale-legacy-rules"
    assert "13 legacy rules are left (12 custom, 1 kubernetes), such as " in finding["message"]


def test_a_node_that_is_pinned_and_has_nothing_else_passes(shell: Shell, tmp_path: Path) -> None:
    shell(SERVICES.format(backend="nft"))
    code, node = told(dumped(shell, tmp_path / "node", env=PINNED, readlink="xtables-nft-multi\n"))
    assert (code, node["verdict"], node["findings"]) == (0, "pass", [])


def test_kube_proxy_in_legacy_is_seen_by_its_chains(shell: Shell, tmp_path: Path) -> None:
    shell(SERVICES.format(backend="legacy") + rules("iptables-legacy", 12))
    _, node = told(dumped(shell, tmp_path / "node", env=UNPINNED))
    assert (node["current"], node["predicted"], node["verdict"]) == ("legacy", "legacy", "error")
    assert {"legacy-in-use", "legacy-at-next-start"} <= {one["rule"] for one in node["findings"]}


def test_both_families_in_one_file_are_told_apart(shell: Shell, tmp_path: Path) -> None:
    shell(rules("iptables-legacy", 4) + rules("ip6tables-legacy", 7))
    folder = tmp_path / "node"
    folder.mkdir()
    both = shell("iptables-legacy-save; ip6tables-legacy-save")
    (folder / "iptables-legacy-save").write_text(both.replace("\n", "\r\n"))
    _, node = told(folder)
    assert node["rules"]["legacy"] == {"ipv4": 4, "ipv6": 7}
    assert node["predicted"] == "legacy"


def test_the_ruleset_of_nft_counts_where_the_dumps_are_missing(
    shell: Shell, tmp_path: Path
) -> None:
    shell(SERVICES.format(backend="nft") + rules("iptables-nft", 5) + rules("ip6tables-nft", 2))
    folder = dumped(shell, tmp_path / "node", env=UNPINNED)
    for tool in SAVING[2:]:
        (folder / tool).unlink()
    for name, command in (
        ("nft-ruleset", "nft list ruleset"),
        ("nft-ruleset.json", "nft -j list ruleset"),
    ):
        (folder / "nft-ruleset").unlink()
        (folder / name).write_text(shell(command))
        _, node = told(folder)
        assert node["rules"]["nft"] == {"ipv4": 6, "ipv6": 2}, name
        assert (node["current"], node["predicted"]) == ("nft", "nft")
        (folder / "nft-ruleset").touch()


def test_hosts_that_warn_of_legacy_tables_have_some(shell: Shell, tmp_path: Path) -> None:
    """In a bundle the warning stands among the rules; where it does not, there are no legacy rules."""
    networking = tmp_path / "worker-2026-11-23_10_00_00" / "networking"
    networking.mkdir(parents=True)

    def collected() -> dict[str, Any]:
        for name, tool in (
            ("iptablessave", "iptables-nft-save"),
            ("ip6tablessave", "ip6tables-nft-save"),
        ):
            (networking / name).write_text(shell(f"{tool} 2>&1"))
        return told(networking.parent)[1]

    shell(SERVICES.format(backend="nft") + rules("ip6tables-nft", 1))
    assert collected()["rules"]["legacy"] == {"ipv4": 0, "ipv6": 0}
    shell(rules("iptables-legacy", 1))
    assert collected()["rules"]["legacy"] == {"ipv4": None, "ipv6": 0}


# --- the very node


@pytest.fixture
def spies(tmp_path: Path) -> Path:
    """A folder for PATH in which every iptables tells that it was called, and does its work."""
    folder = tmp_path / "spies"
    folder.mkdir()
    log = tmp_path / "called"
    found = {path.name for path in Path("/usr/sbin").iterdir()}
    for name in sorted(found):
        if name.startswith(("iptables", "ip6tables", "xtables", "nft", "arptables", "ebtables")):
            real = shutil.which(name)
            (folder / name).write_text(f'#!/bin/sh\necho {name} "$@" >> {log}\nexec {real} "$@"\n')
            (folder / name).chmod(0o755)
    return folder


def test_this_very_node_is_looked_at_with_tools_that_only_read(
    spies: Path, shell: Shell, tmp_path: Path
) -> None:
    shell(rules("iptables-legacy", 12) + rules("ip6tables-nft", 3))
    before = shell("; ".join(SAVING) + "; nft list ruleset; lsmod 2>/dev/null || true")
    written = shell(
        f"PATH={spies}:$PATH {sys.executable} -m rke2_lint node --isolated --output-format json || test $? = 1"
    )
    [node] = json.loads(written)["nodes"]
    assert node["rules"] == {"legacy": {"ipv4": 12, "ipv6": 0}, "nft": {"ipv4": 0, "ipv6": 3}}
    assert (node["predicted"], node["owners"]) == ("legacy", {"custom": 12})
    called = (tmp_path / "called").read_text().splitlines()
    assert {line.split()[0] for line in called} == set(SAVING)
    assert all(len(line.split()) == 1 for line in called), "no tool is given an option"
    after = shell("; ".join(SAVING) + "; nft list ruleset; lsmod 2>/dev/null || true")
    assert strip(after) == strip(before)


def strip(dump: str) -> list[str]:
    return [line for line in dump.splitlines() if not line.startswith("#")]
