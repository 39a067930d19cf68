"""kube-proxy's image is the one that hears `IPTABLES_MODE`.

RKE2's own is `hardened-kubernetes`, from whichever registry. Kubernetes' upstream images have another
script (kubernetes-sigs/iptables-wrappers), which knows no such variable and looks for chains of the
kubelet instead: with them, neither the pin nor what is predicted here holds.

```dump found pod.json
{"kind": "Pod", "metadata": {"name": "kube-proxy-a", "labels": {"component": "kube-proxy"}},
 "spec": {"containers": [{"name": "kube-proxy", "image": "registry.k8s.io/kube-proxy:v1.33.4",
  "env": [{"name": "IPTABLES_MODE", "value": "nft"}]}]}}
```

```dump good pod.json
{"kind": "Pod", "metadata": {"name": "kube-proxy-a", "labels": {"component": "kube-proxy"}},
 "spec": {"containers": [{"name": "kube-proxy", "image": "mirror.example.com/rancher/hardened-kubernetes:v1.33.4-rke2r1-build20250813",
  "env": [{"name": "IPTABLES_MODE", "value": "nft"}]}]}}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.diagnosis.live_node import LiveNode
from rke2_policies.finding import Problem, Severity
from rke2_policies.rule import rule

_OURS = "hardened-kubernetes"


@rule(LiveNode, severity=Severity.WARNING)
def check(node: LiveNode) -> Iterator[Problem]:
    image = node.evidence.pod.image if node.evidence.pod is not None else ""
    if not image or _OURS in image.rpartition("/")[2]:
        return
    message = f"kube-proxy's image is {image}, which may not hear IPTABLES_MODE"
    yield node.problem(message, "use RKE2's own image, or read what this one does")
