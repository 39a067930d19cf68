"""kube-proxy is told which backend to work with.

Without `IPTABLES_MODE` the image detects one at each start of its container, and the answer may
change with the rules that happen to be there, or on a slow node. It works today; SUSE article
000022178 asks for the pin all the same, on all nodes.

```dump found env
KUBERNETES_PORT=tcp://10.43.0.1:443
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
    if not node.is_unpinned:
        return
    message = f"{node.pin.text} is not set: kube-proxy detects the backend at each start"
    if node.next.backend != "unknown" and node.judge(node.next_mode) == "unpinned":
        message += f"; the next one would choose {node.next.backend} ({node.next.why})"
    yield node.problem(message, f"pin kube-proxy to {node.pin.backend}")
