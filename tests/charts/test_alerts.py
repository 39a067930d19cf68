"""What the alerts tell of, by Prometheus' own engine: each sickness, and of a healthy webhook nothing.

The engine is a small program in Go, tests/peers/promql; `make ci-tools` builds it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest
from rendering import ROOT, render

HOURS = 6
POD = 'job="rke2-webhook",namespace="cattle-system",pod="{}"'
API_SERVER = 'job="apiserver",instance="10.0.0.1:6443"'
HOOK = f'{API_SERVER},name="clusters.rke2-lint.dev",type="admit"'

LEAF = 'rke2_webhook_certificate_not_after_timestamp_seconds{certificate="leaf"}'
CA = 'rke2_webhook_certificate_not_after_timestamp_seconds{certificate="ca"}'
OK = 'rke2_webhook_requests_total{endpoint="mutate",code="200"}'
BUSY = 'rke2_webhook_requests_total{endpoint="mutate",code="429"}'
FAST = 'rke2_webhook_request_duration_seconds_bucket{endpoint="mutate",le="0.005"}'
SLOW = 'rke2_webhook_request_duration_seconds_bucket{endpoint="mutate",le="0.5"}'
ALL = 'rke2_webhook_request_duration_seconds_bucket{endpoint="mutate",le="+Inf"}'
TRUSTED = 'rke2_webhook_cabundle_matches{configuration="mutating/rke2-webhook"}'
BEGUN = "rke2_webhook_tls_handshakes_started_total"
DONE = "rke2_webhook_tls_handshakes_completed_total"
PASSED_BY = f"apiserver_admission_webhook_fail_open_count{{{HOOK}}}"
REFUSED = (
    f'apiserver_admission_webhook_rejection_count{{{HOOK},error_type="calling_webhook_error"}}'
)
DENIED = f'apiserver_admission_webhook_rejection_count{{{HOOK},error_type="no_error"}}'
UP = f"up{{{API_SERVER}}}"

# A sample each minute, in promqltest's words: `7x360` is 7 for six hours, `0+2x360` two more each minute, `_x60` nothing.
HEALTHY = {
    "rke2_webhook_ready": "1x360",
    TRUSTED: "1x360",
    LEAF: f"{3 * 86400}x360",
    CA: f"{200 * 86400}x360",
    "rke2_webhook_errors_total": "0x360",
    OK: "0+100x360",
    FAST: "0+100x360",
    SLOW: "0+100x360",
    ALL: "0+100x360",
    BEGUN: "0+2x360",
    DONE: "0+2x360",
    "rke2_webhook_repatches_total": "0x360",
    "rke2_webhook_policy_current": "1x360",
    # Long ago somebody has passed it by, and was refused; policies may deny.
    PASSED_BY: "7x360",
    REFUSED: "3x360",
    DENIED: "0+1x360",
    UP: "1x360",
}


@cache
def engine() -> str:
    path = os.pathsep.join([str(ROOT / ".venv/ci-tools/bin"), os.environ["PATH"]])
    found = shutil.which("promql", path=path)
    if found is None:
        pytest.skip("there is no promql here: `make ci-tools` builds it")
    return found


def load(series: Mapping[str, str]) -> str:
    def lines() -> Iterator[str]:
        yield "load 1m"
        for name, values in series.items():
            metric, _, labels = name.rstrip("}").partition("{")
            ours = metric.startswith("rke2_webhook_")
            for pod in ("a", "b") if ours else ("",):
                said = [labels, POD.format(pod)] if ours else [labels]
                yield f"  {metric}{{{','.join(each for each in said if each)}}} {values}"

    return "\n".join(lines())


def told(changed: Mapping[str, str], hours: float = HOURS, **values: Any) -> set[str]:
    """Return the alerts whose expression says something, after so many hours."""
    given = {**values, "metrics": {"prometheusRule": {"enabled": True}}}
    rules = render(given).at("PrometheusRule: spec.groups[0].rules")
    at = round(hours * 3600)
    asked = {
        "series": load({**HEALTHY, **changed}),
        "asked": [{"expr": each["expr"], "at": at} for each in rules],
    }
    done = subprocess.run(
        [engine()], input=json.dumps(asked), capture_output=True, text=True, check=False
    )
    assert not done.returncode, done.stderr
    answers = json.loads(done.stdout)
    return {
        rule["alert"].removeprefix("Rke2Webhook")
        for rule, answer in zip(rules, answers, strict=True)
        if answer
    }


def test_a_healthy_webhook_is_not_told_of() -> None:
    assert told({}) == set()


@pytest.mark.parametrize(
    ("changed", "alert"),
    [
        pytest.param({"rke2_webhook_ready": "1x350 0x10"}, "Down", id="no pod is ready"),
        pytest.param({"rke2_webhook_ready": "1x100"}, "Down", id="no pod is seen"),
        pytest.param({PASSED_BY: "7x350 8x10"}, "Bypassed", id="passed by once more"),
        pytest.param({PASSED_BY: "_x350 1x10"}, "Bypassed", id="passed by for the first time"),
        pytest.param({PASSED_BY: "7x350 1x10"}, "Bypassed", id="the API server started anew"),
        pytest.param({REFUSED: "_x350 1x10"}, "Blocks", id="refused for the first time"),
        pytest.param({TRUSTED: "1x350 0x10"}, "NotTrusted", id="another caBundle"),
        pytest.param({LEAF: f"{(HOURS + 5) * 3600}x360"}, "CertificateEnds", id="leaf"),
        pytest.param({CA: f"{(HOURS + 23) * 3600}x360"}, "CertificateEnds", id="CA"),
        pytest.param({"rke2_webhook_errors_total": "0x350 1x10"}, "Fails", id="a fault"),
        pytest.param({BUSY: "0+2x360"}, "Refuses", id="two in a hundred"),
        pytest.param({FAST: "0+98x360", SLOW: "0+98x360"}, "Slow", id="two in a hundred are slow"),
        pytest.param({DONE: "0+1x360"}, "HandshakesFail", id="every other handshake"),
        pytest.param({"rke2_webhook_repatches_total": "0+0.1x360"}, "Repatches", id="a fight"),
        pytest.param({"rke2_webhook_policy_current": "1x350 0x10"}, "PolicyRefused", id="policy"),
    ],
)
def test_each_sickness_has_its_alert(changed: dict[str, str], alert: str) -> None:
    assert told(changed) == {alert}


@pytest.mark.parametrize(
    ("changed", "hours"),
    [
        pytest.param({}, 0.1, id="Prometheus has just begun"),
        pytest.param({PASSED_BY: "7x300 _x50 7x10", UP: "1x300 _x50 1x10"}, HOURS, id="a gap"),
        pytest.param({PASSED_BY: "_x300 7x60"}, HOURS, id="an hour ago"),
        pytest.param(
            {
                OK: "0x360",
                FAST: "0x360",
                SLOW: "0x360",
                ALL: "0x360",
                BEGUN: "0x360",
                DONE: "0x360",
            },
            HOURS,
            id="nobody asks",
        ),
        pytest.param({FAST: "0+99.5x360"}, HOURS, id="one in two hundred is slow"),
    ],
)
def test_these_are_no_sickness(changed: dict[str, str], hours: float) -> None:
    assert told(changed, hours) == set()


def test_a_certificate_for_hours_is_no_sickness_while_it_is_renewed() -> None:
    lifetimes = {"tls": {"self": {"leafLifetime": "6h", "caLifetime": "24h"}}}
    renewed = {LEAF: f"{(HOURS + 2) * 3600}x360", CA: f"{(HOURS + 8) * 3600}x360"}
    assert told(renewed, **lifetimes) == set()
    late = {**renewed, LEAF: f"{HOURS * 3600 + 1800}x360"}
    assert told(late, **lifetimes) == {"CertificateEnds"}
