"""What the webhook's page shows is what there is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_shows_the_policy_that_is_in_force() -> None:
    policy = (ROOT / "policies/rke2_policies/baselines/default.yaml").read_text("utf-8")
    assert f"```yaml\n{policy}```" in (ROOT / "webhook/README.md").read_text("utf-8")


def test_the_demo_runs_and_shows_the_pin() -> None:
    demo = [sys.executable, str(ROOT / "examples/webhook/demo.py")]
    done = subprocess.run(demo, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    after = json.loads(done.stdout.partition("--- the Cluster after\n")[2])
    assert after["machineGlobalConfig"]["kube-proxy-extra-env"][-1] == "IPTABLES_MODE=nft"
