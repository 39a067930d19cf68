"""kube-proxy writes its rules with the backend that is wanted.

Its container's iptables work with legacy while the host, the kubelet and most network plugins work
with nft. The kernel then asks two sets of rules that do not know each other, and NAT rules seem to
be missing: SUSE article 000022178, "Cause". Pinning alone is not enough here: what kube-proxy has
written stays in the legacy tables until the node starts anew. Where the policy says
`backend: legacy`, nft in use is what is found.

```dump found readlink
/usr/sbin/xtables-legacy-multi
```

```dump good readlink
/usr/sbin/xtables-nft-multi
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.diagnosis.live_node import LiveNode
from rke2_policies.finding import Problem, Severity
from rke2_policies.rule import rule


@rule(LiveNode, severity=Severity.ERROR)
def check(node: LiveNode) -> Iterator[Problem]:
    if node.current != node.pin.other or node.judge(node.running) == "other":
        return
    message = f"kube-proxy works with {node.pin.other}"
    if node.evidence.link is None:
        message += ": that is where its rules for Services are"
    if node.is_unpinned:
        message += f", and {node.pin.text} is not set"
    remedy = "restart the service, then drain and reboot the node"
    if not node.is_pinned:
        remedy = f"pin kube-proxy to {node.pin.backend}, {remedy}"
    yield node.problem(message, remedy, explains=True)
