"""kube-proxy, the network plugin and the host work with the same backend.

The pin of kube-proxy says nothing to anybody else. Calico's Felix detects a backend of its own
(`FELIX_IPTABLESBACKEND=auto`), flannel has its image's detector, and the kubelet and the CNI plugins
call the host's `iptables`. One that works with legacy beside a kube-proxy that works with nft has
the packets judged twice, by rules that do not know each other. For canal, set
`calico.felixIptablesBackend: nft` in the chart's values, or `flannel.enableNFTables: true`; for
Calico, `linuxDataplane: Nftables` (docs.rke2.io, "Nftables support").

```dump found iptables-legacy-save
*filter
:cali-FORWARD - [0:0]
-A FORWARD -m comment --comment "cali:wUHhoiAYhphO9Mso" -j cali-FORWARD
COMMIT
```

```dump found env
IPTABLES_MODE=nft
```

```dump good iptables-nft-save
*filter
:cali-FORWARD - [0:0]
-A FORWARD -m comment --comment "cali:wUHhoiAYhphO9Mso" -j cali-FORWARD
COMMIT
```

```dump good env
IPTABLES_MODE=nft
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.diagnosis.live_node import PLUGINS, LiveNode
from rke2_policies.finding import Problem, Severity
from rke2_policies.rule import rule

_NAMES = {"calico": "Calico", "cni": "CNI plugins", "flannel": "flannel"}


@rule(LiveNode, severity=Severity.WARNING)
def check(node: LiveNode) -> Iterator[Problem]:
    mine: str = node.current
    if mine not in ("nft", "legacy") and node.next_mode is not None:
        mine = node.next.backend
    others = frozenset(node.owners) if mine == "nft" else node.nft_owners
    both = node.nft_owners if mine == "nft" else frozenset(node.owners)
    if mine not in ("nft", "legacy"):
        return
    other = "legacy" if mine == "nft" else "nft"
    for owner in PLUGINS:
        # Rules in both backends are leftovers in one of them, which is another rule's business.
        if owner in others and owner not in both:
            remedy = f"pin {_NAMES[owner]} to {node.pin.backend}, too"
            yield node.problem(
                f"kube-proxy works with {mine}, {_NAMES[owner]} with {other}", remedy
            )
    host = node.host_tool
    if host is not None and host.backend != mine:
        message = f"kube-proxy works with {mine}, the host's iptables with {host.backend}"
        remedy = f"make the host's iptables work with {node.pin.backend}: update-alternatives"
        yield node.problem(message, remedy)
