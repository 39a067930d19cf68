"""kube-proxy is pinned to the backend that is wanted.

`IPTABLES_MODE=legacy` was written on purpose, and does what it says. Where hosts know nothing else,
say so in the policy: `params: {backend: legacy}`, or an exemption with its reason. There, the pin to
nft is what is found, because nothing works with it.

```dump found env
IPTABLES_MODE=legacy
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


@rule(LiveNode, severity=Severity.ERROR)
def check(node: LiveNode) -> Iterator[Problem]:
    for mode in (node.running, node.configured):
        if mode is not None and node.judge(mode) == "other":
            message = f"kube-proxy is pinned to {node.pin.other} ({mode.by})"
            remedy = f"write {node.pin.text}, unless the host has only {node.pin.other}"
            yield node.problem(message, remedy, explains=True)
            return
