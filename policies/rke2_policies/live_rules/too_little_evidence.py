"""There is enough to say how it is about a node.

Whether kube-proxy is pinned tells its environment, its Pod, or RKE2's configuration; what the next
start would choose without a pin tell the four dumps of rules. Without either, silence would look like
health.

```dump found cgroup
0::/
```

```dump good env
IPTABLES_MODE=nft
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.diagnosis.live_node import LiveNode
from rke2_policies.finding import Problem, Severity
from rke2_policies.rule import rule


@rule(LiveNode, severity=Severity.WARNING)
def check(node: LiveNode) -> Iterator[Problem]:
    if node.evidence.has_no_pod or node.mode is not None or node.next.backend == node.pin.other:
        return
    message = "nothing here tells whether kube-proxy is pinned"
    if node.next.backend != "unknown":
        message += f"; if it is not, the next start chooses {node.next.backend} ({node.next.why})"
    remedy = f"add {node.missing[0]}" if node.missing else "add kube-proxy's environment (env)"
    yield node.problem(message, remedy)
