"""All nodes of a cluster run the same kube-proxy.

During an upgrade they differ for a while. A node that stays behind was left out of it, or its service
was not restarted; what the detector in its image does may differ as well.

```dump found node-1/pod.json
{"kind": "Pod", "metadata": {"name": "kube-proxy-a", "labels": {"component": "kube-proxy"}},
 "spec": {"containers": [{"name": "kube-proxy", "image": "rancher/hardened-kubernetes:v1.33.4-rke2r1-build20250813"}]}}
```

```dump found node-2/pod.json
{"kind": "Pod", "metadata": {"name": "kube-proxy-b", "labels": {"component": "kube-proxy"}},
 "spec": {"containers": [{"name": "kube-proxy", "image": "rancher/hardened-kubernetes:v1.32.8-rke2r1-build20250813"}]}}
```

```dump good node-1/pod.json
{"kind": "Pod", "metadata": {"name": "kube-proxy-a", "labels": {"component": "kube-proxy"}},
 "spec": {"containers": [{"name": "kube-proxy", "image": "rancher/hardened-kubernetes:v1.33.4-rke2r1-build20250813"}]}}
```

```dump good node-2/pod.json
{"kind": "Pod", "metadata": {"name": "kube-proxy-b", "labels": {"component": "kube-proxy"}},
 "spec": {"containers": [{"name": "kube-proxy", "image": "rancher/hardened-kubernetes:v1.33.4-rke2r1-build20250813"}]}}
```
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rke2_policies.diagnosis.live_node import LiveCluster
from rke2_policies.diagnosis.wording import counted
from rke2_policies.finding import Problem, Severity
from rke2_policies.rule import rule


@rule(LiveCluster, severity=Severity.NOTE)
def check(cluster: LiveCluster) -> Iterator[Problem]:
    images = {
        node.name: pod.image for node in cluster.nodes if (pod := node.evidence.pod) and pod.image
    }
    if len(set(images.values())) < 2:
        return
    # Of two that are as frequent, the later name: versions mostly sort that way.
    usual, many = max(Counter(images.values()).items(), key=lambda one: (one[1], one[0]))
    for node in cluster.nodes:
        if images.get(node.name, usual) != usual:
            message = f"kube-proxy is {images[node.name]}, and {usual} on {counted(many, 'node')}"
            yield node.problem(message, "finish the upgrade, or restart the service")
