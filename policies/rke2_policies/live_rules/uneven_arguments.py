"""All nodes of a cluster start kube-proxy with the same arguments.

Every node makes kube-proxy of its own configuration. A node whose arguments or variables differ from
those of most others was left out of a change, or its service was not restarted since: what holds for
the others may not hold for it. Values of variables are not compared, because they may be secrets; what
is another one on every node, such as its name, does not count.

```dump found node-1/pod.json
{"kind": "Pod", "metadata": {"name": "kube-proxy-a", "labels": {"component": "kube-proxy"}},
 "spec": {"containers": [{"name": "kube-proxy", "args": ["--hostname-override=a", "--proxy-mode=iptables"]}]}}
```

```dump found node-2/pod.json
{"kind": "Pod", "metadata": {"name": "kube-proxy-b", "labels": {"component": "kube-proxy"}},
 "spec": {"containers": [{"name": "kube-proxy", "args": ["--hostname-override=b", "--proxy-mode=iptables"]}]}}
```

```dump found node-3/pod.json
{"kind": "Pod", "metadata": {"name": "kube-proxy-c", "labels": {"component": "kube-proxy"}},
 "spec": {"containers": [{"name": "kube-proxy", "args": ["--hostname-override=c", "--proxy-mode=ipvs"]}]}}
```

```dump good node-1/pod.json
{"kind": "Pod", "metadata": {"name": "kube-proxy-a", "labels": {"component": "kube-proxy"}},
 "spec": {"containers": [{"name": "kube-proxy", "args": ["--hostname-override=a", "--proxy-mode=iptables"]}]}}
```

```dump good node-2/pod.json
{"kind": "Pod", "metadata": {"name": "kube-proxy-b", "labels": {"component": "kube-proxy"}},
 "spec": {"containers": [{"name": "kube-proxy", "args": ["--hostname-override=b", "--proxy-mode=iptables"]}]}}
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
    pods = {
        node: pod.settings
        for node in cluster.nodes
        if (pod := node.evidence.pod) is not None and pod.settings
    }
    most = len(pods) / 2
    seen = Counter(setting for settings in pods.values() for setting in settings)
    usual = {setting for setting, count in seen.items() if count > most}
    agreed = {_flag(setting) for setting in usual}
    carried = Counter(flag for settings in pods.values() for flag in set(map(_flag, settings)))
    for node, settings in pods.items():
        # A flag that most nodes have, each with another value, is a node's own business.
        more = sorted(
            one for one in settings - usual if _flag(one) in agreed or carried[_flag(one)] <= most
        )
        less = sorted(usual - settings)
        said = [
            f"it {verb} {', '.join(names)}"
            for verb, names in (("has", more), ("lacks", less))
            if names
        ]
        if said:
            message = (
                f"kube-proxy is started in another way than on most of {counted(len(pods), 'node')}"
            )
            remedy = "compare this node's configuration with another one's, and restart its service"
            yield node.problem(f"{message}: {' and '.join(said)}", remedy)


def _flag(setting: str) -> str:
    return setting.partition("=")[0]
