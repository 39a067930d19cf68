"""What the webhook's page shows is what there is."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from prometheus_client.metrics import MetricWrapperBase

from rke2_webhook.metrics import Metrics
from rke2_webhook.review import DECISIONS, answer

ROOT = Path(__file__).parents[2]


def test_the_page_shows_the_policy_that_is_in_force() -> None:
    policy = (ROOT / "policies/rke2_policies/baselines/default.yaml").read_text("utf-8")
    assert f"```yaml\n{policy}```" in (ROOT / "webhook/README.md").read_text("utf-8")


def test_the_page_tells_every_decision() -> None:
    page = (ROOT / "webhook/README.md").read_text("utf-8")
    shown = page.partition("<!-- decisions: begin -->\n")[2].partition("<!-- decisions: end -->")[0]
    rows = [f"| `{word}` | {meaning} |\n" for word, meaning in DECISIONS.items()]
    assert shown == "".join(["| Decision | |\n", "|---|---|\n", *rows])


def test_the_page_tells_every_metric_of_ours() -> None:
    page = (ROOT / "webhook/README.md").read_text("utf-8")
    shown = page.partition("<!-- metrics: begin -->\n")[2].partition("<!-- metrics: end -->")[0]
    rows = [
        f"| `{family.name}{'_total' if family.type == 'counter' else ''}` | {family.type} "
        f"| {', '.join(f'`{label}`' for label in collector._labelnames)} "
        f"| {family.documentation} |\n"
        for collector in Metrics("1").registry._collector_to_names
        if isinstance(collector, MetricWrapperBase)  # not what is told of any process
        for family in collector.collect()
    ]
    assert shown == "".join(["| Metric | Type | Labels | |\n", "|---|---|---|---|\n", *rows])


def test_the_page_shows_a_warning_as_it_is() -> None:
    page = (ROOT / "webhook/README.md").read_text("utf-8")
    shown = re.findall(r"^Warning: (.*)$", page, re.MULTILINE)
    asked = json.loads((ROOT / "examples/webhook/review.json").read_text("utf-8"))
    told = answer(asked)["response"]["warnings"]
    assert shown == told


def test_the_demo_runs_and_shows_the_pin() -> None:
    demo = [sys.executable, str(ROOT / "examples/webhook/demo.py")]
    done = subprocess.run(demo, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    after = json.loads(done.stdout.partition("--- the Cluster after\n")[2])
    assert after["machineGlobalConfig"]["kube-proxy-extra-env"][-1] == "IPTABLES_MODE=nft"
