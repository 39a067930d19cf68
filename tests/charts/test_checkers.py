"""What the field's checkers say of the manifests: nothing that is not explained here.

kube-score and checkov are looked for on the PATH and in .venv/ci-tools, where
`make ci-tools` puts them; without them, these tests are skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from rendering import ROOT, render

EVERYTHING = {
    # A digest, as somebody has it who is asked for one.
    "image": {"digest": f"sha256:{'0' * 64}"},
    "autoscaling": {"enabled": True},
}

# Why each of these is as it is.
EXPLAINED: Mapping[str, str] = {
    # A limit of processor time only slows answers down, while the API server waits.
    "CPU limit is not set": "kube-score",
    "CKV_K8S_11": "checkov",
    # Tags of releases do not move, and a node without its registry can still start a pod.
    "ImagePullPolicy is not set to Always": "kube-score",
    # It is what the server is for: `get` and `patch` on two of them, by name.
    "CKV_K8S_155": "checkov",
}


def tool(name: str) -> str:
    places = [ROOT / ".venv/ci-tools/bin", ROOT / ".venv/ci-tools/checkov/bin"]
    path = os.pathsep.join([*map(str, places), os.environ["PATH"]])
    found = shutil.which(name, path=path)
    if found is None:
        pytest.skip(f"there is no {name} here: `make ci-tools` installs it")
    return found


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("manifests") / "all.yaml"
    file.write_text("---\n".join(yaml.safe_dump(each) for each in render(EVERYTHING)))
    return file


def run(command: Sequence[str | Path]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout, done.stderr
    return done.stdout


def test_kube_score(manifests: Path) -> None:
    said = run([tool("kube-score"), "score", "--kubernetes-version=v1.28", "-o=json", manifests])
    objects: list[Any] = json.loads(said)
    assert len(objects) > 5
    found = {
        (comment["summary"], each["object_name"])
        for each in objects
        for check in each["checks"]
        if check["grade"] < 10 and not check["skipped"]
        for comment in check["comments"] or [{"summary": check["check"]["name"]}]
    }
    assert {summary for summary, _ in found} == _explained("kube-score")


def test_checkov(manifests: Path) -> None:
    report = json.loads(
        run(
            [
                tool("checkov"),
                "--framework=kubernetes",
                "--skip-download",
                "--quiet",
                "--output=json",
                f"--file={manifests}",
            ]
        )
    )
    assert report["summary"]["passed"] > 150
    failed = {each["check_id"] for each in report["results"]["failed_checks"]}
    assert failed == _explained("checkov")


def _explained(name: str) -> set[str]:
    return {what for what, whose in EXPLAINED.items() if whose == name}
