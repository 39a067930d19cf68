"""Alerts and dashboard ask for metrics that there are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rendering import ROOT, needed, render

from rke2_webhook.metrics import Metrics

promql = needed("promql_parser")

HOUR, DAY = 3600, 86400
RULES = {"metrics": {"prometheusRule": {"enabled": True}}}
SHOWN = {"metrics": {"grafana": {"enabled": True}}}
# The API server's own; tests/e2e/test_chart.py looks for it there.
FOREIGN = {
    "apiserver_admission_webhook_fail_open_count": {"name"},
    "apiserver_admission_webhook_rejection_count": {"name", "error_type"},
}
# Prometheus adds these to whatever it reads.
ADDED = {"job", "namespace", "pod", "instance", "le"}


def alerts(**values: Any) -> list[Any]:
    (group,) = render({**RULES, **values}).at("PrometheusRule: spec.groups")
    rules: list[Any] = group["rules"]
    return rules


def dashboard() -> Any:
    return json.loads(render(SHOWN).at("ConfigMap/-dashboard: data[~rke2-webhook.json]"))


def queries() -> Iterator[str]:
    for alert in alerts():
        yield alert["expr"]
    for panel in dashboard()["panels"]:
        for target in panel["targets"]:
            # Grafana puts these in.
            yield target["expr"].replace("$__rate_interval", "5m")


@pytest.fixture(scope="module")
def known() -> dict[str, set[str]]:
    """The metrics that Prometheus reads from the server, with the labels of each."""
    metrics = Metrics("0-test")
    labels = {
        name: set(getattr(collector, "_labelnames", ()))
        for name, collector in metrics.registry._names_to_collectors.items()
    }
    page, _ = metrics.page()
    read: dict[str, set[str]] = {}
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", page.decode(), re.MULTILINE):
        parts = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
        read |= {f"{name}{part}": labels.get(name, set()) for part in parts}
    return read | FOREIGN


def selectors(query: str) -> Iterator[tuple[str, set[str]]]:
    """Yield the metrics that a query asks for, and the labels that it names."""
    grouped = {
        name.strip()
        for found in re.findall(r"\b(?:by|without) \(([^)]*)\)", query)
        for name in found.split(",")
    }
    for name, matchers in re.findall(r"([a-z_][a-z0-9_:]+)\{([^}]*)\}", query):
        yield name, {each[0] for each in re.findall(r"([a-z_]+)(=~|!=|=)", matchers)} | grouped


@pytest.mark.parametrize("query", list(queries()))
def test_a_query_asks_for_what_there_is(query: str, known: dict[str, set[str]]) -> None:
    promql.parse(query)
    asked = list(selectors(query))
    assert asked
    for name, labels in asked:
        assert name in known, f"the server has no {name}"
        assert labels <= known[name] | ADDED, f"{name} has no label {labels - known[name] - ADDED}"


def test_no_query_hides_a_metric_from_these_tests() -> None:
    for query in queries():
        bare = re.sub(r"\{[^}]*\}", "{}", query)
        for name in re.findall(r"\b(?:rke2_webhook|process|apiserver)_\w+", bare):
            assert f"{name}{{}}" in bare, f"{name} without labels in {query}"


def test_every_alert_says_what_to_do() -> None:
    page = (ROOT / "docs/webhook-alerts.md").read_text("utf-8")
    headings = re.findall(r"^## (\w+)$", page, re.MULTILINE)
    assert headings == [each["alert"] for each in alerts()]
    for each in alerts():
        said = each["annotations"]
        assert said["runbook_url"].endswith(f"/webhook-alerts/#{each['alert'].lower()}")
        assert said["summary"]
        assert said["description"]
        assert each["labels"]["severity"] in {"warning", "critical"}


def test_what_passes_by_itself_is_told_only_if_it_lasts() -> None:
    """A rollout, a busy minute or a scan; not what has happened, and will not be undone."""
    waits = {each["alert"].removeprefix("Rke2Webhook"): each.get("for") for each in alerts()}
    happened = {"Bypassed", "Blocks", "Fails", "Repatches"}
    assert {name for name, wait in waits.items() if wait is None} == happened
    assert {wait for name, wait in waits.items() if name not in happened} == {"5m", "10m"}


def test_the_alerts_are_about_this_release() -> None:
    rendered = render({**RULES, "fullnameOverride": "mine"})
    for each in rendered.at("PrometheusRule: spec.groups[0].rules"):
        if "apiserver_" not in each["expr"]:
            assert 'job="mine",namespace="cattle-system"' in each["expr"]


def test_a_certificate_is_told_before_it_ends_and_after_it_should_be_new() -> None:
    """A third of its life is left when it is renewed; the alert comes between that and the end."""
    leaf, ca = ends()
    assert (leaf, ca) == (6 * HOUR, DAY)
    assert leaf < 7 * DAY / 3
    assert ca < 365 * DAY / 3


@pytest.mark.parametrize(
    ("tls", "leaf", "ca"),
    [
        pytest.param(
            {"self": {"leafLifetime": "8h", "caLifetime": "1.5d"}},
            8 * HOUR / 6,
            6 * HOUR,
            id="self",
        ),
        pytest.param({"mode": "cert-manager"}, 7 * DAY, 14 * DAY, id="cert-manager"),
        pytest.param(
            {"mode": "cert-manager", "certManager": {"duration": "24h", "renewBefore": "8h30m"}},
            4.25 * HOUR,
            14 * DAY,
            id="cert-manager for a day",
        ),
        pytest.param(
            {"mode": "secret", "secret": {"name": "x"}}, 7 * DAY, 14 * DAY, id="by somebody"
        ),
    ],
)
def test_certificates_that_live_shorter_are_told_of_later(
    tls: dict[str, Any], leaf: float, ca: float
) -> None:
    """Otherwise those that are renewed in time would be told of for good."""
    assert ends(tls=tls) == [leaf, ca]


def ends(**values: Any) -> list[int]:
    (each,) = [one for one in alerts(**values) if one["alert"] == "Rke2WebhookCertificateEnds"]
    return [int(seconds) for seconds in re.findall(r"< (\d+)", each["expr"])]


class TestDashboard:
    def test_every_panel_says_what_it_shows_and_overlaps_no_other(self) -> None:
        taken: set[tuple[int, int]] = set()
        for panel in dashboard()["panels"]:
            assert panel["description"]
            place = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert not cells & taken
            assert place["x"] + place["w"] <= 24
            taken |= cells

    def test_it_asks_the_release_that_is_chosen(self) -> None:
        names = {each["name"] for each in dashboard()["templating"]["list"]}
        assert names == {"datasource", "namespace", "job"}
        for panel in dashboard()["panels"]:
            for target in panel["targets"]:
                for name, _ in selectors(target["expr"]):
                    if name not in FOREIGN:
                        assert 'job=~"$job",namespace=~"$namespace"' in target["expr"]


def test_the_page_is_in_the_site() -> None:
    assert "webhook-alerts.md" in Path(ROOT / "mkdocs.yml").read_text("utf-8")
