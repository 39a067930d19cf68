"""Gatekeeper's Assign: the pin for new Clusters whose authors ask for it with a label.

An Assign looks at paths only: it sees no kubernetesVersion, no annotation, no finalizer and no user,
and of what stands at a path it only knows whether something does. So it is for Clusters that carry
a label, which somebody puts where new ones are made: in a template, or in a generator's code.

`operations` came with Gatekeeper 3.23; an older one drops it, and asks about updates, too
(open-policy-agent/gatekeeper pkg/mutation/match/apply_to.go).
"""

from __future__ import annotations

from rke2_lint.export import NothingToExportError
from rke2_lint.export.wanted import wanted, why_not_injected
from rke2_policies.policy import Policy

OPT_IN_LABEL = "rke2-lint.dev/pin"

_TEXT = """\
# Written by rke2-lint @VERSION@: `rke2-lint export --format gatekeeper`.
# For Gatekeeper 3.23 and later.
#
# New Clusters that carry the label @OPTIN@=@BACKEND@ get
# @KEY@: [@ITEM@], where they say nothing of that key.
# Whatever stands there stays, "@OTHER@" and misspelt values included.
#
# Why a label: Gatekeeper only sees whether a path is there. It cannot tell
# - RKE2 from K3s, nor a version that is too old: label Clusters of RKE2 only;
# - a new Cluster from one that is restored from a backup and runs already: a restored one that was
#   labelled after it was made gets the pin, and all of its nodes restart;
# - a Cluster that is exempt, by an annotation or in the policy, or that an override is for: do not
#   label it.
# Before 3.23 it cannot tell an update from a creation: `operations` is dropped, and whoever labels
# a running Cluster without the key has all of its nodes restarted. Look at what is kept:
# kubectl get assign @NAME@ -o yaml
#
# Why not more: it cannot
# - change `machineGlobalConfig: null`, or `rkeConfig: null`: Gatekeeper refuses a labelled Cluster
#   that says so, with "mismatch between path entry"; leave the key out, or write {};
# - add the pin to a list that has other items without adding it to one that says "@OTHER@";
# - write a misspelt pin as it should be, warn, or see selectors that take the pin away;
# - tell that a Cluster has no kube-proxy, or one with proxy-mode=nftables: there the pin is idle.
apiVersion: mutations.gatekeeper.sh/v1
kind: Assign
metadata:
  name: @NAME@
spec:
  applyTo:
    - groups: [provisioning.cattle.io]
      versions: [v1]
      kinds: [Cluster]
      operations: [CREATE]
  match:
    scope: Namespaced
    labelSelector:
      matchLabels:
        @OPTIN@: @BACKEND@
      matchExpressions:
        - {key: @LABEL@, operator: NotIn, values: ["off"]}
  location: spec.rkeConfig.machineGlobalConfig.@KEY@
  parameters:
    pathTests:
      # An imported cluster has none.
      - {subPath: spec.rkeConfig, condition: MustExist}
      - {subPath: spec.rkeConfig.machineGlobalConfig.@KEY@, condition: MustNotExist}
    assign:
      value: [@ITEM@]
"""


def render(policy: Policy) -> str:
    """Return the mutator. Raises NothingToExportError."""
    if why := why_not_injected(policy):
        raise NothingToExportError(f"{why}: nothing is to be injected")
    return wanted(policy).fill(_TEXT.replace("@OPTIN@", OPT_IN_LABEL))
