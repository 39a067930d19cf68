"""kube-proxy's rules for Services are in the backend that it works with.

Look for `KUBE-SERVICES` in the table `nat`. Other chains that begin with `KUBE-` are the kubelet's, so
that `nft list ruleset | grep KUBE-` finds something where kube-proxy has written nothing; and
`iptables-nft -nvL` lists the table `filter` only. Both are in SUSE article 000022178.

```dump found iptables-nft-save
*mangle
:KUBE-IPTABLES-HINT - [0:0]
COMMIT
```

```dump found env
IPTABLES_MODE=nft
```

```dump good iptables-nft-save
*nat
:KUBE-SERVICES - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
COMMIT
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
    if node.current == "nft":
        there, elsewhere, other = node.serves("nft"), node.serves("legacy"), "legacy"
    elif node.current == "legacy":
        there, elsewhere, other = node.serves("legacy"), node.serves("nft"), "nft"
    else:
        return
    if there is not False:
        return
    message = (
        f"kube-proxy works with {node.current}, and there is no KUBE-SERVICES in its nat table"
    )
    if elsewhere:
        message += f"; it is in {other}'s"
    remedy = "look into kube-proxy's log: it does not run, or cannot write its rules"
    yield node.problem(message, remedy)
