"""What does a run import, and from whom? Every import that is not needed is time for every hook."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rke2_lint.reporters import FORMATS

CLUSTER = """\
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: prod, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env: [IPTABLES_MODE=nft]
    machinePools:
      - {name: all, controlPlaneRole: true, etcdRole: true, workerRole: true, quantity: 1}
"""
# All that a file may load that has nothing to do with RKE2, beside what Python loads by itself.
FOR_IRRELEVANT_FILES = {
    "__future__",
    "rke2_lint",
    "rke2_lint.asked",
    "rke2_lint.cli",
    "rke2_lint.files",
    "rke2_lint.options",
    "rke2_lint.outcome",
    "rke2_lint.work",
    "rke2_policies",
    "rke2_policies.recognise",
    "re",
    "re._casefix",
    "re._compiler",
    "re._constants",
    "re._parser",
    "enum",
    "types",
    "functools",
    "collections",
    "collections.abc",
    "copyreg",
    "operator",
    "keyword",
    "reprlib",
    "gc",
    "_collections",
    "_functools",
    "_operator",
    "_sre",
    "_weakref",
    "itertools",
}
THE_WEB = {"fastapi", "starlette", "uvicorn", "pydantic", "http", "socket", "ssl", "asyncio", "urllib.request"}  # fmt: skip


def loaded_by(folder: Path, *arguments: str) -> set[str]:
    """Return the modules that a run of the command line loads, without Python's own."""
    code = (
        "import sys; before = set(sys.modules)\n"
        "from rke2_lint.cli import main\n"
        "main(sys.argv[1:])\n"
        "print('\\0', *sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.rpartition("\0")[2].split())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "irrelevant.yaml").write_text("kind: Deployment\n")
    (tmp_path / "clean.yaml").write_text(CLUSTER)
    (tmp_path / "unpinned.yaml").write_text(CLUSTER.replace("kube-proxy-extra-env", "x"))
    return tmp_path


def test_a_file_that_cannot_matter_loads_next_to_nothing(folder: Path) -> None:
    assert loaded_by(folder, "irrelevant.yaml") - FOR_IRRELEVANT_FILES == set()


def test_options_cost_argparse_and_no_more(folder: Path) -> None:
    loaded = loaded_by(folder, "--fix", "--exit-non-zero-on-fix", "irrelevant.yaml")
    assert "argparse" in loaded
    assert not loaded & {
        "yaml",
        "json",
        "dataclasses",
        "shutil",
        "subprocess",
        "pathlib",
        "logging",
    }


def test_a_clean_cluster_loads_nothing_that_findings_need(folder: Path) -> None:
    loaded = loaded_by(folder, "clean.yaml")
    assert "yaml" in loaded
    assert not loaded & {"rke2_lint.telling", "rke2_lint.masking", "rke2_lint.reporters.full"}


def test_files_load_nothing_that_live_nodes_need(folder: Path) -> None:
    (folder / ".rke2-lint.yaml").write_text("levels: {legacy-in-use: note}\n")
    loaded = loaded_by(folder, ".")
    assert "rke2_policies.policy_file" in loaded
    live = (
        "rke2_policies.diagnos",
        "rke2_policies.live_rules.",
        "rke2_lint.node",
        "rke2_lint.health",
    )
    assert not {name for name in loaded if name.startswith(live)}


@pytest.mark.parametrize("format", [one.name for one in FORMATS])
def test_nothing_ever_loads_the_web(folder: Path, format: str) -> None:
    loaded = loaded_by(folder, "--output-format", format, ".")
    assert not loaded & THE_WEB
    assert not {name for name in loaded if name.startswith("rke2_webhook")}


def test_nothing_loads_ruamel_before_a_fix_is_written(folder: Path) -> None:
    loaded = loaded_by(folder, "unpinned.yaml")
    assert "rke2_lint.telling" in loaded
    assert not {name for name in loaded if name.startswith("ruamel")}


@pytest.mark.parametrize(
    "arguments", [["."], ["--fix", "."], ["effective", "."], ["rule"], ["lsp", "--help"]]
)
def test_nothing_loads_the_language_server_before_it_serves(
    folder: Path, arguments: list[str]
) -> None:
    loaded = loaded_by(folder, *arguments)
    assert not {one for one in loaded if one.startswith(("rke2_lint.lsp", "pygls", "lsprotocol"))}
