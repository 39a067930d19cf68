"""What does `rke2-lint node` see of the machine that it runs on, and does it leave it as it is?

A made-up machine is a folder; a made-up kube-proxy is a real process in a root of its own, with real
tools of iptables in it, and with an `iptables` that would tell if anybody called it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rke2_lint.node.files_of_nodes import UnreadableError
from rke2_lint.node.this_node import ThisNode
from rke2_policies.diagnose import NodeDiagnosis, diagnose
from rke2_policies.policy import Params

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has iptables")
MANIFEST = """\
{"kind": "Pod", "metadata": {"name": "kube-proxy", "labels": {"component": "kube-proxy"}},
 "spec": {"containers": [{"name": "kube-proxy", "env": [{"name": "IPTABLES_MODE", "value": "nft"}]}]}}
"""


def machine(root: Path, files: dict[str, str]) -> ThisNode:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return ThisNode(str(root))


def seen(node: ThisNode) -> NodeDiagnosis:
    [one] = diagnose([node.evidence(Params())]).nodes
    return one


def test_the_files_of_rke2_are_found(tmp_path: Path) -> None:
    node = machine(
        tmp_path,
        {
            "etc/rancher/rke2/config.yaml": "cni: canal\n",
            "etc/rancher/rke2/config.yaml.d/50-rancher.yaml": '{"kube-proxy-extra-env": ["IPTABLES_MODE=nft"]}',
            "var/lib/rancher/rke2/agent/pod-manifests/kube-proxy.yaml": MANIFEST,
            "proc/mounts": "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n",
        },
    )
    evidence = node.evidence(Params())
    assert evidence.machine is not None
    assert (evidence.machine.verdict, evidence.machine.roles) == ("pinned", ("agent",))
    assert evidence.pod is not None
    assert (evidence.pod.mode, evidence.cgroup) == ("nft", 2)


def test_the_data_directory_is_where_the_configuration_says(tmp_path: Path) -> None:
    node = machine(
        tmp_path,
        {
            "etc/rancher/rke2/config.yaml": "data-dir: /srv/rke2\n",
            "srv/rke2/agent/pod-manifests/kube-proxy.yaml": MANIFEST,
        },
    )
    assert node.evidence(Params()).pod is not None


@pytest.mark.parametrize(
    "path",
    [
        "etc/default/rke2-server",
        "etc/sysconfig/rke2-agent",
        "usr/local/lib/systemd/system/rke2-server.env",
        "var/lib/rancher/rke2/system-agent-installer/rke2-sa.env",
    ],
)
def test_the_services_environment_counts(path: str, tmp_path: Path) -> None:
    node = machine(tmp_path, {path: "RKE2_KUBE_PROXY_EXTRA_ENV=IPTABLES_MODE=nft\n"})
    found = node.evidence(Params()).machine
    assert found is not None
    assert found.verdict == "pinned"


def test_a_restart_is_pending(tmp_path: Path) -> None:
    node = machine(
        tmp_path,
        {
            "etc/rancher/rke2/config.yaml": "kube-proxy-extra-env: [IPTABLES_MODE=nft]\n",
            "var/lib/rancher/rke2/agent/pod-manifests/kube-proxy.yaml": MANIFEST.replace("IPTABLES_MODE", "X"),
        },
    )  # fmt: skip
    assert "restart-pending" in {finding.rule for finding in seen(node).findings}


def test_a_machine_without_rke2_is_no_node(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match=r"name dumps or bundles|run it as root"):
        machine(tmp_path, {"etc/hostname": "x\n"}).evidence(Params())


def test_what_may_not_be_read_is_told(tmp_path: Path) -> None:
    node = machine(tmp_path, {"etc/rancher/rke2/config.yaml.d/50-rancher.yaml": "cni: canal\n"})
    os.mkfifo(tmp_path / "etc/rancher/rke2/config.yaml")
    damages = node.evidence(Params()).damages
    assert ("/etc/rancher/rke2/config.yaml", "is not a file") in damages


# --- a real container


@pytest.fixture
def container(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    """A kube-proxy that runs in a root of its own, with RKE2's links in it, and pinned to nft."""
    tools = [shutil.which(f"xtables-{kind}-multi") for kind in ("legacy", "nft")]
    if os.geteuid() or None in tools:
        reason = "it takes root, and iptables: apt install iptables"
        if os.environ.get("RKE2_LINT_IPTABLES") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    root = tmp_path / "root"
    sbin = root / "usr/sbin"
    sbin.mkdir(parents=True)
    programs = [*filter(None, tools), shutil.which("sleep") or "/bin/sleep"]
    needed = subprocess.run(["ldd", *programs], capture_output=True, text=True, check=True).stdout
    for word in sorted(
        {word for word in needed.split() if word.startswith("/") and word[-1] != ":"}
    ):
        target = root / word.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(word, target)
    for program in programs:
        shutil.copy(program, sbin / Path(program).name)
    extensions = next(Path("/usr/lib").glob("*/xtables"), None)
    if extensions is not None:
        shutil.copytree(extensions, root / extensions.relative_to("/"))
    for kind in ("legacy", "nft"):
        for family in ("iptables", "ip6tables"):
            (sbin / f"{family}-{kind}-save").symlink_to(f"xtables-{kind}-multi")
    detect = sbin / "iptables-detect.sh"
    detect.write_text("#!/bin/sh\ntouch /called\n")
    detect.chmod(0o755)
    for name in ("iptables", "iptables-save", "iptables-restore", "ip6tables", "ip6tables-save"):
        (sbin / name).symlink_to("iptables-detect.sh")
    process = subprocess.Popen(
        ["/usr/local/bin/kube-proxy", "600"],
        executable="/usr/sbin/sleep",
        env={"KUBERNETES_PORT": "x", "IPTABLES_MODE": "nft"},
        preexec_fn=lambda: os.chroot(root),
    )
    try:
        time.sleep(0.1)
        assert process.poll() is None
        yield root, process
    finally:
        process.kill()
        process.wait()


def test_kube_proxys_container_is_asked_and_left_alone(
    container: tuple[Path, subprocess.Popen[bytes]],
) -> None:
    root, _ = container
    before = sorted(str(path) for path in root.rglob("*"))
    evidence = ThisNode().evidence(Params())
    assert evidence.environment is not None
    assert evidence.environment.mode == "nft"
    assert evidence.link == "iptables-detect.sh"
    inside = [dump for dump in evidence.dumps if not dump.by_host]
    assert {(dump.backend, dump.family) for dump in inside} == {
        ("legacy", 4), ("legacy", 6), ("nft", 4), ("nft", 6),
    }  # fmt: skip
    assert not [damage for damage in evidence.damages if "iptables" in damage.source]
    assert not (root / "called").exists()
    assert sorted(str(path) for path in root.rglob("*")) == before
