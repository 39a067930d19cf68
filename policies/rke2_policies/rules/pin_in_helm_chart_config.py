"""kube-proxy is no chart: a HelmChartConfig for rke2-kube-proxy reaches nothing."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.finding import Problem, Severity
from rke2_policies.manifest import Manifest
from rke2_policies.rule import rule


@rule(Manifest, severity=Severity.WARNING)
def check(manifest: Manifest) -> Iterator[Problem]:
    if manifest.group != "helm.cattle.io" or manifest.name != "rke2-kube-proxy":
        return
    ours = pin.names_variable(manifest.tree.get("spec"))
    message = f"there is no chart rke2-kube-proxy since v1.21.3: kube-proxy is a static pod, set {pin.KEY}"
    severity = Severity.ERROR if ours else None
    yield Problem(message, manifest.place / "metadata" / "name", severity=severity)
