"""Kyverno's MutatingPolicy: the native policy's own CEL, in the pods of Kyverno.

It is for API servers before 1.36. Kyverno 1.15 has it first, and the v1 of it since 1.17; the older
ClusterPolicy is deprecated (kyverno/kyverno api/kyverno/v1/clusterpolicy_types.go).
"""

from __future__ import annotations

from rke2_lint.export.mutating import LIMITS, evaluation
from rke2_lint.export.wanted import wanted
from rke2_policies.policy import Policy

_HEAD = """\
# Written by rke2-lint @VERSION@: `rke2-lint export --format kyverno`.
# For Kyverno 1.17 and later, on any Kubernetes that it supports. It needs no further rights: what
# passes by is changed, and nothing that exists.
#
"""

_META = """\
apiVersion: policies.kyverno.io/v1
kind: MutatingPolicy
metadata:
  name: @NAME@
  annotations:
    policies.kyverno.io/title: Pin kube-proxy of new RKE2 clusters to @BACKEND@
    policies.kyverno.io/subject: Cluster
spec:
  failurePolicy: Ignore
  reinvocationPolicy: IfNeeded
  # New Clusters, and no others: what exists runs, and a change would restart all of its nodes.
  evaluation:
    admission: {enabled: true}
    background: {enabled: false}
    mutateExisting: {enabled: false}
"""


def render(policy: Policy) -> str:
    """Return the policy. Raises NothingToExportError."""
    return wanted(policy).fill(f"{_HEAD}{LIMITS}{_META}{evaluation(policy)}")
